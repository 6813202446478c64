"""Only sanitised keys verify: the sanitiser as a table, and fetching that keeps what was good."""

import asyncio
import io
import json
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from lakelatch.access.algorithms import weakness
from lakelatch.envoy.config import TrustedIssuer
from lakelatch_gateway import web
from lakelatch_gateway.errors import FetchError
from lakelatch_gateway.jwks import MAX_KEYS, fetch_keys, sanitise
from lakelatch_gateway.keeper import KeyKeeper
from lakelatch_gateway.log import Log

BOTH = ("RS256", "ES256")
EC = jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True)
EC_PRIVATE = jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
P384 = jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True)
RSA = jwt.algorithms.RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048).public_key(), as_dict=True)
RSA_SHORT = jwt.algorithms.RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True)

REFUSED = [
    pytest.param({"kty": "oct", "k": "c2VjcmV0", "kid": "a"}, "secret key material", id="symmetric"),
    pytest.param({**EC_PRIVATE, "kid": "a"}, "secret key material", id="private half"),
    pytest.param({**P384, "kid": "a"}, "curve", id="P-384"),
    pytest.param({**RSA_SHORT, "kid": "a"}, "1024 bits", id="short RSA"),
    pytest.param({**RSA, "kid": "a", "alg": "RS384"}, "RS384", id="RS384"),
    pytest.param({**RSA, "kid": "a", "alg": "HS256"}, "HS256", id="HS256 on an RSA key"),
    pytest.param({**RSA, "kid": "a", "use": "enc"}, "use", id="for encryption"),
    pytest.param({**EC}, "no kid", id="without kid"),
    pytest.param({**EC, "kid": 7}, "no kid", id="kid that is no text"),
    pytest.param({"kty": "EC", "crv": "P-256", "kid": "a"}, "lacks", id="without coordinates"),
    pytest.param("text", "no JSON object", id="no object"),
    pytest.param({"kty": "OKP", "crv": "Ed25519", "x": "x", "kid": "a"}, "key type", id="Ed25519"),
]


@pytest.mark.parametrize(("jwk", "reason"), REFUSED)
def test_key_that_may_not_verify(jwk: Any, reason: Any) -> None:
    keys, rejected = sanitise({"keys": [jwk, {**EC, "kid": "good"}]}, BOTH)
    assert [key["kid"] for key in keys] == ["good"]
    assert reason in rejected[0]


def test_key_is_pinned_and_reduced_to_its_public_members() -> None:
    keys, rejected = sanitise({"keys": [{**RSA, "kid": "a", "x5c": ["MII"], "key_ops": ["verify"]}]}, BOTH)
    assert rejected == []
    assert keys == [{"kty": "RSA", "kid": "a", "alg": "RS256", "use": "sig", "n": RSA["n"], "e": RSA["e"]}]


def test_algorithms_of_the_issuer_narrow_its_keys() -> None:
    keys, rejected = sanitise({"keys": [{**RSA, "kid": "a"}, {**EC, "kid": "b"}]}, ("ES256",))
    assert [key["kid"] for key in keys] == ["b"]
    assert "RS256" in rejected[0]


def test_second_key_with_the_same_id_and_keys_beyond_the_limit_are_left_out() -> None:
    many = [{**EC, "kid": str(number)} for number in range(MAX_KEYS + 5)]
    keys, rejected = sanitise({"keys": [*many[:1], *many]}, BOTH)
    assert len(keys) == MAX_KEYS
    assert len(rejected) == 6


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["keys", "kty", "kid", "n"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.just("keys"), json_values))
def test_no_document_breaks_the_sanitiser_and_nothing_weak_gets_through(document: Any) -> None:
    keys, _ = sanitise(document, BOTH)
    assert all(weakness(key) is None and key["kid"] and key["alg"] in BOTH for key in keys)


ISSUER = TrustedIssuer(issuer="https://idp.example.test/t/", audience="a")
GOOD = {"keys": [{**EC, "kid": "a"}]}


