"""Proves that mistakes of other token verifiers, each published as an advisory, are not made here."""

import base64
import hashlib
import hmac
import importlib.metadata
import json
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lakelatch.envoy.config import GatewayConfig
from lakelatch_gateway.errors import FetchError, TokenRefused
from lakelatch_gateway.jwks import fetch_keys, sanitise
from lakelatch_gateway.tokens import validate

NOW = 1_800_000_000
IDP = "https://idp.example.test"
CONFIG = GatewayConfig.parse(
    {
        "host": "https://gateway.example.test",
        "listen": {"address": "127.0.0.1", "port": 1},
        "workspace": {"host": "https://workspace.example.test", "id": "17", "account_id": "acc"},
        "issuers": {"idp": {"issuer": IDP, "audience": "gateway"}},
        "services": {"nightly": {"issuer": "idp", "subject": "sub-1", "application_id": "app", "roles": {}}},
        "issuer": {"url": "https://gateway.example.test", "key": {"path": "/k.pem"}, "audience": "aud"},
    }
)
CLAIMS = {"iss": IDP, "aud": "gateway", "sub": "sub-1", "exp": NOW + 600}
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
PUBLISHED, _ = sanitise(
    {
        "keys": [
            {**jwt.algorithms.RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True), "kid": "rsa", "alg": "RS256"},
            {**jwt.algorithms.ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True), "kid": "ec", "alg": "ES256"},
        ]
    },
    ("RS256", "ES256"),
)
PEM = RSA_KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def signed(header: dict[str, Any], sign: Callable[[bytes], bytes], payload: bytes | None = None) -> str:
    """A token with exactly this header, which a library would refuse to write."""
    start = f"{encoded(json.dumps(header).encode())}.{encoded(payload or json.dumps(CLAIMS).encode())}"
    return f"{start}.{encoded(sign(start.encode()))}"


def by_rsa(header: dict[str, Any], payload: bytes | None = None) -> str:
    algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    return signed({"alg": "RS256", "kid": "rsa", **header}, lambda text: algorithm.sign(text, RSA_KEY), payload)


def by_secret(secret: bytes, header: dict[str, Any]) -> str:
    return signed({"alg": "HS256", **header}, lambda text: hmac.new(secret, text, hashlib.sha256).digest())


def symmetric(secret: bytes) -> dict[str, str]:
    return {"kty": "oct", "k": encoded(secret), "kid": "rsa", "alg": "HS256"}


FORGED = [
    pytest.param(by_rsa({"crit": ["bound-to"], "bound-to": "x"}), id="CVE-2026-32597 PyJWT ignores crit"),
    pytest.param(by_rsa({"crit": ["cnf"], "cnf": {"jkt": "x"}}), id="CVE-2025-59420 Authlib ignores crit"),
    pytest.param(by_rsa({"b64": False, "crit": ["b64"]}), id="CVE-2025-59420 Authlib ignores crit, detached payload"),
    pytest.param(by_rsa({"alg": "ES256", "kid": "ec"}), id="CVE-2026-48523 a key of another algorithm"),
    pytest.param(by_rsa({"alg": "ES256"}), id="CVE-2026-48523 the key's algorithm named otherwise"),
    pytest.param(by_rsa({"alg": "RS512"}), id="CVE-2026-48523 an algorithm of the key's family"),
    pytest.param(by_secret(PEM, {"kid": "rsa"}), id="CVE-2022-29217 PyJWT takes a public key for a secret"),
    pytest.param(by_secret(b"", {"kid": "rsa"}), id="CVE-2022-29217 an empty secret"),
    pytest.param(by_secret(b"s", {"kid": "rsa", "jwk": symmetric(b"s")}), id="CVE-2018-0114 node-jose takes the jwk"),
    pytest.param(by_secret(b"s", {"kid": "x", "jku": f"{IDP}/keys"}), id="RFC 8725 §3.10 a key from jku"),
    pytest.param(signed({"alg": "none", "kid": "rsa"}, lambda _: b""), id="CVE-2015-9235 none"),
    pytest.param(signed({"alg": "nOnE", "kid": "rsa"}, lambda _: b""), id="CVE-2015-9235 none in another case"),
    pytest.param(signed({"alg": "ES256", "kid": "ec"}, lambda _: bytes(64)), id="CVE-2022-21449 Java takes r = s = 0"),
    pytest.param(by_rsa({"kid": None}), id="RFC 8725 §3.1 no kid"),
]


@pytest.mark.parametrize("token", FORGED)
def test_it_is_refused(token: str) -> None:
    with pytest.raises(TokenRefused):
        validate(token, CONFIG, {"idp": PUBLISHED}, now=NOW)


def test_without_the_mistake_the_same_token_is_taken() -> None:
    assert validate(by_rsa({}), CONFIG, {"idp": PUBLISHED}, now=NOW).service == "nightly"


@pytest.mark.parametrize("kept", [{"alg": "RS256"}, {}], ids=["pinned", "without alg"])
def test_a_symmetric_key_never_verifies_whatever_it_says_of_itself(kept: dict[str, str]) -> None:
    keys, [told] = sanitise({"keys": [{"kty": "oct", "k": encoded(PEM), "kid": "a", **kept}]}, ("RS256", "ES256"))
    assert keys == []
    assert "secret" in told


async def test_cve_2026_102267_keys_are_not_fetched_from_where_a_redirect_leads() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"location": "https://elsewhere.example.test/keys"})

    issuer = CONFIG.issuers["idp"].model_copy(update={"jwks_uri": f"{IDP}/keys"})
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        with pytest.raises(FetchError, match="answered 302"):
            await fetch_keys(client, issuer)
    assert asked == [f"{IDP}/keys"]


def test_pyjwt_has_the_fixes_up_to_cve_2026_102275() -> None:
    assert tuple(map(int, importlib.metadata.version("pyjwt").split("."))) >= (2, 15, 1)
