"""Proves the whole model end to end: roles with groups and rights, people, services of several issuers, both ways.

One project whose model is `support.wide.WIDE`, brought up on the real engine; the vendor's clients look at what came of
it, and tokens of every wrong kind are refused with the reason a person needs.
"""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from databricks.sdk import AccountClient, WorkspaceClient
from databricks.sdk.service.catalog import SecurableType
from databricks.sdk.service.iam import Group, ServicePrincipal
from support.project import Project, copy_of_project
from support.wide import WIDE

from lakelatch.access.trusts import workload_trust

pytestmark = pytest.mark.line

ADOPTED = ("Deployers", "Data Analysts")
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = "urn:ietf:params:oauth:token-type:jwt"


@dataclass
class Wide:
    """The project that is up, and what stood in the doubles before."""

    project: Project
    before: Any
    account: AccountClient
    audience: str
    """The application that people sign in to."""
    upn: str
    """A person of the directory, not yet a user of Databricks."""

    def order(self, **changes: Any) -> str:
        """A token of etl-deploy's issuer: a good one, but for the changes."""
        here = self.project.endpoints
        trust = workload_trust(self.project.stack.model(), "etl-deploy")
        claims = {"sub": trust.subject, "aud": here.account_id, **changes.pop("claims", {})}
        issuer = trust.issuer.removeprefix(f"{here.issuers_url}/")
        answer = httpx.post(
            f"{here.control_url}/issuers/tokens",
            json={"issuer": issuer, "claims": claims, **changes},
            verify=self.project.trust,
        )
        return str(answer.raise_for_status().json()["token"])

    def person(self) -> str:
        """A token of a person of the directory, for the application that people sign in to."""
        here = self.project.endpoints
        body = {"user": self.upn, "resource": self.audience, "scopes": ["ask"]}
        answer = httpx.post(f"{here.control_url}/entra/user-tokens", json=body, verify=self.project.trust)
        return str(answer.raise_for_status().json()["access_token"])

    def exchange(self, token: str, client_id: str | None, address: str | None = None) -> httpx.Response:
        """What a client of Databricks does with a token of its own issuer."""
        form = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": JWT, "scope": "all-apis"}
        if client_id is not None:
            form["client_id"] = client_id
        address = address or f"{self.project.endpoints.workspace_host}/oidc/v1/token"
        return httpx.post(address, data=form, verify=self.project.trust)

    def application_id(self, service: str) -> str:
        """The principal of a service, for exchanges."""
        return str(self.project.stack.outputs()["services"][service]["application_id"])

    def workspace(self, token: str, client_id: str | None, monkeypatch: pytest.MonkeyPatch) -> WorkspaceClient:
        """The vendor's workspace client with a token of one's own issuer, straight at the workspace."""
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", self.project.endpoints.ca_file)
        monkeypatch.setenv("DATABRICKS_OIDC_TOKEN", token)
        return WorkspaceClient(host=self.project.endpoints.workspace_host, client_id=client_id, auth_type="env-oidc")

    def principal(self, service: str) -> ServicePrincipal:
        """A service's principal as the account sees it."""
        [found] = self.account.service_principals.list(filter=f'displayName eq "{service}"')
        return self.account.service_principals.get(found.id or "")

    def group(self, name: str) -> Group:
        """A group with its members."""
        [found] = self.account.groups.list(filter=f'displayName eq "{name}"')
        return self.account.groups.get(found.id or "")


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wide]:
    with copy_of_project(tmp_path_factory.mktemp("wide")) as project:
        project.stack.layout.make()
        project.stack.start_sandbox()
        audience, upn = directory(project)
        model = WIDE.replace("6a1f0c3e-5b7d-4e92-8c41-d0e9f8a7b6c5", audience)
        (project.folder / "stacks" / "access.yaml").write_text(model)
        account = project.account()
        for name in ADOPTED:
            account.groups.create(display_name=name)
        before = objects(project)
        project.lakelatch("up")
        yield Wide(project, before, account, audience, upn)


