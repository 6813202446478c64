"""The gateway's endpoints: what they publish, what the token endpoint takes, and the precise reason when it refuses."""

import io
import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from lakelatch.envoy.config import GatewayConfig
from lakelatch_gateway.endpoints import Served, application, authorization_server, databricks_config
from lakelatch_gateway.errors import TokenRefused
from lakelatch_gateway.exchange import GRANT, JWT_TYPE
from lakelatch_gateway.issuer import Issuer
from lakelatch_gateway.log import Log
from lakelatch_gateway.tokens import validate

NOW = 1_800_000_000
IDP = "https://idp.example.test/"
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = {**jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "k", "alg": "ES256", "use": "sig"}
CONFIG = GatewayConfig.parse(
    {
        "host": "https://gateway.example.test",
        "listen": {"address": "127.0.0.1", "port": 1},
        "workspace": {"host": "https://workspace.example.test", "id": "17", "account_id": "acc"},
        "issuers": {"idp": {"issuer": IDP, "audience": "gateway-api"}},
        "services": {"nightly": {"issuer": "idp", "subject": "sub-1", "application_id": "app", "roles": {}}},
        "issuer": {"url": "https://gateway.example.test", "key": {"path": "/k.pem"}, "audience": "aud"},
    }
)
ISSUER = Issuer(CONFIG.issuer, ec.generate_private_key(ec.SECP256R1()))


def token(algorithm: str = "ES256", key: object = KEY, headers: dict[str, str] | None = None, **changed: object) -> str:
    claims = {"iss": IDP, "aud": "gateway-api", "sub": "sub-1", "exp": NOW + 600, **changed}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm, {"kid": "k", **(headers or {})})  # type: ignore[arg-type]


@pytest.fixture
async def client_and_log() -> Any:
    served = Served(CONFIG, ISSUER, {"idp": [PUBLIC]}, {"oidc_endpoint": "https://workspace.example.test/oidc"})
    log = io.StringIO()
    transport = httpx.ASGITransport(application(lambda: served, lambda: NOW, Log(log)))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as made:
        yield made, log


@pytest.fixture
def client(client_and_log: Any) -> Any:
    return client_and_log[0]


@pytest.fixture
def log(client_and_log: Any) -> Any:
    return client_and_log[1]


def form(subject_token: str, **changed: str) -> dict[str, str]:
    return {"grant_type": GRANT, "subject_token_type": JWT_TYPE, "subject_token": subject_token, **changed}


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"], ids=["plain", "line break", "windows line break"])
async def test_good_token_comes_back_with_its_remaining_life(client: Any, ending: Any) -> None:
    shown = token()
    response = await client.post("/oidc/v1/token", data=form(shown + ending, scope="sql"))
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {
        "access_token": shown,
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": "sql",
    }


def another() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


REFUSED = [
    pytest.param(lambda: token(aud="other"), "wrong audience", id="wrong audience"),
    pytest.param(lambda: token(aud=None), "wrong audience", id="no audience"),
    pytest.param(lambda: token(exp=NOW - 31), "expired", id="expired"),
    pytest.param(lambda: token(exp=None), "no expiry", id="no expiry"),
    pytest.param(lambda: token(nbf=NOW + 90), "not valid yet", id="not yet valid"),
    pytest.param(lambda: token(iss="https://idp.example.test"), "wrong issuer", id="issuer without its slash"),
    pytest.param(lambda: token(sub="sub-2"), "unknown subject", id="unknown subject"),
    pytest.param(lambda: token(sub="SUB-1"), "unknown subject", id="subject in other case"),
    pytest.param(lambda: token(headers={"kid": "x"}), "unknown key", id="unknown key"),
    pytest.param(lambda: token(key=another()), "signature", id="signed with another key"),
    pytest.param(lambda: token("HS256", "s" * 32), "HS256", id="HS256"),
    pytest.param(lambda: token("none", None), "none", id="none"),
    pytest.param(lambda: token("ES384", ec.generate_private_key(ec.SECP384R1())), "ES384", id="ES384"),
    pytest.param(lambda: token()[:-4] + "AAAA", "signature", id="tampered"),
]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        pytest.param({"azp": "sub-1", "sub": "x"}, None, id="named by the issuer's claim"),
        pytest.param({"azp": "x"}, "unknown subject: the token's issuer and subject (azp)", id="another subject"),
        pytest.param({}, "the token has no subject (azp)", id="claim missing"),
        pytest.param({"azp": ["sub-1"]}, "the token has no subject (azp)", id="claim is a list"),
    ],
)
def test_a_service_is_known_by_its_issuers_claim(changed: Any, reason: str | None) -> None:
    issuers = {"idp": CONFIG.issuers["idp"].model_copy(update={"subject_claim": "azp"})}
    config = CONFIG.model_copy(update={"issuers": issuers})
    if reason is None:
        assert validate(token(**changed), config, {"idp": [PUBLIC]}, now=NOW).service == "nightly"
    else:
        with pytest.raises(TokenRefused) as caught:
            validate(token(**changed), config, {"idp": [PUBLIC]}, now=NOW)
        assert reason in str(caught.value)


