"""Federation policies follow the vendor's rules, and what was sent is echoed exactly."""

import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelatch_sandbox.databricks.errors import ApiError
from lakelatch_sandbox.databricks.policy_rules import check_policy_id, is_trusted_url, updated

GOOD = {"issuer": "https://issuer.example", "audiences": ["b", "a"], "subject": "s"}


@pytest.fixture
def principal(account: Any) -> Iterator[dict[str, Any]]:
    made = account.principal()
    yield made
    account.call("DELETE", f"/scim/v2/ServicePrincipals/{made['id']}")


def path(principal: dict[str, Any], policy_id: str = "main") -> str:
    return f"/servicePrincipals/{principal['id']}/federationPolicies/{policy_id}"


def test_life_of_a_policy(account: Any, sandbox: Any, principal: dict[str, Any]) -> None:
    made = account.policy(principal, **GOOD).json()
    account_id = sandbox.endpoints.account_id
    assert made["name"] == f"accounts/{account_id}/servicePrincipals/{principal['id']}/federationPolicies/main"
    assert (made["oidc_policy"], made["policy_id"]) == (GOOD, "main")
    assert made["service_principal_id"] == int(principal["id"])
    assert made["create_time"] == made["update_time"]
    assert account.call("GET", path(principal)).json() == made

    # the plugin sends the whole object and this mask
    body = {**made, "description": "d", "oidc_policy": {"issuer": "https://other.example", "subject": "t"}}
    changed = account.call("PATCH", path(principal) + "?update_mask=description%2Coidc_policy", body).json()
    assert changed == {**body, "update_time": changed["update_time"]}

    listed = account.call("GET", path(principal, "")[:-1]).json()
    assert listed == {"policies": [changed]}
    assert account.call("DELETE", path(principal)).status_code == 200
    gone = account.call("GET", path(principal))
    assert (gone.status_code, gone.json()["error_code"]) == (404, "NOT_FOUND")
    assert account.call("DELETE", path(principal)).status_code == 404


@pytest.mark.parametrize(
    ("oidc", "reason"),
    [
        pytest.param({"issuer": None}, "issuer is required", id="no issuer"),
        pytest.param({"issuer": "http://issuer.example"}, "must be an https URL", id="http"),
        pytest.param({"issuer": "https://"}, "must be an https URL", id="no host"),
        pytest.param({"issuer": "https://u:p@issuer.example"}, "must be an https URL", id="credentials in URL"),
        pytest.param({"subject": None}, "subject must be set", id="no subject"),
        pytest.param({"subject": ""}, "subject must be a non-empty string", id="empty subject"),
        pytest.param({"audiences": [""]}, "audiences must be", id="empty audience"),
        pytest.param({"audiences": "a"}, "audiences must be", id="audiences no list"),
        pytest.param({"jwks_uri": "http://keys.example"}, "jwks_uri must be an https URL", id="keys over http"),
        pytest.param({"jwks_json": "{}"}, "must be a JSON Web Key Set", id="no keys"),
        pytest.param({"jwks_json": json.dumps({"keys": [{}] * 6})}, "5 keys at most", id="six keys"),
        pytest.param({"sub": "x"}, "has no field `sub`", id="unknown field"),
    ],
)
def test_bad_policies_are_refused(account: Any, principal: dict[str, Any], oidc: dict[str, Any], reason: str) -> None:
    policy = {name: value for name, value in {**GOOD, **oidc}.items() if value is not None}
    answer = account.policy(principal, **policy)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert reason in answer.json()["message"]
    assert account.call("GET", path(principal)).status_code == 404


def test_account_policies_have_no_subject(account: Any) -> None:
    refused = account.call("POST", "/federationPolicies", {"oidc_policy": GOOD})
    assert "subject must not be set" in refused.json()["message"]


@pytest.mark.parametrize("policy_id", ["a", "A-b", "a_b", "x" * 64, "a/b"])
def test_policy_ids_have_the_vendors_misleading_message(
    account: Any, principal: dict[str, Any], policy_id: str
) -> None:
    answer = account.policy(principal, policy_id, **GOOD)
    expected = f"Invalid federation policy id: '{policy_id}'. Must contain only 0-9, a-z, and hyphen."
    assert (answer.status_code, answer.json()["message"]) == (400, expected)


