"""Every type of the databricks stand-in lives its whole life against the doubles and is imported by its documented id,
on providers of the account and of the workspace; its functions find what is there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from pulumi.provider.experimental.provider import ConfigureRequest, InvokeRequest, Provider
from support.stand_in import Connect, Resource, State, connected, invoke, life, values

from lakelatch_sandbox.databricks import policy_api, scim_api
from lakelatch_sandbox.plugins.errors import PluginError, VendorError
from lakelatch_sandbox.plugins.http import Http
from lakelatch_sandbox.plugins.run import PLUGINS

Make = Callable[..., Any]


@pytest.fixture
async def account(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    async with connected(sandbox.endpoints, monkeypatch) as made:
        yield made


@pytest.fixture
async def workspace(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    async with connected(sandbox.endpoints, monkeypatch, "workspace") as made:
        yield made


@pytest.fixture
async def make(account: Connect) -> AsyncIterator[Make]:
    """Makes resources of the account that go with the test."""
    made: list[Resource] = []

    async def create(kind: str, **inputs: Any) -> Resource:
        resource = await (await account(f"databricks.{kind}")).create(inputs)
        made.append(resource)
        return resource

    yield create
    for resource in reversed(made):
        await resource.delete()


@pytest.fixture
async def group(make: Make, sandbox: Any) -> Resource:
    """A group of the account that may use the workspace."""
    found: Resource = await make("Group", displayName="analysts")
    workspace_id = sandbox.endpoints.workspace_id
    await make("MwsPermissionAssignment", workspaceId=workspace_id, principalId=found.id, permissions=["USER"])
    return found


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        pytest.param(
            "ServicePrincipal",
            {"displayName": "one", "disableAsUserDeletion": False},
            {"displayName": "two", "disableAsUserDeletion": False, "active": False, "externalId": "e"},
            id="principal",
        ),
        pytest.param(
            "User",
            {"userName": "kim@example.com", "displayName": "Kim", "disableAsUserDeletion": False},
            {
                "userName": "kim@example.com",
                "displayName": "K",
                "disableAsUserDeletion": False,
                "workspaceAccess": True,
            },
            id="user",
        ),
        pytest.param("Group", {"displayName": "one"}, {"displayName": "two", "allowClusterCreate": True}, id="group"),
    ],
)
@pytest.mark.parametrize("level", ["account", "workspace"])
async def test_principals_on_both_levels(
    account: Connect, workspace: Connect, level: str, kind: str, first: State, second: State
) -> None:
    connect = account if level == "account" else workspace
    await life(await connect(f"databricks.{kind}"), first, second)


async def test_federation_policies(account: Connect, make: Make) -> None:
    principal = await make("ServicePrincipal", displayName="p", disableAsUserDeletion=False)
    oidc = {"issuer": "https://i.example.com", "audiences": ["a"], "subject": "s", "subjectClaim": "sub"}
    first = {"servicePrincipalId": int(principal.id), "policyId": "main", "description": "d", "oidcPolicy": oidc}
    second = {**first, "oidcPolicy": {**oidc, "subject": "t"}}
    await life(await account("databricks.ServicePrincipalFederationPolicy"), first, second)


async def test_entitlements_are_the_workspaces(workspace: Connect, group: Resource) -> None:
    first = {"groupId": group.id, "databricksSqlAccess": True}
    second = {"groupId": group.id, "workspaceAccess": True, "allowClusterCreate": True}
    it = await (await workspace("databricks.Entitlements")).create(first)
    assert it.id == f"group/{group.id}"
    assert await it.changes(first) == []
    assert sorted(await it.changes(second)) == ["allowClusterCreate", "databricksSqlAccess", "workspaceAccess"]
    await it.update(second)
    assert await it.read()
    assert await it.changes(second) == []
    imported = await it.imported()
    assert imported is not None
    assert await imported.changes(second) == []
    await it.delete()
    assert await it.read(), "the group is there still"
    assert not it.get("workspaceAccess")
    await it.delete()  # there is nothing to remove, which is fine


async def test_entitlements_of_a_group_without_the_workspace_are_refused(workspace: Connect, make: Make) -> None:
    stranger = await make("Group", displayName="stranger")
    it = await workspace("databricks.Entitlements")
    with pytest.raises(VendorError, match=f"Group with id {stranger.id} not found"):
        await it.create({"groupId": stranger.id, "workspaceAccess": True})


async def test_a_grant_of_one_principal(workspace: Connect, group: Resource) -> None:
    first = {"schema": "main.sales", "principal": "analysts", "privileges": ["use schema", "SELECT"]}
    second = {"schema": "main.sales", "principal": "analysts", "privileges": ["SELECT", "MODIFY"]}
    it = await workspace("databricks.Grant")
    await life(it, first, second)
    assert it.id == "schema/main.sales/analysts"


async def test_grants_of_all_principals_overwrite_those_of_others(workspace: Connect, group: Resource) -> None:
    one = await (await workspace("databricks.Grant")).create(
        {"catalog": "main", "principal": "account users", "privileges": ["USE_CATALOG"]}
    )
    first = {"catalog": "main", "grants": [{"principal": "analysts", "privileges": ["USE_CATALOG", "BROWSE"]}]}
    second = {"catalog": "main", "grants": [{"principal": "analysts", "privileges": ["USE_SCHEMA"]}]}
    await life(await workspace("databricks.Grants"), first, second)
    assert not await one.read()


async def test_what_a_workspace_assigns(workspace: Connect, make: Make) -> None:
    principal = await make("ServicePrincipal", displayName="p", disableAsUserDeletion=False)
    name = principal.get("applicationId")
    it = await (await workspace("databricks.PermissionAssignment")).create(
        {"servicePrincipalName": name, "permissions": ["USER"]}
    )
    assert it.id == principal.id
    assert await it.changes({"servicePrincipalName": name, "permissions": ["USER"]}) == []
    imported = await it.imported()
    assert imported is not None
    assert imported.get("displayName") == "p"
    await it.delete()
    assert not await it.read()
    await it.delete()


@pytest.mark.parametrize(
    ("kind", "of", "inputs"),
    [
        ("GroupMember", "Group", ("groupId", "memberId")),
        ("ServicePrincipalRole", "ServicePrincipal", ("servicePrincipalId", "role")),
    ],
    ids=["member", "role"],
)
async def test_members_and_roles(account: Connect, make: Make, kind: str, of: str, inputs: tuple[str, str]) -> None:
    owner = await make(of, displayName="owner")
    value = (await make("Group", displayName="inner")).id if kind == "GroupMember" else "account_admin"
    given = dict(zip(inputs, (owner.id, value), strict=True))
    it = await (await account(f"databricks.{kind}")).create(given)
    assert it.id == f"{owner.id}|{value}"
    assert await it.changes(given) == []
    assert await it.changes({**given, inputs[1]: "other"}) == [inputs[1]]
    assert await it.imported() is not None
    await it.delete()
    assert not await it.read()
    await it.delete()


async def test_an_update_of_a_group_keeps_its_members(account: Connect, make: Make) -> None:
    outer, inner = await make("Group", displayName="outer"), await make("Group", displayName="inner")
    member = await make("GroupMember", groupId=outer.id, memberId=inner.id)
    await outer.update({"displayName": "renamed"})
    assert await member.read()


@pytest.mark.parametrize("level", ["account", "workspace"])
async def test_secrets_sign_in_and_are_shown_once(
    account: Connect, workspace: Connect, make: Make, sandbox: Any, level: str
) -> None:
    principal = await make("ServicePrincipal", displayName="p", disableAsUserDeletion=False)
    endpoints = sandbox.endpoints
    ids = {"workspaceId": endpoints.workspace_id, "principalId": principal.id}
    await make("MwsPermissionAssignment", **ids, permissions=["USER"])
    connect = account if level == "account" else workspace
    inputs = {"servicePrincipalId": principal.id, "lifetime": "3600s", "scopes": ["sql"]}
    it = await (await connect("databricks.ServicePrincipalSecret")).create(inputs)
    assert it.state["secret"].is_secret
    first = it.get("secret")
    assert await it.changes(inputs) == []
    assert await it.changes({**inputs, "timeRotating": "2"}) == ["timeRotating"]
    assert await it.read()
    assert it.get("secret") == first
    form = {"grant_type": "client_credentials", "client_id": principal.get("applicationId"), "client_secret": first}
    answer = sandbox.http.post(f"{endpoints.workspace_host}/oidc/v1/token", data=form)
    assert answer.json()["scope"] == "all-apis", "`scopes` of the secret are not sent by the official plugin"
    await it.delete()
    assert not await it.read()
    assert sandbox.http.post(f"{endpoints.workspace_host}/oidc/v1/token", data=form).status_code == 401


@pytest.mark.parametrize(
    ("kind", "inputs", "force"),
    [
        ("Group", {"displayName": "there"}, {"displayName": "there", "allowClusterCreate": True}),
        ("User", {"userName": "there@example.com"}, {"userName": "there@example.com", "displayName": "New"}),
        ("ServicePrincipal", {}, {"displayName": "New"}),
    ],
    ids=["group", "user", "principal"],
)
async def test_what_is_there_is_adopted_only_by_force(
    account: Connect, make: Make, kind: str, inputs: State, force: State
) -> None:
    there = await make(kind, **inputs)
    name = {"applicationId": there.get("applicationId")} if kind == "ServicePrincipal" else {}
    with pytest.raises(VendorError, match="already exists"):
        await (await account(f"databricks.{kind}")).create({**inputs, **name})
    adopted = await (await account(f"databricks.{kind}")).create({**force, **name, "force": True})
    assert adopted.id == there.id
    assert await adopted.changes({**force, **name, "force": True}) == []


@pytest.mark.parametrize("kind", ["Entitlements", "Grant", "Grants", "PermissionAssignment"])
async def test_a_workspaces_resource_on_an_accounts_provider_fails(account: Connect, kind: str) -> None:
    every: dict[str, State] = {
        "Entitlements": {"groupId": "1", "workspaceAccess": True},
        "Grant": {"catalog": "main", "principal": "p", "privileges": ["SELECT"]},
        "Grants": {"catalog": "main", "grants": []},
        "PermissionAssignment": {"principalId": "1", "permissions": ["USER"]},
    }
    with pytest.raises(PluginError, match="invalid Databricks Workspace configuration"):
        await (await account(f"databricks.{kind}")).create(every[kind])


@pytest.mark.parametrize("kind", ["MwsPermissionAssignment", "AccountFederationPolicy"])
async def test_an_accounts_resource_on_a_workspaces_provider_fails(workspace: Connect, kind: str) -> None:
    every: dict[str, State] = {
        "MwsPermissionAssignment": {"workspaceId": "1", "principalId": "1", "permissions": ["USER"]},
        "AccountFederationPolicy": {"oidcPolicy": {"issuer": "https://i.example.com"}},
    }
    with pytest.raises(PluginError, match="invalid Databricks Account configuration"):
        await (await workspace(f"databricks.{kind}")).create(every[kind])


async def test_an_accounts_provider_reaches_a_workspace_that_is_named(
    account: Connect, workspace: Connect, group: Resource, sandbox: Any
) -> None:
    there = {"providerConfig": {"workspaceId": sandbox.endpoints.workspace_id}}
    first = {"groupId": group.id, "allowClusterCreate": True, **there}
    it = await (await account("databricks.Entitlements")).create(first)
    assert await it.read()
    assert await it.changes(first) == []
    await it.delete()
    grant = {"catalog": "main", "principal": "analysts", "privileges": ["USE_CATALOG"], **there}
    await life(await account("databricks.Grant"), grant, {**grant, "privileges": ["BROWSE"]})
    wrong = await workspace("databricks.Grant")
    with pytest.raises(PluginError, match="workspace_id mismatch"):
        await wrong.create({**grant, "providerConfig": {"workspaceId": "17"}})


async def test_functions(make: Make, sandbox: Any, account: Connect, workspace: Connect) -> None:
    principal = await make("ServicePrincipal", displayName="finder", disableAsUserDeletion=False)
    user = await make("User", userName="lee@example.com", disableAsUserDeletion=False)
    inner, outer = await make("Group", displayName="inner"), await make("Group", displayName="outer")
    for group, member in ((inner, principal), (inner, user), (outer, inner)):
        await make("GroupMember", groupId=group.id, memberId=member.id)
    at = principal.provider

    async def call(name: str, **arguments: Any) -> State:
        return await invoke(at, f"databricks:index/{name}:{name}", arguments)

    found = await call("getGroup", displayName="inner")
    assert (found["id"], found["users"], found["servicePrincipals"]) == (inner.id, [user.id], [principal.id])
    assert found["groups"] == [outer.id]
    assert (await call("getGroup", displayName="outer"))["childGroups"] == [inner.id]
    with pytest.raises(PluginError, match="cannot find group: nobody"):
        await call("getGroup", displayName="nobody")

    application = principal.get("applicationId")
    for by in ({"applicationId": application}, {"displayName": "finder"}, {"scimId": principal.id}):
        assert (await call("getServicePrincipal", **by))["spId"] == principal.id
    with pytest.raises(PluginError, match="exactly one"):
        await call("getServicePrincipal")
    assert (await call("getServicePrincipals", displayNameContains="inde"))["applicationIds"] == [application]

    for number in range(3):
        oidc = {"issuer": "https://i.example.com", "audiences": ["a"], "subject": "s"}
        owner = int(principal.id)
        await make("ServicePrincipalFederationPolicy", servicePrincipalId=owner, policyId=f"p{number}", oidcPolicy=oidc)
    listed = await call("getServicePrincipalFederationPolicies", servicePrincipalId=int(principal.id), pageSize=2)
    assert [one["policyId"] for one in listed["policies"]] == ["p0", "p1", "p2"]
    assert listed["policies"][0]["oidcPolicy"]["subject"] == "s"
    assert (await call("getAccountFederationPolicies"))["policies"] == []

    with pytest.raises(PluginError, match="invalid Databricks Workspace configuration"):
        await call("getCurrentUser")
    there = (await workspace("databricks.Group")).provider
    me = await invoke(there, "databricks:index/getCurrentUser:getCurrentUser", {})
    assert me["userName"] == sandbox.endpoints.admin_client_id
    with pytest.raises(PluginError, match="does not know the function"):
        await invoke(there, "databricks:index/getJob:getJob", {})


async def test_functions_take_the_sdks_arguments_only(account: Connect) -> None:
    at: Provider = (await account("databricks.Group")).provider
    response = await at.invoke(InvokeRequest("databricks:index/getGroup:getGroup", values({"name": "x"})))
    assert [failure.property for failure in response.failures or ()] == ["name"]


@pytest.mark.parametrize("source", ["env-oidc", "file-oidc", "pat"])
async def test_signing_in_without_a_secret(
    make: Make, sandbox: Any, issuer: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str
) -> None:
    principal = await make("ServicePrincipal", displayName="deployer", disableAsUserDeletion=False)
    await make("ServicePrincipalRole", servicePrincipalId=principal.id, role="account_admin")
    oidc = {"issuer": issuer.url, "audiences": ["lakelatch"], "subject": "nightly"}
    await make(
        "ServicePrincipalFederationPolicy", servicePrincipalId=int(principal.id), policyId="main", oidcPolicy=oidc
    )
    endpoints = sandbox.endpoints
    arguments = {"host": endpoints.account_host, "accountId": endpoints.account_id, "authType": source}
    if source == "env-oidc":
        monkeypatch.setenv("MY_TOKEN", issuer.token())
        arguments |= {"clientId": principal.get("applicationId"), "oidcTokenEnv": "MY_TOKEN"}
    elif source == "file-oidc":
        (tmp_path / "token").write_text(issuer.token() + "\n")
        arguments |= {
            "clientId": principal.get("applicationId"),
            "databricksIdTokenFilepath": str(tmp_path / "token"),
        }
    else:
        form = {
            "grant_type": "client_credentials",
            "client_id": endpoints.admin_client_id,
            "client_secret": endpoints.admin_client_secret,
        }
        url = f"{endpoints.account_host}/oidc/accounts/{endpoints.account_id}/v1/token"
        arguments["token"] = sandbox.http.post(url, data=form).json()["access_token"]
    http = Http()
    at = PLUGINS["databricks"](http)
    await at.configure(ConfigureRequest({}, values(arguments), True, True))
    name = "getServicePrincipals"
    found = await invoke(at, f"databricks:index/{name}:{name}", {"displayNameContains": "deployer"})
    await http.close()
    assert found["applicationIds"] == [principal.get("applicationId")]


async def test_a_change_of_permissions_takes_the_workspace_away(account: Connect, make: Make, sandbox: Any) -> None:
    """The engine makes the new assignment first, then deletes the old one, which is the same principal's."""
    group = await make("Group", displayName="g")
    inputs = {"workspaceId": sandbox.endpoints.workspace_id, "principalId": group.id}
    kind = "databricks.MwsPermissionAssignment"
    old = await (await account(kind)).create({**inputs, "permissions": ["USER"]})
    assert await old.changes({**inputs, "permissions": ["ADMIN"]}) == ["permissions"]
    new = await (await account(kind)).create({**inputs, "permissions": ["ADMIN"]})
    await old.delete()
    assert not await new.read(), "the server ends up empty, and only a refresh shows it"
    again = await (await account(kind)).create({**inputs, "permissions": ["ADMIN"]})
    assert await again.read(), "the other way round, with delete_before_replace, it is there"
    await again.delete()


