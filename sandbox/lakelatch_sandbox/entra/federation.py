"""Federated identity credentials: whether an assertion of somebody else's issuer stands for an application.

The match is decided before anything is fetched, so that nobody makes the service call an address of their choice.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import jwt

from lakelatch_sandbox.entra.errors import EntraError
from lakelatch_sandbox.graph import flexible
from lakelatch_sandbox.keys import SIGNATURE_ONLY

ALGORITHM = "RS256"
"""The only one for federated credentials (learn.microsoft.com/graph/api/resources/federatedidentitycredential)."""


def match(claims: Mapping[str, Any], credentials: Sequence[Mapping[str, Any]], *, client: str, name: str) -> None:
    """Return when one of the application's credentials has exactly this issuer, subject and audience.

    In place of the subject a credential may have an expression over the claims.

    Raises `EntraError` with the number that tells which of them did not match: 700211 issuer, 700213 subject (7002138
    when only the case differs), 700212 audience; 70025 when there is no credential at all.
    """
    if not credentials:
        raise EntraError(70025, client=client, name=name)
    issuer, subject = str(claims.get("iss")), str(claims.get("sub"))
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    of_issuer = [one for one in credentials if one["issuer"] == issuer]
    if not of_issuer:
        raise EntraError(700211, found=issuer)
    of_subject = [one for one in of_issuer if _accepts(one, claims)]
    if not of_subject:
        differs_in_case = any(str(one["subject"]).casefold() == subject.casefold() for one in of_issuer)
        raise EntraError(7002138 if differs_in_case else 700213, found=subject)
    if not any(one["audiences"][0] in audiences for one in of_subject):
        raise EntraError(700212, found=", ".join(str(one) for one in audiences))


def _accepts(credential: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
    """Whether a credential's subject, or in its place its expression, fits the claims."""
    expression = credential.get("claimsMatchingExpression")
    if expression is None:
        return bool(credential["subject"] == claims.get("sub"))
    return all(clause.holds(claims) for clause in flexible.parse(expression["value"]))


async def verify(assertion: str, claims: Mapping[str, Any], http: httpx.AsyncClient) -> None:
    """Check the assertion's signature with the keys that its issuer publishes now.

    Raises `EntraError`: 50166 when the issuer cannot be asked, 7000272 when it does not publish the key, 700027 when
    the signature or the algorithm is not good.
    """
    issuer = str(claims["iss"])
    header = jwt.get_unverified_header(assertion)
    if header.get("alg") != ALGORITHM:
        raise EntraError(700027, reason=f"The algorithm '{header.get('alg')}' is not supported.")
    keys = await published_keys(issuer, http)
    key = next((one for one in keys if one.get("kid") == header.get("kid") and one.get("kty") == "RSA"), None)
    if key is None:
        raise EntraError(7000272, key_id=str(header.get("kid")), issuer=issuer)
    try:
        jwt.decode(
            assertion,
            jwt.PyJWK(dict(key), algorithm=ALGORITHM).key,
            algorithms=[ALGORITHM],
            options=SIGNATURE_ONLY,
        )
    except jwt.PyJWTError:
        raise EntraError(
            700027, reason="The provided signature value did not match the expected signature value."
        ) from None


async def published_keys(issuer: str, http: httpx.AsyncClient) -> list[dict[str, Any]]:
    """The keys behind an issuer's discovery document; raises `EntraError` (50166) when there are none to be had."""
    try:
        configuration = await _fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration", http)
        if configuration.get("issuer") != issuer:
            raise EntraError(50166)
        keys = (await _fetch(str(configuration.get("jwks_uri")), http)).get("keys")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        raise EntraError(50166) from None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise EntraError(50166)
    return keys


async def _fetch(address: str, http: httpx.AsyncClient) -> dict[str, Any]:
    answer = await http.get(address)
    answer.raise_for_status()
    document = answer.json()
    if not isinstance(document, dict):
        raise ValueError("not an object")
    return document
