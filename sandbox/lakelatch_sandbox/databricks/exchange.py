"""Verification of a subject token against federation policies (RFC 8693, RFC 7519, RFC 8725)."""

from collections.abc import Mapping, Sequence
from typing import Any

import jwt

from lakelatch_sandbox.databricks.errors import OAuthError
from lakelatch_sandbox.databricks.federation import ALGORITHMS, Mismatch, mismatch, refusal, shown
from lakelatch_sandbox.databricks.keysets import Key, KeySetError, KeySets
from lakelatch_sandbox.keys import SIGNATURE_ONLY
from lakelatch_sandbox.store import Document

MAX_TOKEN = 64 * 1024


def _refused(description: str) -> OAuthError:
    return OAuthError(401, "invalid_client", description)


def opened(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a compact JWT, unverified; raises `OAuthError` for what is none or has a wrong algorithm."""
    if len(token) > MAX_TOKEN:
        raise OAuthError(400, "invalid_request", f"subject_token is longer than {MAX_TOKEN} characters")
    try:
        header = jwt.get_unverified_header(token)
        claims: dict[str, Any] = jwt.decode(token, options={**SIGNATURE_ONLY, "verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
        raise _refused("subject_token is not a JWT.") from error
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise _refused(f"The token is signed with {shown(algorithm)}; only RS256 and ES256 are accepted.")
    return header, claims


def _key(keys: Sequence[Key], header: Mapping[str, Any], issuer: str) -> Key:
    """The key that the header names; without a `kid`, the only one of its algorithm."""
    algorithm, kid = header["alg"], header.get("kid")
    suitable = [key for key in keys if key.algorithm == algorithm and kid in (None, key.kid)]
    if kid is None and len(suitable) > 1:
        raise _refused(f"The token has no `kid`, and {issuer!a} publishes several {algorithm} keys.")
    if not suitable:
        known = ", ".join(shown(key.kid) for key in keys) or "none"
        raise _refused(
            f"The token's key id {shown(kid)} is no {algorithm} key of {issuer!a}; its usable keys are: {known}."
        )
    return suitable[0]


async def _verify(token: str, header: Mapping[str, Any], policy: Document, key_sets: KeySets) -> None:
    oidc = policy["oidc_policy"]
    try:
        keys = await key_sets.keys(oidc, header.get("kid"))
    except KeySetError as error:
        raise _refused(f"The keys of {oidc['issuer']!a} cannot be had: {error}.") from error
    key = _key(keys, header, oidc["issuer"])
    try:
        jwt.decode(token, key.key, algorithms=[key.algorithm], options=SIGNATURE_ONLY)
    except jwt.InvalidTokenError as error:
        raise _refused(f"The token's signature does not verify with the key {shown(key.kid)} of its issuer.") from error


async def verified(
    token: str, policies: Sequence[Document], *, owner: str, account_id: str, key_sets: KeySets
) -> tuple[Document, dict[str, Any]]:
    """The policy that accepts the token, and the token's claims; its lifetime is the caller's to judge.

    Claims are compared before keys are fetched: only a policy's issuer is ever asked for keys. Raises `OAuthError`
    with the check that failed and what would match; the last one when several policies fit and none verifies.
    """
    header, claims = opened(token)
    differences = [(policy, mismatch(policy, claims, account_id)) for policy in policies]
    fitting = [policy for policy, difference in differences if difference is None]
    if not fitting:
        found: list[Mismatch] = [difference for _, difference in differences if difference is not None]
        raise refusal(found, owner)
    failure: OAuthError | None = None
    for policy in fitting:
        try:
            await _verify(token, header, policy, key_sets)
        except OAuthError as error:
            failure = error
        else:
            return policy, claims
    assert failure is not None  # noqa: S101
    raise failure