def objects(project: Project) -> dict[str, list[str]]:
    """Every object that the doubles hold, kind by kind, whatever their order."""
    found = project.objects()["objects"]
    return {kind: sorted(json.dumps(row, sort_keys=True) for row in rows) for kind, rows in found.items()}


def directory(project: Project) -> tuple[str, str]:
    """What a directory has already: an application that people sign in to, and a person. Returns their names."""
    scope = {
        "id": str(uuid.UUID(int=1)),
        "value": "ask",
        "type": "User",
        "isEnabled": True,
        "adminConsentDisplayName": "Ask",
        "adminConsentDescription": "Ask Databricks as yourself",
    }
    application = project.graph(
        "POST",
        "/applications",
        {
            "displayName": "Databricks for people",
            "api": {"requestedAccessTokenVersion": 2, "oauth2PermissionScopes": [scope]},
            "optionalClaims": {"accessToken": [{"name": "upn"}]},
        },
    )
    project.graph("POST", "/servicePrincipals", {"appId": application["appId"]})
    domain = f"sandbox{project.endpoints.tenant_id.replace('-', '')[:8]}.onmicrosoft.com"
    person = project.graph(
        "POST",
        "/users",
        {
            "accountEnabled": True,
            "displayName": "Ada",
            "mailNickname": "ada",
            "userPrincipalName": f"ada@{domain}",
            "passwordProfile": {"password": uuid.uuid4().hex + "-Aa1"},
        },
    )
    return application["appId"], person["userPrincipalName"]


def test_a_second_up_changes_nothing(wide: Wide) -> None:
    wide.project.pulumi("preview", "--expect-no-changes")


def test_a_service_of_another_issuer_calls_through_the_gateway(wide: Wide, monkeypatch: pytest.MonkeyPatch) -> None:
    token = wide.project.stack.token("exporter")
    client = wide.project.workspace_through_gateway(token)
    assert client.current_user.me().user_name == wide.application_id("exporter")


def test_a_direct_service_signs_in_with_its_own_token(wide: Wide, monkeypatch: pytest.MonkeyPatch) -> None:
    application_id = wide.application_id("etl-deploy")
    client = wide.workspace(wide.order(), application_id, monkeypatch)
    assert client.current_user.me().user_name == application_id


def test_a_direct_service_is_nobody_at_the_gateway(wide: Wide) -> None:
    answer = wide.project.ask(wide.order())
    assert answer.status_code == 401


def test_a_roles_group_has_members_and_rights(wide: Wide, monkeypatch: pytest.MonkeyPatch) -> None:
    """Services and people's groups are members; the group itself has the entitlement and the grants."""
    reader = wide.group("lakelatch-reader")
    people = wide.group("Data Analysts")
    services = {wide.principal(name).id for name in ("nightly-report", "exporter")}
    assert {member.value for member in reader.members or []} == {people.id, *services}
    admin = WorkspaceClient(
        host=wide.project.endpoints.workspace_host,
        client_id=wide.project.endpoints.admin_client_id,
        client_secret=wide.project.endpoints.admin_client_secret,
        auth_type="oauth-m2m",
    )
    entitled = admin.groups.get(reader.id or "").entitlements or []
    assert "databricks-sql-access" in {entitlement.value for entitlement in entitled}
    held = admin.grants.get(SecurableType.SCHEMA.value, "main.sales").privilege_assignments or []
    mine = [row.privileges for row in held if row.principal == "lakelatch-reader"]
    assert [{privilege.value for privilege in row or []} for row in mine] == [{"USE_SCHEMA", "SELECT"}]


def test_a_person_becomes_the_user_that_the_token_names(wide: Wide) -> None:
    """Account-wide federation: without a client id, by the claim that the model says; nobody is made up."""
    here = wide.project.endpoints
    account = f"{here.account_host}/oidc/accounts/{here.account_id}/v1/token"
    token = wide.person()
    refused = wide.exchange(token, None, account)
    assert refused.status_code == 401
    assert f"User '{wide.upn}' does not exist" in refused.json()["error_description"]
    user = wide.account.users.create(user_name=wide.upn)
    assert wide.exchange(token, None, account).status_code == 200
    assert wide.exchange(token, wide.application_id("etl-deploy"), account).status_code == 401
    wide.account.users.delete(user.id or "")