@pytest.mark.parametrize(("make", "reason"), REFUSED)
async def test_token_that_is_refused_and_why(client: Any, log: Any, make: Any, reason: Any) -> None:
    shown = make()
    response = await client.post("/oidc/v1/token", data=form(shown))
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_grant"
    assert reason in response.json()["error_description"]
    assert shown not in response.text + log.getvalue()


MALFORMED = [
    pytest.param({"grant_type": "client_credentials"}, "unsupported_grant_type", id="client secret"),
    pytest.param({}, "unsupported_grant_type", id="empty"),
    pytest.param(form("x", subject_token_type="urn:x"), "invalid_request", id="token type"),
    pytest.param(form(" \n"), "invalid_request", id="no token"),
    pytest.param(form("abc"), "invalid_request", id="no JWT"),
    pytest.param(form("a" * 20_000), "invalid_request", id="endless token"),
    pytest.param(form("a" * 40_000), "invalid_request", id="endless request"),
    pytest.param({**form("a"), "scope": ["a", "b"]}, "invalid_request", id="parameter twice"),
]


@pytest.mark.parametrize(("data", "error"), MALFORMED)
async def test_request_that_is_malformed(client: Any, data: Any, error: Any) -> None:
    response = await client.post("/oidc/v1/token", data=data)
    assert response.status_code == 400
    assert response.json()["error"] == error
    assert response.json()["error_description"]


@given(st.text(max_size=60) | st.binary(max_size=40).map(lambda raw: raw.decode("latin-1")))
def test_no_text_is_taken_for_a_token(text: Any) -> None:
    with pytest.raises(TokenRefused):
        validate(text, CONFIG, {"idp": [PUBLIC]}, now=NOW)


async def test_published_documents(client: Any) -> None:
    discovery = (await client.get("/.well-known/openid-configuration")).json()
    assert discovery["issuer"] == CONFIG.issuer.url
    assert discovery["jwks_uri"] == "https://gateway.example.test/.well-known/jwks.json"
    keys = (await client.get("/.well-known/jwks.json")).json()["keys"]
    minted = ISSUER.mint("nightly", now=time.time(), token_id="1")
    claims = jwt.decode(minted, jwt.PyJWK(keys[0]).key, ["ES256"], audience="aud", issuer=CONFIG.issuer.url)
    assert claims["sub"] == "nightly"
    assert claims["exp"] - claims["iat"] == 600
    assert jwt.get_unverified_header(minted)["kid"] == keys[0]["kid"]
    assert set(keys[0]) == {"kty", "crv", "x", "y", "alg", "use", "kid"}


async def test_databricks_clients_are_told_to_stay_on_the_gateway(client: Any) -> None:
    document = (await client.get("/.well-known/databricks-config")).json()
    assert document["oidc_endpoint"] == "https://gateway.example.test/oidc"
    assert document["token_federation_default_oidc_audiences"] == ["gateway-api"]
    server = (await client.get("/oidc/.well-known/oauth-authorization-server")).json()
    assert server["token_endpoint"] == "https://gateway.example.test/oidc/v1/token"


def test_every_address_of_the_workspace_becomes_the_gateways_and_no_other_does() -> None:
    metadata = {"cloud": "aws", "x": "https://workspace.example.test", "y": "https://workspace.example.test.evil/"}
    document = databricks_config(CONFIG, metadata)
    assert document["x"] == "https://gateway.example.test"
    assert document["y"] == "https://workspace.example.test.evil/"
    assert document["cloud"] == "aws"
    assert (document["workspace_id"], document["account_id"]) == ("17", "acc")
    assert all("workspace.example.test" not in str(value) for value in authorization_server(CONFIG).values())


def test_the_first_audience_is_the_gateways_own_token_address() -> None:
    """Databricks' clients take the first: a CI job can ask for that one, but never for another application's id."""
    own = "https://gateway.example.test/oidc/v1/token"
    issuers = {
        "a": {"issuer": "https://a.example.test", "audience": "0-an-application"},
        "b": {"issuer": "https://b.example.test", "audience": own},
        "c": {"issuer": "https://c.example.test", "audience": own},
    }
    config = GatewayConfig.parse({**CONFIG.model_dump(), "issuers": issuers, "services": {}})
    assert databricks_config(config, {})["token_federation_default_oidc_audiences"] == [own, "0-an-application"]
