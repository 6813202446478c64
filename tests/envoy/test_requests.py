"""Live Envoy decides each request as the configuration says, tells why not, and writes one audit line about it.

Nothing a client sends by itself can stand for an identity, a token or a path that it is not.
"""

import json
import re
import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakelatch.access.actions import ACTIONS
from lakelatch.access.decisions import Request, decide

ME = "/api/2.0/preview/scim/v2/Me"


def forwarded(workspace: Any) -> int:
    return len(workspace.requests)


def test_request_of_a_service_reaches_the_workspace_with_the_databricks_token_only(
    envoy: Any, entra: Any, workspace: Any
) -> None:
    token = entra.token("Nightly-1")
    response = envoy.request("GET", f"{ME}?a=b", token, headers={"x-databricks-org-id": "17"})
    seen = workspace.requests[-1]
    assert response.json() == {"method": "GET", "path": f"{ME}?a=b"}
    assert seen["headers"]["authorization"] == "Bearer databricks-token-of-nightly"
    assert seen["headers"]["host"] == workspace.url.removeprefix("https://")
    assert seen["headers"]["x-databricks-org-id"] == "17"
    assert seen["headers"]["x-request-id"]
    assert token not in json.dumps(seen)
    internal = {name: value for name, value in seen["headers"].items() if name.startswith(("x-lakelatch", "x-envoy"))}
    assert internal == {
        "x-lakelatch-action": "current_user.me",
        "x-lakelatch-subject": "Nightly-1",
        "x-lakelatch-issuer": entra.url,
        "x-lakelatch-principal": "app-1",
        "x-lakelatch-rule": "role:reader",
    }


def test_answer_goes_back_untouched(envoy: Any, entra: Any) -> None:
    response = envoy.request("GET", "/api/2.0/sql/statements/redirect", entra.token("Nightly-1"))
    assert response.status_code == 302
    assert response.headers["location"] == "https://elsewhere.example.test/"
    assert response.headers["server"] == "databricks"
    assert "databricks-token" not in str(response.headers) + response.text
    assert not [name for name in response.headers if name.startswith("x-envoy")]


GET_STATEMENT = "statement_execution.get_statement"
STATEMENTS = "/api/2.0/sql/statements"
EXECUTE = "statement_execution.execute_statement"
STRANGER = (403, "deny", "unknown-identity", "current_user.me")
UNKNOWN = (403, "deny", "unknown-action", "unknown")
DECISIONS = [
    pytest.param("Nightly-1", "GET", ME, 200, "allow", "role:reader", "current_user.me", id="granted"),
    pytest.param("Nightly-1", "GET", f"{STATEMENTS}/a-1", 200, "allow", "role:reader", GET_STATEMENT, id="in a path"),
    pytest.param("Nightly-1", "POST", STATEMENTS, 403, "deny", "default-deny", EXECUTE, id="outside the role"),
    pytest.param("Nightly-1", "POST", ME, *UNKNOWN, id="method that is no action"),
    pytest.param("Nightly-1", "GET", "/api/2.1/no-such/thing", *UNKNOWN, id="path that is no action"),
    pytest.param("Nightly-1", "GET", "/api/2.0/sql/statements/a;b", *UNKNOWN, id="path parameter"),
    pytest.param("Nightly-1", "GET", "/api/2.0/sql/statements/", *UNKNOWN, id="empty segment"),
    pytest.param("nightly-1", "GET", ME, *STRANGER, id="subject in other case"),
    pytest.param("nobody", "GET", ME, *STRANGER, id="subject of no service"),
    pytest.param("idle", "GET", ME, 503, "deny", "databricks-token", "current_user.me", id="no token for the moment"),
    pytest.param("refused", "GET", ME, 403, "deny", "databricks-token", "current_user.me", id="no token for good"),
    pytest.param("idle", "POST", STATEMENTS, 403, "deny", "default-deny", EXECUTE, id="no token, and outside the role"),
]  # fmt: skip


@pytest.mark.parametrize(("subject", "method", "path", "status", "decision", "rule", "action"), DECISIONS)
def test_decision_and_audit_line(
    envoy: Any,
    entra: Any,
    eventually: Any,
    subject: Any,
    method: Any,
    path: Any,
    status: Any,
    decision: Any,
    rule: Any,
    action: Any,
) -> None:
    agent = f"test {time.monotonic_ns()}"
    token = entra.token(subject)
    response = envoy.request(method, f"{path}?secret=1", token, headers={"user-agent": agent})
    assert response.status_code == status, response.text
    line = eventually(lambda: [line for line in envoy.audit_lines() if line["user_agent"] == agent])[0]
    expected = {"decision": decision, "rule": rule, "action": action, "status": status, "path": path, "method": method}
    assert {name: line[name] for name in expected} == expected
    assert (line["subject"], line["issuer"]) == (subject, entra.url)
    assert line["client_address"] == "127.0.0.1"
    assert token not in envoy.audit_file.read_text()
    if decision == "deny":
        assert response.json()["error_code"] in ("PERMISSION_DENIED", "TEMPORARILY_UNAVAILABLE")
        assert response.json()["request_id"] == line["request_id"]
    if status == 503:
        assert int(response.headers["retry-after"]) > 0


