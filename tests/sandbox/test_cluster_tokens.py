"""The cluster double issues service-account tokens as Kubernetes does, and refuses in the Kubernetes `Status` shape."""

from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelatch_sandbox.cluster.requests import MAXIMUM_EXPIRATION_SECONDS, parse_token_request
from lakelatch_sandbox.cluster.status import StatusError
from lakelatch_sandbox.cluster.tokens import is_service_account

AUDIENCE = "api://AzureADTokenExchange"


def token_url(sandbox: Any, namespace: str = "reports", name: str = "nightly-report") -> str:
    return f"{sandbox.endpoints.cluster_issuer}/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"


def bearer(sandbox: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {sandbox.endpoints.cluster_token}"}


def body(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}


def test_token_verifies_by_discovery_and_names_the_account(sandbox: Any) -> None:
    answer = sandbox.http.post(
        token_url(sandbox), headers=bearer(sandbox), json=body(audiences=[AUDIENCE], expirationSeconds=900)
    )
    assert answer.status_code == 201
    token = answer.json()["status"]["token"]
    issuer = sandbox.endpoints.cluster_issuer
    configuration = sandbox.http.get(f"{issuer}/.well-known/openid-configuration").json()
    assert configuration["issuer"] == issuer
    keys = jwt.PyJWKSet.from_dict(sandbox.http.get(configuration["jwks_uri"]).json())
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, keys[header["kid"]].key, algorithms=["RS256"], audience=AUDIENCE, issuer=issuer)
    assert header == {"alg": "RS256", "kid": header["kid"]}
    assert claims["sub"] == "system:serviceaccount:reports:nightly-report"
    assert claims["aud"] == [AUDIENCE]
    assert claims["exp"] - claims["iat"] == 900
    assert claims["nbf"] == claims["iat"]
    assert claims["kubernetes.io"]["namespace"] == "reports"
    assert claims["kubernetes.io"]["serviceaccount"]["name"] == "nightly-report"


def test_account_uid_and_keys_outlive_a_restart_but_token_ids_differ(sandbox: Any) -> None:
    def claims() -> dict[str, Any]:
        answer = sandbox.http.post(token_url(sandbox), headers=bearer(sandbox), json=body(audiences=[AUDIENCE]))
        return jwt.decode(answer.json()["status"]["token"], options={"verify_signature": False})

    def jwks() -> Any:
        return sandbox.http.get(f"{sandbox.endpoints.cluster_issuer}/openid/v1/jwks").json()

    first, keys = claims(), jwks()
    sandbox.restart()
    second = claims()
    assert jwks() == keys
    assert first["kubernetes.io"] == second["kubernetes.io"]
    assert first["jti"] != second["jti"]


def test_without_audiences_the_token_is_for_the_api_server(sandbox: Any) -> None:
    answer = sandbox.http.post(token_url(sandbox), headers=bearer(sandbox), json={}).json()
    assert answer["spec"] == {
        "audiences": [sandbox.endpoints.cluster_issuer],
        "expirationSeconds": 3600,
        "boundObjectRef": None,
    }


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic abc"}])
def test_without_the_cluster_token_nothing_is_issued(sandbox: Any, header: dict[str, str]) -> None:
    answer = sandbox.http.post(token_url(sandbox), headers=header, json=body(audiences=[AUDIENCE]))
    assert answer.status_code == 401
    assert answer.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [
        pytest.param(b"{", 400, "BadRequest", id="no JSON"),
        pytest.param(b"[]", 400, "BadRequest", id="no object"),
        pytest.param(b'{"kind": "Pod"}', 400, "BadRequest", id="another kind"),
        pytest.param(b'{"spec": []}', 400, "BadRequest", id="spec is a list"),
        pytest.param(b'{"spec": {"audiences": "x"}}', 400, "BadRequest", id="audiences is text"),
        pytest.param(b'{"spec": {"expirationSeconds": "900"}}', 400, "BadRequest", id="lifetime is text"),
        pytest.param(b'{"spec": {"expirationSeconds": true}}', 400, "BadRequest", id="lifetime is a boolean"),
        pytest.param(b'{"spec": {"expirationSeconds": 599}}', 422, "Invalid", id="shorter than ten minutes"),
        pytest.param(b'{"spec": {"expirationSeconds": 4294967297}}', 422, "Invalid", id="longer than 2^32 seconds"),
    ],
)
def test_refused_requests(sandbox: Any, content: bytes, code: int, reason: str) -> None:
    answer = sandbox.http.post(token_url(sandbox), headers=bearer(sandbox), content=content)
    assert (answer.status_code, answer.json()["reason"], answer.json()["code"]) == (code, reason, code)


@pytest.mark.parametrize(("namespace", "name"), [("Reports", "a"), ("a", "B"), ("a.b", "c"), ("a", "-c"), ("a", "c:d")])
def test_names_that_kubernetes_does_not_allow_are_not_found(sandbox: Any, namespace: str, name: str) -> None:
    answer = sandbox.http.post(token_url(sandbox, namespace, name), headers=bearer(sandbox), json=body())
    assert (answer.status_code, answer.json()["reason"]) == (404, "NotFound")


@given(st.integers())
def test_lifetime_is_kept_exactly_inside_the_bounds_and_refused_outside(seconds: int) -> None:
    content = f'{{"spec": {{"expirationSeconds": {seconds}}}}}'.encode()
    if 600 <= seconds <= MAXIMUM_EXPIRATION_SECONDS:
        assert parse_token_request(content, default_audience="x").expiration_seconds == seconds
    else:
        with pytest.raises(StatusError):
            parse_token_request(content, default_audience="x")


@given(st.text(), st.text())
def test_a_subject_can_be_split_in_one_way_only(namespace: str, name: str) -> None:
    if is_service_account(namespace, name):
        assert ":" not in namespace + name
