"""Whether a token fits a federation policy, and the reason when it does not: pure functions.

Source: docs.databricks.com/aws/dev-tools/auth/oauth-federation-exchange; RFC 7519 §4.1 for the claims.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lakelatch_sandbox.databricks.errors import OAuthError

ALGORITHMS = ("RS256", "ES256")
"""All that the vendor verifies."""

DEFAULT_SUBJECT_CLAIM = "sub"

NOT_BEFORE_LEEWAY_SECONDS = 30
"""Clocks of issuers run a little ahead. Expiry has no leeway."""

_SHOWN = 200

Check = Literal["issuer", "audience", "subject"]
_ORDER: tuple[Check, ...] = ("issuer", "audience", "subject")


@dataclass(frozen=True)
class Mismatch:
    """The first thing in which a token differs from a policy."""

    policy_id: str
    check: Check
    found: Any
    expected: str


def shown(value: Any) -> str:
    """A claim as it stands in a message: quoted and bounded. Issuer, audience and subject are no secrets."""
    if value is None:
        return "absent"
    text = ascii(value) if isinstance(value, (str, list)) else f"a {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def audiences(claims: Mapping[str, Any]) -> list[str]:
    """The `aud` claim as a list, whichever of its two shapes it has (RFC 7519 §4.1.3)."""
    found = claims.get("aud")
    if isinstance(found, str):
        return [found]
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def subject_claim(policy: Mapping[str, Any]) -> str:
    """The claim that a policy reads the subject from."""
    return str(policy["oidc_policy"].get("subject_claim") or DEFAULT_SUBJECT_CLAIM)


def mismatch(policy: Mapping[str, Any], claims: Mapping[str, Any], account_id: str) -> Mismatch | None:
    """The first difference between a token and a policy, None when issuer, audience and subject all match exactly."""
    oidc = policy["oidc_policy"]
    policy_id = policy["policy_id"]
    if claims.get("iss") != oidc["issuer"]:
        return Mismatch(policy_id, "issuer", claims.get("iss"), shown(oidc["issuer"]))
    accepted = oidc.get("audiences") or [account_id]
    if not set(accepted) & set(audiences(claims)):
        expected = " or ".join(shown(one) for one in accepted)
        return Mismatch(policy_id, "audience", claims.get("aud"), expected)
    found = claims.get(subject_claim(policy))
    wanted = oidc.get("subject")
    if not isinstance(found, str) or not found or (wanted is not None and found != wanted):
        return Mismatch(policy_id, "subject", found, "a user name" if wanted is None else shown(wanted))
    return None


def refusal(mismatches: Sequence[Mismatch], owner: str) -> OAuthError:
    """The refusal of a token that fits no policy: every policy with what would match, the closest first.

    A wrong audience alone is `invalid_grant` with status 400, everything else 401, as field engineers report of the
    vendor. Its exact texts are undocumented: clients never match on wording.
    """
    if not mismatches:
        return OAuthError(
            401, "invalid_client", f"{owner} has no federation policy, so no token can be exchanged for it."
        )
    closest = sorted(mismatches, key=lambda one: -_ORDER.index(one.check))
    reasons = [
        f"policy '{one.policy_id}': {one.check} is {shown(one.found)}, it wants {one.expected}" for one in closest
    ]
    text = f"No federation policy of {owner} matches the token. {'; '.join(reasons)}."
    if closest[0].check == "audience":
        return OAuthError(400, "invalid_grant", text)
    return OAuthError(401, "invalid_client", text)


def remaining_life(claims: Mapping[str, Any], now: int) -> int:
    """Seconds until the token's `exp`; raises `OAuthError` 401 for one that is over, not yet valid, or has none."""
    expiry, start = claims.get("exp"), claims.get("nbf", 0)
    for name, value in (("exp", expiry), ("nbf", start)):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 2**53:
            raise OAuthError(
                401, "invalid_client", f"The token's `{name}` is {shown(value)}, it must be a number of seconds."
            )
    assert expiry is not None  # noqa: S101
    if expiry <= now:
        raise OAuthError(401, "invalid_client", f"The token has expired: `exp` is {int(expiry)}, now is {now}.")
    if start > now + NOT_BEFORE_LEEWAY_SECONDS:
        raise OAuthError(401, "invalid_client", f"The token is not valid yet: `nbf` is {int(start)}, now is {now}.")
    return int(expiry) - now
