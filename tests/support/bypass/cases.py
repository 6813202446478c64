"""Every case, class by class."""

from support.bypass import bodies, framing, places, requests, streams, tokens

CASES = [
    *tokens.CASES,
    *places.CASES,
    *requests.CASES,
    *framing.CASES,
    *streams.CASES,
    *bodies.CASES,
]