def test_twenty_policies_and_no_more(account: Any, principal: dict[str, Any]) -> None:
    for number in range(20):
        assert account.policy(principal, f"policy-{number}", **GOOD).status_code == 200
    refused = account.policy(principal, "one-more", **GOOD)
    assert (refused.status_code, refused.json()["error_code"]) == (400, "RESOURCE_LIMIT_EXCEEDED")
    first = account.call("GET", path(principal, "")[:-1] + "?page_size=15").json()
    second = account.call("GET", path(principal, "")[:-1] + f"?page_token={first['next_page_token']}").json()
    found = [one["policy_id"] for one in first["policies"] + second["policies"]]
    assert found == [f"policy-{number}" for number in range(20)]


def test_same_id_twice_is_refused(account: Any, principal: dict[str, Any]) -> None:
    account.policy(principal, **GOOD)
    refused = account.policy(principal, **GOOD)
    assert (refused.status_code, refused.json()["error_code"]) == (409, "ALREADY_EXISTS")


def test_creates_in_flight_on_one_principal_race(account: Any, principal: dict[str, Any]) -> None:
    other = account.principal(name="other")
    barrier = threading.Barrier(5)
    found: dict[str, int] = {}

    def create(owner: dict[str, Any], policy_id: str) -> None:
        barrier.wait()
        found[policy_id] = account.policy(owner, policy_id, **GOOD).status_code

    owners = {**{f"same-{n}": principal for n in range(4)}, "elsewhere": other}
    threads = [threading.Thread(target=create, args=(owner, policy_id)) for policy_id, owner in owners.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same = sorted(status for policy_id, status in found.items() if policy_id != "elsewhere")
    assert same[0] == 200
    assert same[-1] == 409
    assert found["elsewhere"] == 200
    # one after another is fine
    assert account.policy(principal, "after", **GOOD).status_code == 200


def test_policies_go_with_their_principal(account: Any, sandbox: Any) -> None:
    url = f"{sandbox.endpoints.control_url}/objects"
    before = sandbox.http.get(url).text
    principal = account.principal()
    account.policy(principal, **GOOD)
    assert sandbox.http.get(url).text != before
    account.call("DELETE", f"/scim/v2/ServicePrincipals/{principal['id']}")
    assert sandbox.http.get(url).text == before
    assert account.policy(principal, **GOOD).status_code == 404


def test_administration_needs_the_administrators_account_token(sandbox: Any, account: Any, issuer: Any) -> None:
    principal = account.principal()
    account.policy(principal, issuer=issuer.url, audiences=["lakelatch"], subject="nightly")
    answer = sandbox.http.post(
        f"{sandbox.endpoints.account_host}/oidc/accounts/{sandbox.endpoints.account_id}/v1/token",
        data={
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": issuer.token(),
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "client_id": principal["applicationId"],
        },
    )
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    refused = sandbox.http.get(f"{account.api}/scim/v2/ServicePrincipals", headers=headers)
    assert (refused.status_code, refused.json()["error_code"]) == (403, "PERMISSION_DENIED")
    assert sandbox.http.get(f"{account.api}/scim/v2/ServicePrincipals").status_code == 401


@given(st.text() | st.from_regex(r"[0-9a-z-]{2,63}", fullmatch=True))
def test_policy_id_rule(policy_id: str) -> None:
    good = re.match(r"\A[0-9a-z-]{2,63}\Z", policy_id) is not None
    try:
        assert check_policy_id(policy_id) == policy_id
        assert good
    except ApiError:
        assert not good


@given(st.text())
def test_plain_http_is_for_loopback_only(rest: str) -> None:
    assert not is_trusted_url("http://example.com/" + rest)
    assert not is_trusted_url("http://127.0.0.1.example.com/" + rest)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        pytest.param(None, {"oidc_policy": {"issuer": "n"}, "description": "old"}, id="only what is sent"),
        pytest.param("*", {"oidc_policy": {"issuer": "n"}}, id="replace"),
        pytest.param(
            "oidc_policy.issuer", {"oidc_policy": {"issuer": "n", "subject": "s"}, "description": "old"}, id="one"
        ),
        pytest.param("description", {"oidc_policy": {"issuer": "o", "subject": "s"}}, id="cleared"),
    ],
)
def test_update_masks(mask: str | None, expected: dict[str, Any]) -> None:
    old = {"description": "old", "oidc_policy": {"issuer": "o", "subject": "s"}}
    assert updated(old, {"oidc_policy": {"issuer": "n"}}, mask) == expected
    assert old["oidc_policy"] == {"issuer": "o", "subject": "s"}
