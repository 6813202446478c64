"""Doubles of the OpenID Connect issuers of CI systems and identity providers: discovery, keys, and tokens at will.

Every path below `/issuers/` is an issuer of its own, with its own keys: `/issuers/github`, `/issuers/gitlab`,
`/issuers/keycloak/realms/acme`. Issuers below `/issuers/auth0` end in a slash, as the vendor's do; it is part of `iss`.
A token says what its maker under the control address wants it to say, wrong things included.
"""

import re
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args
from weakref import WeakKeyDictionary

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lakelatch_sandbox.context import Context
from lakelatch_sandbox.keys import Algorithm, SigningKeys
from lakelatch_sandbox.store import Store

PREFIX = "/issuers"
DISCOVERY = "/.well-known/openid-configuration"
LIFETIME_SECONDS = 300
"""GitHub's and GitLab's tokens live five minutes."""

NAMES = (
    "auth0",
    "aws",
    "azure-devops",
    "circleci",
    "github",
    "gitlab",
    "google",
    "keycloak/realms/acme",
    "okta/oauth2/acme",
)
"""The issuers that the access model has types for, one name each; any other name works as well."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:/[A-Za-z0-9_-]+){0,5}")
_ENDS_IN_SLASH = frozenset({"auth0"})
_SIGNED: tuple[Algorithm, ...] = get_args(Algorithm)
_UNSAFE = ("HS256", "none")
"""For refusals: a secret that no verifier shares, and no signature at all."""

_KEYS: WeakKeyDictionary[Store, dict[str, SigningKeys]] = WeakKeyDictionary()
"""Key sets that are in use: to read an RSA key anew for each token takes longer than all the rest."""


@dataclass(frozen=True)
class Issuer:
    """One issuer by its name, for example `github` or `keycloak/realms/acme`."""

    context: Context
    name: str

    @property
    def url(self) -> str:
        """What its tokens have as `iss`."""
        slash = "/" if self.name.partition("/")[0] in _ENDS_IN_SLASH else ""
        return f"{self.context.endpoints.cluster_issuer}{PREFIX}/{self.name}{slash}"

    def keys(self, algorithm: Algorithm) -> SigningKeys:
        """Its keys of one algorithm, made at the first use."""
        held, name = _KEYS.setdefault(self.context.store, {}), f"issuers/{self.name}/{algorithm}"
        if name not in held:
            held[name] = SigningKeys(self.context.store, name, algorithm)
        return held[name]

    def configuration(self) -> dict[str, Any]:
        """Its discovery document (OpenID Connect Discovery 1.0 §3)."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url.rstrip('/')}/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public", "pairwise"],
            "id_token_signing_alg_values_supported": list(_SIGNED),
            "claims_supported": ["sub", "aud", "exp", "iat", "iss", "jti", "nbf"],
            "scopes_supported": ["openid"],
        }

    def jwks(self) -> dict[str, Any]:
        """Its public keys of every algorithm."""
        return {"keys": [key for algorithm in _SIGNED for key in self.keys(algorithm).jwks()["keys"]]}

    def sign(self, claims: Mapping[str, Any], algorithm: str, key_id: str | None = None) -> str:
        """A token of these claims; `key_id` names another key than the one that signed."""
        headers = {} if key_id is None else {"kid": key_id}
        if algorithm in _SIGNED:
            return self.keys(algorithm).sign(dict(claims), headers=headers)
        key = secrets.token_bytes(32) if algorithm == "HS256" else ""
        return jwt.encode(dict(claims), key, algorithm=algorithm, headers=headers)


@dataclass(frozen=True)
class Order:
    """A token that somebody wants."""

    issuer: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    """Beside the usual ones, or in their place; null leaves one out."""
    algorithm: Literal["RS256", "ES256", "ES384", "HS256", "none"] = "RS256"
    lifetime_seconds: int = LIFETIME_SECONDS
    key_id: str | None = None


def parse(body: Any) -> Order:
    """The order in a JSON body; raises `ValueError` that says what is wrong."""
    kinds = {"issuer": str, "claims": dict, "algorithm": str, "lifetime_seconds": int, "key_id": str}
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    for name, value in body.items():
        if name not in kinds:
            raise ValueError(f"`{name}` is not known; known are {', '.join(kinds)}")
        if not isinstance(value, kinds[name]) or isinstance(value, bool):
            raise ValueError(f"`{name}` must be of type {kinds[name].__name__}")
    if not is_name(body.get("issuer", "")):
        raise ValueError(f"`issuer` must name a path below {PREFIX}, for example one of {', '.join(NAMES)}")
    if body.get("algorithm", "RS256") not in (*_SIGNED, *_UNSAFE):
        raise ValueError(f"`algorithm` must be one of {', '.join((*_SIGNED, *_UNSAFE))}")
    return Order(**body)


def is_name(text: str) -> bool:
    """Whether an issuer may be called so."""
    return len(text) <= 200 and _NAME.fullmatch(text) is not None


def claims_of(order: Order, issuer: str, now: int) -> dict[str, Any]:
    """The claims of an ordered token: the usual ones, then the order's own over them."""
    usual = {
        "iss": issuer,
        "iat": now,
        "nbf": now,
        "exp": now + order.lifetime_seconds,
        "jti": str(uuid.uuid4()),
    }
    return {name: value for name, value in (usual | dict(order.claims)).items() if value is not None}


def mint(context: Context, order: Order) -> str:
    """The token that was ordered."""
    issuer = Issuer(context, order.issuer)
    return issuer.sign(claims_of(order, issuer.url, context.clock.now()), order.algorithm, order.key_id)


def routes(context: Context) -> list[Route]:
    """Discovery and key set of every issuer."""

    def answer(document: str) -> Any:
        async def handler(request: Request) -> Response:
            name = request.path_params["name"].rstrip("/")
            if not is_name(name):
                return JSONResponse({"error": "not_found"}, status_code=404)
            issuer = Issuer(context, name)
            return JSONResponse(issuer.jwks() if document == "jwks" else issuer.configuration())

        return handler

    return [
        Route(f"{PREFIX}/{{name:path}}{DISCOVERY}", answer("configuration")),
        Route(f"{PREFIX}/{{name:path}}/jwks", answer("jwks")),
    ]


def switches(context: Context) -> list[Route]:
    """Under the control address: `POST /issuers/tokens` and `POST /issuers/keys/rotate`, and `GET /issuers`."""

    async def tokens(request: Request) -> Response:
        try:
            order = parse(await request.json())
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse({"issuer": Issuer(context, order.issuer).url, "token": mint(context, order)})

    async def rotate(request: Request) -> Response:
        try:
            order = parse(await request.json())
            if order.algorithm not in _SIGNED:
                raise ValueError(f"`algorithm` must be one of {', '.join(_SIGNED)}")
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse({"kid": Issuer(context, order.issuer).keys(order.algorithm).rotate()})

    async def names(_: Request) -> Response:
        return JSONResponse({name: Issuer(context, name).url for name in NAMES})

    return [
        Route("/issuers", names, methods=["GET"]),
        Route("/issuers/tokens", tokens, methods=["POST"]),
        Route("/issuers/keys/rotate", rotate, methods=["POST"]),
    ]