def client(documents: Any) -> Any:
    def answer(request: Any) -> Any:
        found = documents.get(str(request.url))
        if isinstance(found, httpx.Response):
            return found
        return httpx.Response(404) if found is None else httpx.Response(200, json=found)

    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


DISCOVERY = "https://idp.example.test/t/.well-known/openid-configuration"
KEYS = "https://idp.example.test/keys"
WRONG_DOCUMENTS = [
    pytest.param({}, "answered 404", id="no discovery"),
    pytest.param({DISCOVERY: {"issuer": "https://idp.example.test/t", "jwks_uri": KEYS}}, "another issuer", id="slash"),
    pytest.param({DISCOVERY: {"issuer": ISSUER.issuer}}, "no https jwks_uri", id="no jwks_uri"),
    pytest.param({DISCOVERY: {"issuer": ISSUER.issuer, "jwks_uri": "http://x/"}}, "no https", id="plain http"),
    pytest.param({DISCOVERY: {"issuer": ISSUER.issuer, "jwks_uri": KEYS}, KEYS: {"keys": []}}, "is empty", id="empty"),
    pytest.param({DISCOVERY: httpx.Response(200, text="<html>")}, "no JSON", id="page"),
    pytest.param({DISCOVERY: httpx.Response(200, json=[1])}, "no JSON object", id="list"),
    pytest.param({DISCOVERY: httpx.Response(200, text="x" * 300_000)}, "longer than", id="endless"),
    pytest.param({DISCOVERY: httpx.Response(302, headers={"location": KEYS})}, "answered 302", id="redirect"),
]


@pytest.mark.parametrize(("documents", "reason"), WRONG_DOCUMENTS)
async def test_issuer_documents_that_are_not_taken(documents: Any, reason: Any) -> None:
    async with client(documents) as http:
        with pytest.raises(FetchError, match=reason):
            await fetch_keys(http, ISSUER)


async def test_keys_come_from_discovery_or_from_where_the_configuration_says() -> None:
    discovery = {"issuer": ISSUER.issuer, "jwks_uri": KEYS}
    async with client({DISCOVERY: discovery, KEYS: GOOD}) as http:
        assert (await fetch_keys(http, ISSUER))[0][0]["kid"] == "a"
    async with client({KEYS: GOOD}) as http:
        assert (await fetch_keys(http, ISSUER.model_copy(update={"jwks_uri": KEYS})))[0][0]["kid"] == "a"
    async with client({}) as http:
        inline = ISSUER.model_copy(update={"jwks_json": json.dumps(GOOD)})
        assert (await fetch_keys(http, inline))[0][0]["kid"] == "a"


def test_client_needs_readable_authorities(tmp_path: Any) -> None:
    with pytest.raises(FetchError, match="authorities"):
        web.client(str(tmp_path / "absent.pem"))


async def test_last_good_keys_stay_when_the_issuer_fails() -> None:
    answers: list[object] = [([{"kid": "a"}], []), FetchError("down"), FetchError("down"), ([{"kid": "b"}], [])]
    waits: list[float] = []
    seen: list[list[str]] = []
    over = asyncio.Event()

    async def fetch(_issuer: Any) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, FetchError):
            raise answer
        return answer

    async def sleep(seconds: Any) -> Any:
        waits.append(seconds)
        seen.append([key["kid"] for key in keeper.keys({"i": ISSUER})["i"]])
        if not answers:
            over.set()
            await asyncio.Event().wait()

    changes: list[None] = []
    text = io.StringIO()
    keeper = KeyKeeper(
        fetch=fetch, changed=lambda: changes.append(None), sleep=sleep, chance=lambda: 1.0, log=Log(text)
    )
    keeper.keep({ISSUER})
    await keeper.settled()
    await over.wait()
    await keeper.close()
    assert waits == [300, 2, 4, 300]
    assert seen == [["a"], ["a"], ["a"], ["b"]]
    assert len(changes) == 2
    assert json.loads(text.getvalue().splitlines()[1])["still_known"] == 1
