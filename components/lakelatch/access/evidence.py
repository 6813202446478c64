"""What is known of a request, and whether a rule's check is met by it: met, not met, or not known.

Of a request that came everything is known; of one that somebody only asks about, what was told. Something that is not
known never makes a check met or not met unless it would be so whatever the value is.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from lakelatch.access.checks import OPAQUE, Check
from lakelatch.access.expressions import expression

State = Literal["met", "not met", "not known"]

_READABLE: Final = "body.readable == true"
"""What holds of a body that means one thing only."""


def _nothing(_: str) -> bool:
    return False


class Evidence(NamedTuple):
    """What is known of a request."""

    attributes: Mapping[str, Any]
    """By the vocabulary's names."""
    client_address: str | None
    unknown: Callable[[str], bool] = _nothing
    """Whether a request could have this attribute and its value was not told; a name is `request.time`,
    `body.row_limit`, or `body` for all of its members."""

    @property
    def whole(self) -> bool:
        """Whether everything is known, as of a request that came."""
        return self.unknown is _nothing


class Part(NamedTuple):
    """One thing that a check asks."""

    key: str
    """The rule's key: `during`, `networks`, `deny`, `require`, `limit.row_limit`, or `body` for whether it is clear."""
    asked: str
    """What must hold."""
    state: State
    unknown: tuple[str, ...] = ()
    """Attributes that would decide it, when it is not known."""

    @property
    def opaque(self) -> bool:
        """Whether it is a bound on what requests for the action do not show."""
        return self.asked == OPAQUE and self.key.startswith("limit.")


class Judgement(NamedTuple):
    """Whether a check is met, and by what."""

    check: Check
    state: State
    parts: tuple[Part, ...]


def met(check: Check, evidence: Evidence) -> bool:
    """Whether a request that came meets what a rule asks: what `judge` says of it, without the reasons."""
    attributes = evidence.attributes
    if check.unless and expression(check.unless).proven(attributes):
        return True
    if check.networks and _network(check.networks, evidence).state != "met":
        return False
    if check.reads_body and attributes["body"].get("readable") is not True:
        return False
    return expression(check.condition).proven(attributes)


def judge(check: Check, evidence: Evidence) -> Judgement:
    """Hold what a rule asks against what is known of a request."""
    unless = _part("during", check.unless, evidence) if check.unless else None
    if unless is not None and unless.state == "met":
        return Judgement(check, "met", (unless,))
    parts = [_network(check.networks, evidence)] if check.networks else []
    if check.reads_body:
        parts.append(_readable(evidence))
    parts += [_part(one.key, one.text, evidence) for one in check.conditions]
    states = {part.state for part in parts}
    state: State = "not met" if "not met" in states else "not known" if "not known" in states else "met"
    if unless is None:
        return Judgement(check, state, tuple(parts))
    if unless.state == "not known" and state == "not met":
        state = "not known"
    return Judgement(check, state, (unless, *parts))


def _readable(evidence: Evidence) -> Part:
    if evidence.unknown("body.readable"):
        return Part("body", _READABLE, "not known", ("body.readable",))
    return Part("body", _READABLE, "met" if evidence.attributes["body"].get("readable") is True else "not met")


def _unknown(text: str, evidence: Evidence) -> tuple[str, ...]:
    return () if evidence.whole else tuple(name for name in named(text) if evidence.unknown(name))


def _network(networks: tuple[str, ...], evidence: Evidence) -> Part:
    asked = f"client.address in {', '.join(networks)}"
    if evidence.client_address is None:
        return Part("networks", asked, "not known", ("client.address",))
    address = ipaddress.ip_address(evidence.client_address)
    within = any(address in ipaddress.ip_network(network) for network in networks)
    return Part("networks", asked, "met" if within else "not met")


def _part(key: str, text: str, evidence: Evidence) -> Part:
    unknown = _unknown(text, evidence)
    if not unknown:
        return Part(key, text, "met" if expression(text).proven(evidence.attributes) else "not met")
    attributes = dict(evidence.attributes)
    if _HAS.search(text):
        # Whether a member is there is known of none, while one of them is not known.
        for name in unknown:
            attributes.pop(_root(name), None)
    else:
        for name in unknown:
            if name == _root(name):
                attributes.pop(name, None)
    # A member that is missing is an error, which `&&` and `||` take for "could be either" (cel-spec, "Logical
    # Operators"): what comes out all the same does so whatever the member is.
    if expression(text).proven(attributes):
        return Part(key, text, "met")
    if expression(f"!({text})").proven(attributes):
        return Part(key, text, "not met")
    return Part(key, text, "not known", unknown)


_NAME: Final = re.compile(
    r"(?<!\w)(request\s*\.\s*headers|claims|path|body|(?:identity|action|request)\s*\.\s*\w+)(?!\w)"
    r"(?:\s*\.\s*(\w+)|\s*\[\s*'([^'\\]*)'\s*\]|\s*\[\s*\"([^\"\\]*)\"\s*\])?"
)
_HAS: Final = re.compile(r"\bhas\s*\(")
_MAPS: Final = ("request.headers", "claims", "path", "body")


@lru_cache(maxsize=4096)
def named(text: str) -> tuple[str, ...]:
    """What a condition speaks of: `body.row_limit`, or `body` where a member cannot be told.

    A name within a quoted text counts as well: then more is taken for not known than has to be, never less.
    """
    found: dict[str, None] = {}
    for match in _NAME.finditer(text):
        root = re.sub(r"\s", "", match[1])
        member = match[2] or match[3] or match[4]
        found[f"{root}.{member}" if root in _MAPS and member else root] = None
    return tuple(found)


def _root(name: str) -> str:
    return next((root for root in _MAPS if name.startswith(f"{root}.")), name)
