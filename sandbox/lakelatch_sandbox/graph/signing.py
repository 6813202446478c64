"""The tenant's signing keys: a new one is published before it signs, an old one stays until its last token has died."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization

from lakelatch_sandbox.keys import KIND, SigningKeys
from lakelatch_sandbox.store import Store

NAME = "entra"

LEAD_SECONDS = 3600
"""Between publication and first signature, unless a rotation says otherwise: longer than verifiers keep a key set."""

LONGEST_TOKEN_SECONDS = 5400
"""Entra draws lifetimes from 60 to 90 minutes (learn.microsoft.com/entra/identity-platform/access-tokens); nothing that
this tenant signs lives longer."""

Entry = Mapping[str, Any]
"""A key: `pem`, `public`, and `signs_from` and `published_until` in seconds since the epoch, as far as they are set."""


def published(entries: Sequence[Entry], now: int) -> list[Entry]:
    """The keys that verifiers find now."""
    return [one for one in entries if one.get("published_until") is None or one["published_until"] > now]


def signer(entries: Sequence[Entry], now: int) -> Entry:
    """The key that signs now: the newest whose time has come."""
    return [one for one in entries if one.get("signs_from", 0) <= now][-1]


def rotated(entries: Sequence[Entry], now: int, lead_seconds: int) -> list[Entry]:
    """The keys after the last one was made: it signs after the lead, those before it leave when their tokens are dead.

    Keys that nobody can need any more are forgotten.
    """
    signs_from = now + lead_seconds
    until = signs_from + LONGEST_TOKEN_SECONDS
    *older, newest = entries
    kept = [one if one.get("published_until") else {**one, "published_until": until} for one in published(older, now)]
    return [*kept, {**newest, "signs_from": signs_from}]


class TenantKeys:
    """The keys as they are now; `now` is the sandbox's clock.

    Every use looks into the store, because login service, Graph and control each have an instance.
    """

    def __init__(self, store: Store, now: Callable[[], int]) -> None:
        self._store = store
        self._now = now
        self._made = SigningKeys(store, NAME)
        self._private: dict[str, Any] = {}
        self._public: dict[str, jwt.PyJWK] = {}

    def _entries(self) -> list[Entry]:
        found = self._store.get(KIND, NAME)
        return [] if found is None else list(found["keys"])

    def rotate(self, lead_seconds: int = LEAD_SECONDS) -> str:
        """Make and publish a new key that signs after `lead_seconds`; returns its `kid`."""
        kid = self._made.rotate()
        self._store.put(KIND, NAME, {"keys": rotated(self._entries(), self._now(), lead_seconds)})
        return kid

    def jwks(self) -> dict[str, Any]:
        """The public keys, as the tenant's `jwks_uri` answers (RFC 7517 §5)."""
        return {"keys": [one["public"] for one in published(self._entries(), self._now())]}

    def schedule(self) -> list[dict[str, Any]]:
        """Every published key: since when it signs and until when it is published, None for no end."""
        return [
            {
                "kid": one["public"]["kid"],
                "signs_from": one.get("signs_from", 0),
                "published_until": one.get("published_until"),
            }
            for one in published(self._entries(), self._now())
        ]

    def sign(self, claims: dict[str, Any]) -> str:
        """A compact JWT (RFC 7519) of these claims."""
        entry = signer(self._entries(), self._now())
        kid = str(entry["public"]["kid"])
        if kid not in self._private:
            self._private[kid] = serialization.load_pem_private_key(entry["pem"].encode(), None)
        return jwt.encode(claims, self._private[kid], algorithm=entry["public"]["alg"], headers={"kid": kid})

    def verify(self, token: str, **options: Any) -> dict[str, Any]:
        """The claims of a token that a published key signed; raises `jwt.InvalidTokenError` otherwise.

        `options` are those of `jwt.decode` (`audience`, `issuer`, `options`).
        """
        kid = jwt.get_unverified_header(token).get("kid")
        found = next((key for key in self.jwks()["keys"] if key["kid"] == kid), None)
        if kid is None or found is None:
            raise jwt.InvalidTokenError("the key id is not one that the tenant publishes")
        if kid not in self._public:
            self._public[kid] = jwt.PyJWK(found)
        key = self._public[kid]
        return jwt.decode(token, key.key, algorithms=[key.algorithm_name], **options)
