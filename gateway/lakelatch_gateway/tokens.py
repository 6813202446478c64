"""Validation of a token that is shown at the token endpoint: the same checks as Envoy's, with the precise reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

import jwt

from lakelatch.access.algorithms import ACCEPTED, ALGORITHMS
from lakelatch.envoy.authentication import CLOCK_SKEW_SECONDS
from lakelatch.envoy.config import GatewayConfig, GatewayPeople, TrustedIssuer
from lakelatch_gateway.errors import TokenRefused
from lakelatch_gateway.jwks import Jwk

MAX_BYTES: Final = 16 * 1024


@dataclass(frozen=True)
class Validated:
    """A token that the gateway would take as it is."""

    service: str | None
    """None for a person's token."""
    expires_at: int
    """Seconds since the epoch."""


def validate(token: str, config: GatewayConfig, keys: Mapping[str, Sequence[Jwk]], *, now: float) -> Validated:
    """Check a token as RFC 8725 §3 asks: algorithm, key, signature, issuer, audience, times, and a known subject.

    `keys` are the sanitised keys by issuer name. Nothing of the token decides about its own checks: `kid` and `iss`
    only choose among keys and issuers that are trusted already.

    Raises:
        TokenRefused: with the reason; it never quotes the token.

    """
    if len(token) > MAX_BYTES:
        raise TokenRefused(f"the token is longer than {MAX_BYTES} bytes", error="invalid_request")
    header, claims = _unverified(token)
    algorithm = header.get("alg")
    if algorithm not in ACCEPTED:
        known = ALGORITHMS.get(algorithm) if isinstance(algorithm, str) else None
        told = f"{known.name}: {known.reason}" if known else "not a registered one"
        raise TokenRefused(f"the token's alg is {told}; use RS256 or ES256")
    name = next((name for name, trusted in config.issuers.items() if trusted.issuer == claims.get("iss")), None)
    if name is None:
        raise TokenRefused("wrong issuer: the gateway does not trust the token's issuer (iss)")
    key = next((key for key in keys.get(name, ()) if key["kid"] == header.get("kid")), None)
    if key is None or key["alg"] != algorithm:
        raise TokenRefused(f"unknown key: issuer '{name}' publishes no key that fits the token's kid and alg")
    _verify(token, key, algorithm)
    trusted, people = config.issuers[name], config.people.get(name)
    if people is not None and _is_for_people(claims, trusted, people):
        _check_claims(claims, people.audience, people.user_claim, now)
        if str(claims.get("sub", "")).lower() in config.policy.borne:
            raise TokenRefused("unknown subject: the token's subject (sub) is a service's, which is never a person")
        return Validated(None, int(claims["exp"]))
    _check_claims(claims, trusted.audience, trusted.subject_claim, now)
    subject = config.policy.by_identity.get((claims["iss"], claims[trusted.subject_claim]))
    if subject is None:
        raise TokenRefused(
            f"unknown subject: the token's issuer and subject ({trusted.subject_claim}) belong to no service of this"
            " gateway"
        )
    return Validated(subject.name, int(claims["exp"]))


def _unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        parsed = jwt.decode_complete(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise TokenRefused("the subject_token is no JSON Web Token", error="invalid_request") from None
    return parsed["header"], parsed["payload"]


def _verify(token: str, key: Jwk, algorithm: str) -> None:
    try:
        # PyJWS checks the signature alone; the claims are checked below, on a clock that is handed in.
        jwt.PyJWS().decode(token, jwt.PyJWK(key, algorithm).key, [algorithm])
    except (jwt.InvalidTokenError, jwt.PyJWKError):
        raise TokenRefused("the token's signature does not verify with the issuer's key that it names (kid)") from None


def _is_for_people(claims: Mapping[str, Any], trusted: TrustedIssuer, people: GatewayPeople) -> bool:
    """Whether a token is made out for people, and not for services as well: then it is a service's."""
    return _is_for(claims, people.audience) and (
        people.audience == trusted.audience or not _is_for(claims, trusted.audience)
    )


def _is_for(claims: Mapping[str, Any], audience: str) -> bool:
    audiences = claims.get("aud")
    return audience in (audiences if isinstance(audiences, list) else [audiences])


def _check_claims(claims: Mapping[str, Any], audience: str, subject_claim: str, now: float) -> None:
    if not _is_for(claims, audience):
        raise TokenRefused(
            f"wrong audience: the token (aud) was issued for something else than this gateway; ask for '{audience}'"
        )
    expires, not_before = claims.get("exp"), claims.get("nbf", 0)
    if not _is_time(expires):
        raise TokenRefused("the token has no expiry (exp)")
    if now >= expires + CLOCK_SKEW_SECONDS:
        raise TokenRefused("the token has expired (exp): fetch a new one from the identity provider")
    if not _is_time(not_before) or now < not_before - CLOCK_SKEW_SECONDS:
        raise TokenRefused("the token is not valid yet (nbf): check the clocks of issuer, client and gateway")
    if not isinstance(claims.get(subject_claim), str):
        raise TokenRefused(f"the token has no subject ({subject_claim})")


def _is_time(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
