"""The TokenRequest that a workload sends: read and validated as the API server does."""

import json
from dataclasses import dataclass
from typing import Any

from lakelatch_sandbox.cluster.status import bad_request, invalid

DEFAULT_EXPIRATION_SECONDS = 3600
MINIMUM_EXPIRATION_SECONDS = 600
MAXIMUM_EXPIRATION_SECONDS = 1 << 32
"""The bounds of kubernetes/kubernetes `pkg/apis/authentication/validation/validation.go`."""


@dataclass(frozen=True)
class TokenRequest:
    """What was asked for: the audiences, and a lifetime in seconds."""

    audiences: tuple[str, ...]
    expiration_seconds: int


def parse_token_request(body: bytes, *, default_audience: str) -> TokenRequest:
    """The request in a body; without audiences the token is for the API server itself.

    Raises `StatusError`: 400 for what is no TokenRequest, 422 for a lifetime out of bounds.
    """
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        raise bad_request("the object provided is unrecognized (must be of type TokenRequest)") from None
    if not isinstance(document, dict) or document.get("kind", "TokenRequest") != "TokenRequest":
        raise bad_request("the object provided is unrecognized (must be of type TokenRequest)")
    spec = document.get("spec")
    if spec is None:
        spec = {}
    if not isinstance(spec, dict):
        raise bad_request("TokenRequest.spec must be an object")
    audiences = _audiences(spec.get("audiences"))
    return TokenRequest(audiences or (default_audience,), _expiration(spec.get("expirationSeconds")))


def _audiences(found: Any) -> tuple[str, ...]:
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(audience, str) for audience in found):
        raise bad_request("TokenRequest.spec.audiences must be a list of strings")
    return tuple(found)


def _expiration(found: Any) -> int:
    field = "spec.expirationSeconds"
    if found is None:
        return DEFAULT_EXPIRATION_SECONDS
    if not isinstance(found, int) or isinstance(found, bool):
        raise bad_request(f"TokenRequest.{field} must be an integer")
    if found < MINIMUM_EXPIRATION_SECONDS:
        raise invalid(field, f"Invalid value: {found}: may not specify a duration less than 10 minutes")
    if found > MAXIMUM_EXPIRATION_SECONDS:
        raise invalid(field, f"Invalid value: {found}: may not specify a duration larger than 2^32 seconds")
    return found
