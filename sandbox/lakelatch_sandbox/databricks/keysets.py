"""Issuers' public keys: fetched by discovery, bounded, kept for a few seconds."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lakelatch_sandbox.databricks.policy_rules import is_trusted_url

CACHE_SECONDS = 5.0
"""Short, so that a rotated key is seen at once in a demonstration, and long enough to keep exchanges fast."""

REFETCH_SECONDS = 1.0
"""An unknown key id fetches again, but no more often than this."""

MAX_BYTES = 256 * 1024
MAX_KEYS = 100
LEAST_RSA_BITS = 2048


class KeySetError(Exception):
    """Raised when an issuer's keys cannot be had; the text says why and holds no secret."""


@dataclass(frozen=True)
class Key:
    """A public key that may verify tokens, with the one algorithm it is for."""

    kid: str | None
    algorithm: str
    key: Any


def parse(document: Any) -> tuple[Key, ...]:
    """The usable keys of a JSON Web Key Set (RFC 7517): RSA for RS256, P-256 for ES256, others are passed over.

    Raises `KeySetError` when the document is no key set.
    """
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise KeySetError("the key set has no `keys`")
    found = (_usable(one) for one in keys[:MAX_KEYS] if isinstance(one, dict))
    return tuple(key for key in found if key is not None)


def _usable(jwk: dict[str, Any]) -> Key | None:
    algorithm = {"RSA": "RS256", "EC": "ES256"}.get(str(jwk.get("kty")))
    if algorithm is None or jwk.get("use", "sig") != "sig" or jwk.get("alg", algorithm) != algorithm:
        return None
    try:
        key = jwt.PyJWK({**jwk, "alg": algorithm}).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if isinstance(key, rsa.RSAPublicKey):
        strong = key.key_size >= LEAST_RSA_BITS
    else:
        strong = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    kid = jwk.get("kid")
    return Key(kid if isinstance(kid, str) else None, algorithm, key) if strong else None


@lru_cache(maxsize=512)
def parse_inline(text: str) -> tuple[Key, ...]:
    """The keys of a policy's `jwks_json`, parsed once per text."""
    return parse(json.loads(text))


class KeySets:
    """Fetches and caches key sets. Only issuers that a policy names are ever asked."""

    def __init__(self, http: httpx.AsyncClient, monotonic: Callable[[], float]) -> None:
        self._http = http
        self._monotonic = monotonic
        self._cached: dict[tuple[str, str | None], tuple[float, tuple[Key, ...]]] = {}
        self._locks: dict[tuple[str, str | None], asyncio.Lock] = {}

    async def keys(self, oidc: Mapping[str, Any], kid: str | None) -> tuple[Key, ...]:
        """The keys of a policy's issuer; fetched again when `kid` is not among those known. Raises `KeySetError`."""
        if oidc.get("jwks_json"):
            return parse_inline(oidc["jwks_json"])
        source = (str(oidc["issuer"]), oidc.get("jwks_uri"))
        cached = self._fresh(source, kid)
        if cached is None:
            async with self._locks.setdefault(source, asyncio.Lock()):
                cached = self._fresh(source, kid)
                if cached is None:
                    cached = await self._fetch(*source)
                    self._cached[source] = self._monotonic(), cached
        return cached

    def _fresh(self, source: tuple[str, str | None], kid: str | None) -> tuple[Key, ...] | None:
        if source not in self._cached:
            return None
        fetched, keys = self._cached[source]
        age = self._monotonic() - fetched
        known = kid is None or any(key.kid == kid for key in keys)
        return keys if age < (CACHE_SECONDS if known else REFETCH_SECONDS) else None

    async def _fetch(self, issuer: str, jwks_uri: str | None) -> tuple[Key, ...]:
        if jwks_uri is None:
            url = issuer.rstrip("/") + "/.well-known/openid-configuration"
            discovery = await self._json(url)
            if not isinstance(discovery, dict) or discovery.get("issuer") != issuer:
                raise KeySetError(f"{url} names another `issuer` than {issuer!a}")
            jwks_uri = discovery.get("jwks_uri")
            if not isinstance(jwks_uri, str) or not is_trusted_url(jwks_uri):
                raise KeySetError(f"{url} has no `jwks_uri` with https")
        return parse(await self._json(jwks_uri))

    async def _json(self, url: str) -> Any:
        try:
            async with self._http.stream("GET", url, headers={"Accept": "application/json"}) as response:
                if response.status_code != 200:
                    raise KeySetError(f"{url} answered with status {response.status_code}")
                content = b""
                async for part in response.aiter_bytes():
                    content += part
                    if len(content) > MAX_BYTES:
                        raise KeySetError(f"{url} answered with more than {MAX_BYTES} bytes")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise KeySetError(f"{url} could not be fetched ({type(error).__name__})") from error
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise KeySetError(f"{url} answered with something else than JSON") from error