def test_denial_names_service_action_and_remedy(envoy: Any, entra: Any) -> None:
    response = envoy.request("POST", "/api/2.0/sql/statements", entra.token("Nightly-1"))
    message = response.json()["message"]
    # SQL drivers read no body
    assert response.headers["x-thriftserver-error-message"] == message
    for part in ("'nightly'", "'statement_execution.execute_statement'", "'reader'", "Add"):
        assert part in message


def test_same_subject_from_two_issuers_is_two_services(envoy: Any, entra: Any, cluster: Any, workspace: Any) -> None:
    start = "/api/2.0/sql/warehouses/w1/start"
    assert envoy.request("POST", start, cluster.token("nightly-1")).status_code == 200
    assert workspace.requests[-1]["headers"]["authorization"] == "Bearer databricks-token-of-twin"
    assert envoy.request("POST", start, entra.token("Nightly-1")).status_code == 403
    assert envoy.request("GET", ME, cluster.token("Nightly-1")).status_code == 403


def other_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP384R1())


def claims(issuer: Any, **changed: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"iss": issuer.url, "aud": issuer.audience, "sub": "Nightly-1", "exp": now + 600, **changed}


def public_pem(issuer: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization

    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    pem: bytes = issuer.key.public_key().public_bytes(serialization.Encoding.PEM, spki)
    return pem


def hmac_with_public_key(issuer: Any, unsigned: Any) -> str:
    import hashlib
    import hmac

    text = unsigned(claims(issuer), {"alg": "HS256", "kid": issuer.kid}).rstrip(".")
    signature = hmac.new(public_pem(issuer), text.encode(), hashlib.sha256).digest()
    return f"{text}.{jwt.utils.base64url_encode(signature).decode()}"


BAD_TOKENS = [
    pytest.param(lambda i, u: None, "no token", id="missing"),
    pytest.param(lambda i, u: i.token("Nightly-1", exp=1), "expired", id="expired"),
    pytest.param(lambda i, u: i.token("Nightly-1", nbf=int(time.time()) + 900), "not valid yet", id="not yet valid"),
    pytest.param(lambda i, u: i.token("Nightly-1", exp=None), "no expiry", id="without expiry"),
    pytest.param(lambda i, u: i.token("Nightly-1", aud="api://other"), "wrong audience", id="wrong audience"),
    pytest.param(lambda i, u: i.token("Nightly-1", aud=None), "wrong audience", id="no audience"),
    pytest.param(lambda i, u: i.token("Nightly-1", iss=i.url + "/"), "wrong issuer", id="issuer with a slash more"),
    pytest.param(lambda i, u: i.token("Nightly-1", headers={"kid": "other"}), "unknown key", id="unknown kid"),
    pytest.param(lambda i, u: u(claims(i), {"alg": "none"}, "eA"), "not supported", id="alg none"),
    pytest.param(lambda i, u: u(claims(i), {"alg": "none"}), "one JSON Web Token", id="alg none, no signature"),
    pytest.param(hmac_with_public_key, "unknown key", id="HS256 with the public key as secret"),
    pytest.param(lambda i, u: jwt.encode(claims(i), other_key(), "ES384", {"kid": i.kid}), "unknown key", id="ES384"),
    pytest.param(
        lambda i, u: jwt.encode(claims(i), i.key, "RS384", {"kid": i.kid}), "unknown key", id="RS384 with the right key"
    ),
    pytest.param(lambda i, u: i.token("Nightly-1")[:-20] + "A" * 20, "signature", id="tampered signature"),
    pytest.param(lambda i, u: "abc", "one JSON Web Token", id="no JWT"),
]


@pytest.mark.parametrize(("make", "reason"), BAD_TOKENS)
def test_token_that_is_refused_and_why(
    envoy: Any, entra: Any, workspace: Any, unsigned: Any, eventually: Any, make: Any, reason: Any
) -> None:
    before, path = forwarded(workspace), f"/bad/{time.monotonic_ns()}"
    response = envoy.request("GET", path, make(entra, unsigned))
    assert response.status_code == 401, response.text
    assert response.json()["error_code"] == "UNAUTHENTICATED"
    assert reason in response.json()["message"]
    assert response.headers["www-authenticate"].startswith("Bearer")
    line = envoy.audit_line(response, path)
    assert (line["decision"], line["rule"], line["subject"]) == ("deny", "authentication", None)
    assert forwarded(workspace) == before


def test_tampered_claims_are_refused(envoy: Any, entra: Any) -> None:
    head, payload, signature = entra.token("nobody").split(".")
    changed = json.loads(jwt.utils.base64url_decode(payload)) | {"sub": "Nightly-1"}
    forged = f"{head}.{jwt.utils.base64url_encode(json.dumps(changed).encode()).decode()}.{signature}"
    assert envoy.request("GET", ME, forged).status_code == 401


def test_token_of_one_issuer_does_not_verify_as_the_other(envoy: Any, entra: Any, cluster: Any) -> None:
    assert envoy.request("GET", ME, cluster.token("Nightly-1", iss=entra.url)).status_code == 401


def test_two_authorization_headers_are_refused(envoy: Any, entra: Any, workspace: Any) -> None:
    before, token = forwarded(workspace), entra.token("Nightly-1")
    for second in ("Bearer other", "Basic eDp5"):
        headers = [("authorization", f"Bearer {token}"), ("authorization", second)]
        assert httpx.get(envoy.url + ME, headers=headers).status_code == 401
    assert forwarded(workspace) == before


def test_token_in_the_query_is_no_token_and_is_not_forwarded_beside_one(
    envoy: Any, entra: Any, workspace: Any, eventually: Any
) -> None:
    before, token = forwarded(workspace), entra.token("Nightly-1")
    assert envoy.request("GET", f"{ME}?access_token={token}").status_code == 401
    response = envoy.request("GET", f"{ME}?access_token={token}", token)
    assert response.status_code == 403
    assert "query" in response.json()["message"]
    lines = eventually(lambda: [line for line in envoy.audit_lines() if line["rule"] == "token-in-query"])
    assert lines[-1]["decision"] == "deny"
    assert forwarded(workspace) == before
    assert token not in envoy.audit_file.read_text()


@pytest.mark.parametrize(
    ("method", "target"),
    [
        pytest.param("POST", "/healthz", id="another method"),
        pytest.param("GET", "/oidc/v1/token", id="another method of the token endpoint"),
        pytest.param("GET", "/healthz?access_token=x", id="a token in the query"),
    ],
)
def test_own_endpoints_answer_nobody_who_asks_otherwise(
    envoy: Any, entra: Any, workspace: Any, method: str, target: str
) -> None:
    before = forwarded(workspace)
    assert envoy.request(method, target).status_code == 401
    assert envoy.request(method, target, entra.token("Nightly-1")).status_code == 403
    assert forwarded(workspace) == before


INTERNAL = [
    "x-lakelatch-subject",
    "X-LakeLatch-Issuer",
    "x-lakelatch-principal",
    "x-lakelatch-class",
    "x-lakelatch-anything",
    "x-envoy-original-path",
]
STRIPPED = [
    "proxy-authorization",
    "x-forwarded-access-token",
    "x-forwarded-for",
    "x-forwarded-user",
    "x-forwarded-email",
    "x-http-method-override",
    "x-databricks-azure-sp-management-token",
    "x-databricks-gcp-sa-access-token",
]


@pytest.mark.parametrize("name", [*INTERNAL, *STRIPPED])
def test_header_that_a_client_may_not_send_has_no_effect(envoy: Any, entra: Any, workspace: Any, name: Any) -> None:
    token = entra.token("Nightly-1")
    assert envoy.request("GET", ME, token).status_code == 200
    without = workspace.requests[-1]["headers"].get(name.lower())
    assert envoy.request("GET", ME, token, headers={name: "idle"}).status_code == 200
    assert workspace.requests[-1]["headers"].get(name.lower()) == without
    assert workspace.requests[-1]["headers"]["authorization"] == "Bearer databricks-token-of-nightly"


def test_internal_headers_are_no_authentication(envoy: Any, entra: Any, workspace: Any) -> None:
    before = forwarded(workspace)
    forged = {"x-lakelatch-subject": "Nightly-1", "x-lakelatch-issuer": entra.url}
    assert envoy.request("GET", ME, headers=forged).status_code == 401
    assert envoy.request("GET", ME, entra.token("nobody"), headers=forged).status_code == 403
    # A public path needs no token, so here the forged headers are all there is.
    public = envoy.request("GET", "/.well-known/databricks-config", headers=forged)
    assert public.status_code == 503
    assert forwarded(workspace) == before


PATHS = [
    pytest.param("/api/2.0/sql%2fstatements/a", 400, id="escaped slash"),
    pytest.param("/api/2.0/sql%5cstatements/a", 400, id="escaped backslash"),
    pytest.param("/api//2.0/preview///scim/v2/Me", 200, id="double slashes are merged"),
    pytest.param("/api/2.0/x/../preview/scim/v2/Me", 200, id="dot segments are resolved"),
    pytest.param("/api/2.0/x/%2e%2e/preview/scim/v2/Me", 200, id="escaped dot segments are resolved"),
    pytest.param("/api/2.0/preview/scim/v2/Me/", 403, id="slash at the end"),
    pytest.param("/api/2.0/preview/scim/v2/me", 403, id="other case"),
    pytest.param("/api/2.0/preview/scim/v2/Me;x=1", 403, id="path parameter"),
    pytest.param("/oidc/v1/token/../../../api/2.0/preview/scim/v2/Me", 200, id="public prefix"),
]


@pytest.mark.parametrize(("path", "status"), PATHS)
def test_path_that_is_decided_upon_is_the_path_that_is_forwarded(
    envoy: Any, entra: Any, workspace: Any, path: Any, status: Any
) -> None:
    before = forwarded(workspace)
    # httpx would normalise the path by itself; this way it goes out as it stands.
    url = httpx.URL(envoy.url).copy_with(raw_path=path.encode())
    response = httpx.get(url, headers={"authorization": f"Bearer {entra.token('Nightly-1')}"})
    assert response.status_code == status, response.text
    if status == 200:
        assert workspace.requests[-1]["path"] == ME
    else:
        assert forwarded(workspace) == before


def test_public_prefix_does_not_open_other_paths(envoy: Any) -> None:
    for path in (
        "/oidc/v1/token/../../../api/2.0/preview/scim/v2/Me",
        "/.well-known/jwks.json/x",
        "/oidc/v1/authorize",
    ):
        url = httpx.URL(envoy.url).copy_with(raw_path=path.encode())
        assert httpx.get(url).status_code == 401


def test_header_with_an_underscore_is_refused(envoy: Any, entra: Any) -> None:
    headers = {"x_lakelatch_subject": "idle"}
    assert envoy.request("GET", ME, entra.token("Nightly-1"), headers=headers).status_code == 400


def test_malformed_request_has_a_line_too(envoy: Any, eventually: Any) -> None:
    count = len([line for line in envoy.audit_lines() if line["rule"] == "protocol"])
    assert httpx.get(httpx.URL(envoy.url).copy_with(raw_path=b"/a%2fb")).json()["error_code"] == "BAD_REQUEST"
    lines = eventually(lambda: [line for line in envoy.audit_lines() if line["rule"] == "protocol"][count:])
    assert lines[0]["decision"] == "deny"


def test_token_is_in_no_dump(envoy: Any) -> None:
    assert "databricks-token-of" not in envoy.admin("/config_dump?include_eds")


NORMAL_PATH = re.compile(r"(/(?!\.\.?(/|$))[^/%]+)+/?")
segments = st.sampled_from(["api", "2.0", "sql", "statements", "warehouses", "a-1", "start", "cancel", "result", "x;y"])
paths = st.one_of(
    st.sampled_from([action.path.replace("{", "").replace("}", "") for action in ACTIONS.values()]),
    st.lists(segments, min_size=1, max_size=7).map(lambda parts: "/" + "/".join(parts)),
    st.text("abAZ09._~-;:@!$&'()*+,=%", min_size=1, max_size=8).map(lambda text: f"/api/2.0/sql/statements/{text}"),
)
identities = st.sampled_from(["Nightly-1", "NIGHTLY-1", "nightly-1", "system:serviceaccount:ns:pod", "nobody"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]), path=paths, subject=identities, which=st.booleans())
def test_live_envoy_decides_as_the_reference_does(
    envoy: Any,
    configure: Any,
    entra: Any,
    cluster: Any,
    workspace: Any,
    method: Any,
    path: Any,
    subject: Any,
    which: Any,
) -> None:
    issuer = entra if which else cluster
    url = httpx.URL(envoy.url).copy_with(raw_path=path.encode())
    response = httpx.request(method, url, headers={"authorization": f"Bearer {issuer.token(subject)}"})
    if response.status_code == 400:
        return  # refused by the protocol checks, before any decision
    # The path that counts is the normalised one; what was forwarded shows it, what was refused does not.
    seen = workspace.requests[-1]["path"] if response.status_code == 200 else path
    if response.status_code != 200 and not NORMAL_PATH.fullmatch(path):
        return
    decision = decide(configure().policy, Request(method, seen, issuer.url, subject))
    assert (response.status_code == 200) == decision.allowed
    if not decision.allowed:
        assert response.json()["message"] == decision.message
