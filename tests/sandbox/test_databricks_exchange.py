"""Token exchange verifies what the vendor does; each refusal names the check that failed and what would match."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from lakelatch_sandbox.databricks.errors import OAuthError
from lakelatch_sandbox.databricks.federation import mismatch, refusal, remaining_life


@pytest.fixture(scope="module")
def principal(account: Any, issuer: Any) -> dict[str, Any]:
    made: dict[str, Any] = account.principal()
    answer = account.policy(made, issuer=issuer.url, audiences=["lakelatch"], subject="nightly")
    assert answer.status_code == 200, answer.text
    return made


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_good_token_is_exchanged_and_accepted_by_the_workspace(
    account: Any, issuer: Any, principal: dict[str, Any], algorithm: str
) -> None:
    answer = account.exchange(issuer.token(algorithm), principal["applicationId"])
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["token_type"], body["scope"]) == ("Bearer", "all-apis")
    assert 0 < body["expires_in"] <= 600
    me = account.workspace("GET", "/api/2.0/preview/scim/v2/Me", body["access_token"])
    assert me.json()["userName"] == principal["applicationId"]


def test_token_dies_with_its_subject_token_and_within_the_hour(
    account: Any, issuer: Any, principal: dict[str, Any]
) -> None:
    now = int(time.time())
    short = account.exchange(issuer.token(exp=now + 100), principal["applicationId"]).json()
    long = account.exchange(issuer.token(exp=now + 100_000), principal["applicationId"]).json()
    assert short["expires_in"] <= 100
    assert long["expires_in"] == 3600


def test_newline_of_a_token_file_is_stripped(account: Any, issuer: Any, principal: dict[str, Any]) -> None:
    assert account.exchange(issuer.token() + "\n", principal["applicationId"]).status_code == 200


def unsigned(issuer: Any) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(issuer.claims())}."


def tampered(issuer: Any) -> str:
    header, _, signature = issuer.token().split(".")
    claims = base64.urlsafe_b64encode(json.dumps(issuer.claims(jti="other")).encode()).rstrip(b"=").decode()
    return f"{header}.{claims}.{signature}"


STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def refused(id: str, token: Callable[[Any], str], reason: str, status: int = 401, error: str = "invalid_client") -> Any:
    return pytest.param(token, status, error, reason, id=id)


@pytest.mark.parametrize(
    ("token", "status", "error", "reason"),
    [
        refused("audience", lambda i: i.token(aud="x"), "audience is 'x', it wants 'lakelatch'", 400, "invalid_grant"),
        refused("no audience", lambda i: i.token(aud=None), "audience is absent", 400, "invalid_grant"),
        refused("subject", lambda i: i.token(sub="other"), "subject is 'other', it wants 'nightly'"),
        refused("case", lambda i: i.token(sub="Nightly"), "subject is 'Nightly'"),
        refused("space", lambda i: i.token(sub="nightly "), "subject is 'nightly '"),
        refused("no subject", lambda i: i.token(sub=None), "subject is absent"),
        refused("trailing slash", lambda i: i.token(iss=i.url + "/"), "issuer is 'http://"),
        refused("issuer", lambda i: i.token(iss="https://other"), "issuer is 'https://other'"),
        refused("expired", lambda i: i.token(exp=1_000), "has expired: `exp` is 1000"),
        refused("no expiry", lambda i: i.token(exp=None), "`exp` is absent"),
        refused("expiry no number", lambda i: i.token(exp=True), "`exp` is a bool"),
        refused("not yet valid", lambda i: i.token(nbf=int(time.time()) + 3600), "not valid yet"),
        refused("HS256", lambda i: i.token("HS256", key="0123456789abcdef" * 2), "signed with 'HS256'"),
        refused("none", unsigned, "signed with 'none'"),
        refused("ES384", lambda i: i.token("ES384"), "signed with 'ES384'"),
        refused("unknown key", lambda i: i.token(kid="lost"), "key id 'lost' is no RS256 key"),
        refused("other algorithm's key", lambda i: i.token(kid="p256"), "key id 'p256' is no RS256 key"),
        refused("other issuer's key", lambda i: i.token(key=STRANGER), "signature does not verify"),
        refused("tampered", tampered, "signature does not verify"),
        refused("opaque", lambda _: "dapi0123456789", "not a JWT"),
        refused("empty", lambda _: "", "subject_token is missing", 400, "invalid_request"),
    ],
)
def test_refusals_name_the_reason(
    account: Any,
    issuer: Any,
    principal: dict[str, Any],
    token: Callable[[Any], str],
    status: int,
    error: str,
    reason: str,
) -> None:
    sent = token(issuer)
    answer = account.exchange(sent, principal["applicationId"])
    body = answer.json()
    assert (answer.status_code, body["error"]) == (status, error)
    assert reason in body["error_description"]
    assert not sent or sent not in answer.text


def test_policy_on_another_principal_does_not_help(account: Any, issuer: Any, principal: dict[str, Any]) -> None:
    other = account.principal(name="other")
    answer = account.exchange(issuer.token(), other["applicationId"])
    assert answer.status_code == 401
    assert "has no federation policy" in answer.json()["error_description"]


def test_without_client_id_only_account_policies_count(account: Any, issuer: Any, principal: dict[str, Any]) -> None:
    answer = account.exchange(issuer.token(), None)
    assert answer.status_code == 401
    assert answer.json()["error_description"].startswith("account ")
    body = {"oidc_policy": {"issuer": issuer.url, "audiences": ["lakelatch"]}}
    assert account.call("POST", "/federationPolicies?policy_id=everyone", body).status_code == 200
    try:
        refused = account.exchange(issuer.token(), None)
        assert "User 'nightly' does not exist" in refused.json()["error_description"]
        accepted = account.exchange(issuer.token(sub=principal["applicationId"]), None)
        assert accepted.status_code == 200, accepted.text
    finally:
        assert account.call("DELETE", "/federationPolicies/everyone").status_code == 200


def test_unknown_principal_is_refused(account: Any, issuer: Any) -> None:
    answer = account.exchange(issuer.token(), "11111111-2222-3333-4444-555555555555")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_deleted_policy_stops_the_next_exchange(account: Any, issuer: Any) -> None:
    principal = account.principal()
    account.policy(principal, issuer=issuer.url, audiences=["lakelatch"], subject="nightly")
    assert account.exchange(issuer.token(), principal["applicationId"]).status_code == 200
    account.call("DELETE", f"/servicePrincipals/{principal['id']}/federationPolicies/main")
    assert account.exchange(issuer.token(), principal["applicationId"]).status_code == 401


def test_disabled_principal_gets_no_token_and_its_tokens_stop(account: Any, issuer: Any) -> None:
    principal = account.principal()
    account.policy(principal, issuer=issuer.url, audiences=["lakelatch"], subject="nightly")
    token = account.exchange(issuer.token(), principal["applicationId"]).json()["access_token"]
    patch = {"Operations": [{"op": "replace", "path": "active", "value": [{"value": "false"}]}]}
    assert account.call("PATCH", f"/scim/v2/ServicePrincipals/{principal['id']}", patch).json()["active"] is False
    refused = account.exchange(issuer.token(), principal["applicationId"])
    assert (refused.status_code, "deactivated" in refused.text) == (401, True)
    used = account.workspace("GET", "/api/2.0/preview/scim/v2/Me", token)
    assert (used.status_code, used.json()["error_code"]) == (403, "PERMISSION_DENIED")


def test_principal_without_the_workspace_is_refused(account: Any, issuer: Any) -> None:
    principal = account.principal(assigned=False)
    account.policy(principal, issuer=issuer.url, audiences=["lakelatch"], subject="nightly")
    refused = account.exchange(issuer.token(), principal["applicationId"])
    assert (refused.status_code, "not assigned to workspace" in refused.text) == (401, True)


def test_unset_audiences_mean_the_account_id(account: Any, issuer: Any, sandbox: Any) -> None:
    principal = account.principal()
    account.policy(principal, issuer=issuer.url, subject="nightly")
    assert account.exchange(issuer.token(), principal["applicationId"]).status_code == 400
    good = issuer.token(aud=["x", sandbox.endpoints.account_id])
    assert account.exchange(good, principal["applicationId"]).status_code == 200


@pytest.mark.parametrize("source", ["jwks_json", "jwks_uri"])
def test_policy_may_bring_the_keys(account: Any, issuer: Any, source: str) -> None:
    principal = account.principal()
    keys = {"jwks_json": json.dumps({"keys": issuer.keys[:1]}), "jwks_uri": f"{issuer.url}/keys"}
    unreachable = "https://issuer.invalid"
    policy = {"issuer": unreachable, "audiences": ["lakelatch"], "subject": "nightly", source: keys[source]}
    assert account.policy(principal, **policy).status_code == 200
    assert account.exchange(issuer.token(iss=unreachable), principal["applicationId"]).status_code == 200


def test_key_set_that_is_too_large_is_not_read(account: Any, issuer: Any) -> None:
    principal = account.principal()
    account.policy(
        principal, issuer="https://i.invalid", audiences=["lakelatch"], subject="nightly", jwks_uri=f"{issuer.url}/huge"
    )
    refused = account.exchange(issuer.token(iss="https://i.invalid"), principal["applicationId"])
    assert "more than 262144 bytes" in refused.json()["error_description"]


def test_keys_are_fetched_once_for_many_exchanges(account: Any, issuer: Any, principal: dict[str, Any]) -> None:
    account.exchange(issuer.token(), principal["applicationId"])
    issuer.fetched.clear()
    for _ in range(10):
        assert account.exchange(issuer.token(), principal["applicationId"]).status_code == 200
    assert len(issuer.fetched) <= 2


def test_own_token_is_returned_when_asked(account: Any, issuer: Any, principal: dict[str, Any]) -> None:
    token = account.exchange(issuer.token(), principal["applicationId"]).json()["access_token"]
    again = account.exchange(token, None, return_original_token_if_authenticated="true")
    assert again.json()["access_token"] == token
    assert account.exchange(token, principal["applicationId"]).status_code == 401


@pytest.mark.parametrize(
    ("form", "error"),
    [
        pytest.param({"grant_type": "password"}, "unsupported_grant_type", id="grant"),
        pytest.param({"grant_type": "client_credentials"}, "invalid_client", id="no client"),
        pytest.param(
            {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}, "invalid_client", id="secret"
        ),
    ],
)
def test_bad_token_requests(sandbox: Any, form: dict[str, str], error: str) -> None:
    answer = sandbox.http.post(f"{sandbox.endpoints.workspace_host}/oidc/v1/token", data=form)
    assert answer.json()["error"] == error


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        pytest.param(None, "Credential was not sent", id="none"),
        pytest.param("Basic eDp5", "Credential was not sent", id="basic"),
        pytest.param("Bearer dapi123", "Invalid access token", id="opaque"),
    ],
)
def test_workspace_accepts_only_its_own_tokens(sandbox: Any, authorization: str | None, reason: str) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = sandbox.http.get(f"{sandbox.endpoints.workspace_host}/api/2.0/preview/scim/v2/Me", headers=headers)
    assert (answer.status_code, answer.json()["error_code"]) == (401, "UNAUTHENTICATED")
    assert reason in answer.json()["message"]


def test_workspace_refuses_the_issuers_and_the_accounts_tokens(account: Any, issuer: Any) -> None:
    for token in (issuer.token(), account.headers["Authorization"].removeprefix("Bearer ")):
        assert account.workspace("GET", "/api/2.0/preview/scim/v2/Me", token).status_code == 401


def test_token_expires_by_the_sandboxs_clock(
    account: Any, issuer: Any, sandbox: Any, principal: dict[str, Any]
) -> None:
    token = account.exchange(issuer.token(), principal["applicationId"]).json()["access_token"]
    control = f"{sandbox.endpoints.control_url}/clock"
    assert sandbox.http.post(control, json={"offset_seconds": 700}).status_code == 200
    try:
        answer = account.workspace("GET", "/api/2.0/preview/scim/v2/Me", token)
        assert (answer.status_code, answer.json()["message"]) == (401, "Access token has expired.")
    finally:
        sandbox.http.post(control, json={"offset_seconds": 0})


def test_narrow_scope_reaches_sql_only(account: Any, issuer: Any, principal: dict[str, Any]) -> None:
    token = account.exchange(issuer.token(), principal["applicationId"], scope="sql").json()
    assert token["scope"] == "sql"
    assert account.workspace("GET", "/api/2.0/sql/warehouses", token["access_token"]).status_code == 200
    other = account.exchange(issuer.token(), principal["applicationId"], scope="jobs").json()["access_token"]
    assert account.workspace("GET", "/api/2.0/sql/warehouses", other).status_code == 403


POLICY = {"policy_id": "p", "oidc_policy": {"issuer": "https://i", "audiences": ["a"], "subject": "s"}}


CLAIM = st.none() | st.integers() | st.sampled_from(["https://i", "a", "s"]) | st.text() | st.lists(st.text("a"))


@given(st.dictionaries(st.sampled_from(["iss", "aud", "sub"]), CLAIM))
def test_nothing_but_the_exact_claims_match(claims: dict[str, Any]) -> None:
    audience = claims.get("aud")
    wanted = audience == "a" or (isinstance(audience, list) and "a" in audience)
    exact = claims.get("iss") == "https://i" and wanted and claims.get("sub") == "s"
    found = mismatch(POLICY, claims, "account")
    assert (found is None) == exact
    if found is not None:
        assert isinstance(refusal([found], "it"), OAuthError)


@given(st.none() | st.booleans() | st.text() | st.integers() | st.floats())
def test_only_an_expiry_in_the_future_gives_life(expiry: Any) -> None:
    good = isinstance(expiry, (int, float)) and not isinstance(expiry, bool) and 1000 < expiry < 2**53
    try:
        assert (remaining_life({"exp": expiry}, 1000) >= 0) == good
    except OAuthError:
        assert not good


def test_answered_token_is_signed_by_the_workspaces_published_key(
    account: Any, issuer: Any, sandbox: Any, principal: dict[str, Any]
) -> None:
    token = account.exchange(issuer.token(), principal["applicationId"]).json()["access_token"]
    base = f"{sandbox.endpoints.workspace_host}/oidc"
    discovery = sandbox.http.get(f"{base}/.well-known/oauth-authorization-server").json()
    keys = jwt.PyJWKSet.from_dict(sandbox.http.get(discovery["jwks_uri"]).json())
    kid = jwt.get_unverified_header(token)["kid"]
    claims = jwt.decode(
        token, keys[kid].key, algorithms=["ES256"], issuer=base, audience=sandbox.endpoints.workspace_id
    )
    assert claims["sub"] == principal["applicationId"]


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        pytest.param({"issuer": "https://127.0.0.1:9"}, "could not be fetched (ConnectError)", id="unreachable"),
        pytest.param({"issuer": "{issuer}/other"}, "answered with status 404", id="no discovery"),
        pytest.param(
            {"issuer": "https://i.invalid", "jwks_uri": "{issuer}/.well-known/openid-configuration"},
            "the key set has no `keys`",
            id="no key set",
        ),
    ],
)
def test_keys_that_cannot_be_had(account: Any, issuer: Any, policy: dict[str, str], reason: str) -> None:
    principal = account.principal()
    oidc = {name: value.format(issuer=issuer.url) for name, value in policy.items()}
    assert account.policy(principal, **oidc, audiences=["lakelatch"], subject="nightly").status_code == 200
    refused = account.exchange(issuer.token(iss=oidc["issuer"]), principal["applicationId"])
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert reason in refused.json()["error_description"]


def test_the_account_host_exchanges_too_and_needs_no_workspace(account: Any, issuer: Any, sandbox: Any) -> None:
    principal = account.principal(assigned=False)
    account.policy(principal, issuer=issuer.url, audiences=["lakelatch"], subject="nightly")
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": issuer.token(),
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "client_id": principal["applicationId"],
    }
    url = f"{sandbox.endpoints.account_host}/oidc/accounts/{sandbox.endpoints.account_id}/v1/token"
    token = sandbox.http.post(url, data=form).json()["access_token"]
    # a token of the account is none of the workspace
    assert account.workspace("GET", "/api/2.0/preview/scim/v2/Me", token).status_code == 401
    wrong = sandbox.http.post(url, data={**form, "subject_token": issuer.token(sub="other")})
    assert (wrong.status_code, "subject is 'other'" in wrong.text) == (401, True)