NOW = int(time.time())

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "wrong audience": ({"claims": {"aud": "somebody-else"}}, "audience is 'somebody-else'"),
    "wrong subject": ({"claims": {"sub": "repo:acme/other:environment:production"}}, "subject is 'repo:acme/other"),
    "wrong case": ({"claims": {"sub": "repo:Acme/etl:environment:production"}}, "subject is 'repo:Acme/etl"),
    "no audience": ({"claims": {"aud": None}}, "audience is absent"),
    "expired": ({"claims": {"exp": NOW - 60}}, "has expired"),
    "not yet valid": ({"claims": {"nbf": NOW + 3600}}, "not valid yet"),
    "HS256": ({"algorithm": "HS256"}, "only RS256 and ES256"),
    "none": ({"algorithm": "none"}, "only RS256 and ES256"),
    "ES384": ({"algorithm": "ES384"}, "only RS256 and ES256"),
    "unknown key": ({"key_id": "of-somebody-else"}, "key id 'of-somebody-else'"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_wrong_token_is_refused_with_the_reason(wide: Wide, kind: str) -> None:
    changes, says = REFUSED[kind]
    answer = wide.exchange(wide.order(**changes), wide.application_id("etl-deploy"))
    assert answer.status_code in (400, 401)
    assert says in answer.json()["error_description"]


def test_a_trailing_slash_makes_another_issuer(wide: Wide) -> None:
    issuer = workload_trust(wide.project.stack.model(), "etl-deploy").issuer
    answer = wide.exchange(wide.order(claims={"iss": f"{issuer}/"}), wide.application_id("etl-deploy"))
    assert answer.status_code == 401
    assert f"issuer is '{issuer}/', it wants '{issuer}'" in answer.json()["error_description"]


def test_a_policy_on_another_principal_is_none_of_ones_own(wide: Wide) -> None:
    answer = wide.exchange(wide.order(), wide.application_id("nightly-report"))
    assert answer.status_code == 401
    assert wide.application_id("nightly-report") in answer.json()["error_description"]


def test_what_is_taken_away_is_refused_at_once_and_mended_by_the_next_up(wide: Wide) -> None:
    """The principal switched off, its policy deleted: each refused for itself, both mended by one `up`."""
    principal = wide.principal("etl-deploy")

    def switch(active: bool) -> None:
        wide.account.service_principals.update(
            principal.id or "",
            display_name=principal.display_name,
            active=active,
            application_id=principal.application_id,
        )

    def reason() -> str:
        answer = wide.exchange(wide.order(), wide.application_id("etl-deploy"))
        assert answer.status_code == 401
        return str(answer.json()["error_description"])

    switch(active=False)
    assert "deactivated" in reason()
    switch(active=True)
    wide.account.service_principal_federation_policy.delete(int(principal.id or 0), "lakelatch-workload")
    assert "no federation" in reason()
    switch(active=False)
    wide.project.pulumi("up", "--yes", "--skip-preview", "--refresh")
    assert wide.exchange(wide.order(), wide.application_id("etl-deploy")).status_code == 200


def test_rights_changed_behind_its_back_are_shown_and_repaired(wide: Wide) -> None:
    reader, exporter = wide.group("lakelatch-reader"), wide.principal("exporter")
    wide.account.groups.update(
        reader.id or "",
        display_name=reader.display_name,
        members=[member for member in reader.members or [] if member.value != exporter.id],
    )
    assert "exporter" in wide.project.pulumi("refresh", "--preview-only", "--diff")
    wide.project.pulumi("up", "--yes", "--skip-preview", "--refresh")
    assert exporter.id in {member.value for member in wide.group("lakelatch-reader").members or []}
    wide.project.pulumi("preview", "--expect-no-changes")


def test_destroy_leaves_the_doubles_as_they_were(wide: Wide) -> None:
    """Last. What was adopted stays; what was made goes."""
    wide.project.pulumi("destroy", "--yes", "--skip-preview")
    assert {group.display_name for group in wide.account.groups.list()} >= set(ADOPTED)
    assert objects(wide.project) == wide.before
