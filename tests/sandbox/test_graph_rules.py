"""What Graph refuses to keep: federated credentials, app roles and identifier URIs that do not hold."""

import contextlib
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelatch_sandbox.graph.application_rules import check_application, check_identifier_uri
from lakelatch_sandbox.graph.errors import GraphError
from lakelatch_sandbox.graph.rules import check_federated_credential
from lakelatch_sandbox.graph.schema_applications import APPLICATION

APP_ID = "0b7c5e1a-8f0e-4a53-9d0c-0c4f2a8e1d11"
TENANT_ID = "7d3f0f3e-0b3c-4d6a-a0b1-2b0d9f7f1c22"
DOMAIN = "contoso.onmicrosoft.com"
ROLE_ID = "3f1c9a34-51d2-4a3a-9a59-1f2b7c3d4e55"


def credential(**changes: Any) -> dict[str, Any]:
    return {
        "name": "cluster",
        "issuer": "https://issuer.example",
        "subject": "system:serviceaccount:reports:nightly",
        "audiences": ["api://AzureADTokenExchange"],
        "description": None,
        **changes,
    }


def role(**changes: Any) -> dict[str, Any]:
    return {
        "id": ROLE_ID,
        "value": "reports.read",
        "displayName": "Read reports",
        "description": "Reads reports",
        "allowedMemberTypes": ["Application"],
        "isEnabled": True,
        **changes,
    }


def application(**changes: Any) -> dict[str, Any]:
    return APPLICATION.create({"displayName": "reports", **changes}) | {"appId": APP_ID}


def judge(new: dict[str, Any], old: dict[str, Any] | None = None) -> None:
    check_application(new, old, tenant_id=TENANT_ID, domain=DOMAIN)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        pytest.param({"audiences": []}, 400, "InvalidFederatedIdentityCredentialValue", id="no audience"),
        pytest.param({"audiences": ["a", "b"]}, 400, "InvalidFederatedIdentityCredentialValue", id="two audiences"),
        pytest.param({"audiences": "a"}, 400, "InvalidFederatedIdentityCredentialValue", id="audience is text"),
        pytest.param({"name": "a b"}, 400, "InvalidFederatedIdentityCredentialValue", id="name with a space"),
        pytest.param({"name": "n" * 121}, 400, "InvalidFederatedIdentityCredentialValue", id="name too long"),
        pytest.param({"issuer": "issuer.example"}, 400, "InvalidFederatedIdentityCredentialValue", id="issuer no URL"),
        pytest.param({"subject": "s" * 601}, 400, "InvalidFederatedIdentityCredentialValue", id="subject too long"),
        pytest.param({"subject": "other"}, 409, "Request_MultipleObjectsWithSameKeyValue", id="name is taken"),
        pytest.param({"name": "other"}, 400, "InvalidFederatedIdentityCredentialValue", id="issuer and subject taken"),
    ],
)
def test_refused_federated_credentials(changes: dict[str, Any], status: int, code: str) -> None:
    with pytest.raises(GraphError) as refusal:
        check_federated_credential(credential(**changes), [credential()])
    assert (refusal.value.status, refusal.value.code) == (status, code)


def test_twenty_federated_credentials_and_no_more() -> None:
    others = [credential(name=f"n{number}", subject=f"s{number}") for number in range(20)]
    check_federated_credential(credential(), others[:19])
    with pytest.raises(GraphError):
        check_federated_credential(credential(), others)


@given(st.text(min_size=1, max_size=600), st.text(min_size=1, max_size=600))
def test_subjects_are_different_when_one_character_or_its_case_differs(one: str, other: str) -> None:
    new, old = credential(name="new", subject=one), credential(subject=other)
    if one == other:
        with pytest.raises(GraphError):
            check_federated_credential(new, [old])
    else:
        check_federated_credential(new, [old])


@pytest.mark.parametrize(
    "uri",
    [
        f"api://{APP_ID}",
        f"api://{APP_ID}/reports",
        f"api://reports/{APP_ID}",
        f"api://{TENANT_ID}/reports",
        f"https://{DOMAIN}",
        f"https://reports.{DOMAIN}/api",
        f"api://{DOMAIN}/reports",
    ],
)
def test_identifier_uris_of_the_organisation_are_kept(uri: str) -> None:
    check_identifier_uri(uri, app_id=APP_ID, tenant_id=TENANT_ID, domain=DOMAIN)


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("https://example.com", "HostNameNotOnVerifiedDomain"),
        (f"https://evil{DOMAIN}", "HostNameNotOnVerifiedDomain"),
        ("api://reports", "HostNameNotOnVerifiedDomain"),
        (f"https://{APP_ID}", "HostNameNotOnVerifiedDomain"),
        (f"api://{APP_ID}/", "Request_BadRequest"),
        (f"urn:{APP_ID}", "Request_BadRequest"),
        ("reports", "Request_BadRequest"),
        ("", "Request_BadRequest"),
        (7, "Request_BadRequest"),
    ],
)
def test_identifier_uris_of_others_are_refused(uri: object, code: str) -> None:
    with pytest.raises(GraphError) as refusal:
        check_identifier_uri(uri, app_id=APP_ID, tenant_id=TENANT_ID, domain=DOMAIN)
    assert refusal.value.code == code


@given(st.text())
def test_any_uri_is_kept_or_refused_and_never_kept_without_an_owned_part(uri: str) -> None:
    with contextlib.suppress(GraphError):
        check_identifier_uri(uri, app_id=APP_ID, tenant_id=TENANT_ID, domain=DOMAIN)
        assert any(part in uri.lower() for part in (APP_ID, TENANT_ID, DOMAIN))


@pytest.mark.parametrize(
    ("roles", "code"),
    [
        pytest.param([], "CannotDeleteOrUpdateEnabledEntitlement", id="an enabled role is removed"),
        pytest.param([role(), role()], "DuplicateValue", id="the same id twice"),
        pytest.param([role(), role(id=str(uuid.UUID(int=7)))], "DuplicateValue", id="the same value twice"),
        pytest.param([role(id="x")], "Request_BadRequest", id="id is no GUID"),
        pytest.param([role(allowedMemberTypes=[])], "Request_BadRequest", id="no member type"),
        pytest.param([role(allowedMemberTypes=["Robot"])], "Request_BadRequest", id="unknown member type"),
        pytest.param([role(value="with space")], "Request_BadRequest", id="value with a space"),
        pytest.param([role(value=".dot")], "Request_BadRequest", id="value begins with a dot"),
        pytest.param([role(description="")], "Request_BadRequest", id="no description"),
        pytest.param(["role"], "Request_BadRequest", id="no object"),
    ],
)
def test_refused_app_roles(roles: list[Any], code: str) -> None:
    with pytest.raises(GraphError) as refusal:
        judge(application(appRoles=roles), application(appRoles=[role()]))
    assert refusal.value.code == code


def test_a_role_goes_after_it_was_disabled() -> None:
    disabled = application(appRoles=[role(isEnabled=False)])
    judge(disabled, application(appRoles=[role()]))
    judge(application(appRoles=[]), disabled)


@pytest.mark.parametrize("version", [0, 3, "2"])
def test_token_version_is_one_or_two(version: Any) -> None:
    with pytest.raises(GraphError):
        judge(application(api={"requestedAccessTokenVersion": version}))