async def test_policies_made_at_the_same_time_on_one_principal_fail(
    account: Connect, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_api, "CREATE_SECONDS", 1.0)  # both are there by then, on a slow machine too
    principal = await make("ServicePrincipal", displayName="p", disableAsUserDeletion=False)
    oidc = {"issuer": "https://i.example.com", "audiences": ["a"], "subject": "s"}
    owner = int(principal.id)
    found = await asyncio.gather(
        *(
            make("ServicePrincipalFederationPolicy", servicePrincipalId=owner, policyId=f"p{number}", oidcPolicy=oidc)
            for number in range(2)
        ),
        return_exceptions=True,
    )
    refused = [one for one in found if isinstance(one, VendorError)]
    assert [one.code for one in refused] == ["ABORTED"]


async def test_roles_given_at_the_same_time_are_lost_and_not_missed(
    account: Connect, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scim_api, "ROLE_SECONDS", 1.0)
    principal = await make("ServicePrincipal", displayName="p", disableAsUserDeletion=False)
    made = await asyncio.gather(
        *(make("ServicePrincipalRole", servicePrincipalId=principal.id, role=role) for role in ("a", "b", "c"))
    )
    monkeypatch.setattr(scim_api, "ROLE_SECONDS", 0.0)
    there = [await one.read() for one in made]
    assert 1 <= there.count(True) < 3
