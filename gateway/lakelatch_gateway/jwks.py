"""The public keys of trusted issuers: fetched, sanitised, kept. Only what is left here can ever verify a token."""

import json
from collections.abc import Sequence
from typing import Any, Final

import httpx

from lakelatch.access.algorithms import weakness
from lakelatch.envoy.config import TrustedIssuer
from lakelatch_gateway.errors import FetchError
from lakelatch_gateway.web import fetch_object

Jwk = dict[str, Any]

MAX_KEYS: Final = 32
"""Issuers publish 2 to 10 keys; each takes a place in Envoy's rules."""
_PIN: Final = {"RSA": "RS256", "EC": "ES256"}
_MEMBERS: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}


def sanitise(document: dict[str, Any], algorithms: Sequence[str]) -> tuple[list[Jwk], list[str]]:
    """The keys of a key set that may verify tokens, each pinned to one `alg`; and why each other one may not.

    Envoy has no list of allowed algorithms and takes a key without `alg` or `kid` for anything of its family, so a key
    keeps only its public members and gets both. Symmetric keys never get through.
    """
    listed = document.get("keys")
    keys: dict[str, Jwk] = {}
    rejected: list[str] = []
    for index, jwk in enumerate(listed if isinstance(listed, list) else []):
        reason = _reason(jwk, algorithms, keys)
        if reason is not None:
            rejected.append(f"key {index}: {reason}")
            continue
        kty, kid = jwk["kty"], jwk["kid"]
        keys[kid] = {name: jwk[name] for name in _MEMBERS[kty]}
        keys[kid] |= {"kty": kty, "kid": kid, "alg": _PIN[kty], "use": "sig"}
    return list(keys.values()), rejected


def _reason(jwk: Any, algorithms: Sequence[str], keys: dict[str, Jwk]) -> str | None:
    if not isinstance(jwk, dict):
        return "it is no JSON object"
    if (weak := weakness(jwk)) is not None:
        return weak
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not kid:
        return "it has no kid, so no token can name it"
    if kid in keys:
        return "an earlier key has the same kid"
    kty = jwk["kty"]
    if not all(isinstance(jwk.get(name), str) for name in _MEMBERS[kty]):
        return f"it lacks one of {', '.join(_MEMBERS[kty])}"
    if _PIN[kty] not in algorithms:
        return f"it signs with {_PIN[kty]}, which is not among this issuer's algorithms"
    if len(keys) >= MAX_KEYS:
        return f"it is beyond the first {MAX_KEYS}"
    return None


async def fetch_keys(client: httpx.AsyncClient, issuer: TrustedIssuer) -> tuple[list[Jwk], list[str]]:
    """Fetch an issuer's keys by its discovery document, or from where the configuration says, or take those in it.

    Raises:
        FetchError: they cannot be had, or none of them may verify tokens.

    """
    if issuer.jwks_json is not None:
        uri, document = "jwks_json", json.loads(issuer.jwks_json)
    else:
        uri = issuer.jwks_uri or await _discover(client, issuer.issuer)
        document = await fetch_object(client, uri)
    keys, rejected = sanitise(document, issuer.algorithms)
    if not keys:
        raise FetchError(f"`{uri}` has no key that may verify tokens: {'; '.join(rejected) or 'it is empty'}")
    return keys, rejected


async def _discover(client: httpx.AsyncClient, issuer: str) -> str:
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    document = await fetch_object(client, url)
    # OpenID Connect Discovery 1.0 §4.3: it must be exactly the issuer that was asked.
    if document.get("issuer") != issuer:
        raise FetchError(f"`{url}` is the discovery document of another issuer than `{issuer}`")
    uri = document.get("jwks_uri")
    if not isinstance(uri, str) or not uri.startswith("https://"):
        raise FetchError(f"`{url}` names no https jwks_uri")
    return uri
