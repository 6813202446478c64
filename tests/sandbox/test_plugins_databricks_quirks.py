"""The quirks of the databricks plugin over groups, people, entitlements, grants, secrets and sign-in, one test each.

The requests follow the source of the Terraform provider that the plugin is made of, or were observed on the wire.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.played_vendor import State, plugin

from lakelatch.plugin.values import Unknown
from lakelatch_sandbox.plugins.databricks_api import DatabricksApi, auth_type
from lakelatch_sandbox.plugins.databricks_grants import changes
from lakelatch_sandbox.plugins.errors import PluginError
from lakelatch_sandbox.plugins.http import Http

A = "/api/2.0/accounts/acc"
LOCAL = "/api/2.0/preview/scim/v2"
GROUP = "databricks:index/group:Group"
USER = "databricks:index/user:User"
PRINCIPAL = "databricks:index/servicePrincipal:ServicePrincipal"
MEMBER = "databricks:index/groupMember:GroupMember"
ENTITLEMENTS = "databricks:index/entitlements:Entitlements"
GRANT = "databricks:index/grant:Grant"
GRANTS = "databricks:index/grants:Grants"
SECRET = "databricks:index/servicePrincipalSecret:ServicePrincipalSecret"
LOCAL_ASSIGNMENT = "databricks:index/permissionAssignment:PermissionAssignment"
POLICY = "databricks:index/servicePrincipalFederationPolicy:ServicePrincipalFederationPolicy"
CURRENT_USER = "databricks:index/getCurrentUser:getCurrentUser"
DOCUMENT = {"id": "7", "displayName": "x", "members": [{"value": "8"}], "roles": [{"value": "r"}]}


async def test_an_update_of_a_group_sends_back_the_members_it_read_before() -> None:
    """So a member that is added in between is lost."""
    path = f"{A}/scim/v2/Groups/7"
    it = await plugin(GROUP, {f"GET {path}": DOCUMENT, f"PUT {path}": {}})
    await it.update("7", {"displayName": "x"}, {"displayName": "y"})
    method, _, body = it.calls[1]
    assert (method, body["displayName"], body["members"]) == ("PUT", "y", [{"value": "8"}])
    assert body["roles"] == [{"value": "r"}]


@pytest.mark.parametrize(
    ("host_type", "method"), [("account", "PATCH"), ("workspace", "DELETE")], ids=["account", "workspace"]
)
@pytest.mark.parametrize("type_token", [PRINCIPAL, USER], ids=["principal", "user"])
async def test_people_are_deactivated_by_default_on_account_level_only(
    type_token: str, host_type: str, method: str
) -> None:
    kind = "ServicePrincipals" if type_token == PRINCIPAL else "Users"
    path = f"{A}/scim/v2/{kind}/7" if host_type == "account" else f"{LOCAL}/{kind}/7"
    it = await plugin(type_token, {f"{method} {path}": {}}, host_type)
    await it.delete("7", {"displayName": "x"})
    assert [call[0] for call in it.calls] == [method]


async def test_groups_are_deleted_on_both_levels() -> None:
    it = await plugin(GROUP, {f"DELETE {A}/scim/v2/Groups/7": {}})
    await it.delete("7", {"displayName": "x"})
    assert [call[0] for call in it.calls] == ["DELETE"]


async def test_folders_go_with_a_principal_of_a_workspace_only_when_asked() -> None:
    path = f"{LOCAL}/ServicePrincipals/7"
    it = await plugin(PRINCIPAL, {f"DELETE {path}": {}, "POST /api/2.0/workspace/delete": {}}, "workspace")
    state = {"forceDeleteHomeDir": True, "home": "/Users/app", "repos": "/Repos/app"}
    await it.delete("7", {**state, "disableAsUserDeletion": False})
    assert it.calls[1][2] == {"path": "/Users/app", "recursive": True}
    assert len(it.calls) == 2


async def test_a_name_that_is_reserved_is_refused_before_anything_is_asked() -> None:
    it = await plugin(GROUP)
    assert await it.check({"displayName": "users"}) == ["displayName"]
    assert await it.check({"displayName": "analysts"}) == []
    assert it.calls == []


@pytest.mark.parametrize(
    ("type_token", "inputs", "refused"),
    [
        pytest.param(ENTITLEMENTS, {"workspaceAccess": True}, ["groupId"], id="nobody is entitled"),
        pytest.param(ENTITLEMENTS, {"groupId": "1", "userId": "2"}, ["userId"], id="two are entitled"),
        pytest.param(GRANT, {"principal": "p", "privileges": []}, ["catalog"], id="no object"),
        pytest.param(
            GRANT, {"principal": "p", "privileges": [], "catalog": "c", "schema": "s"}, ["schema"], id="two objects"
        ),
        pytest.param(GRANTS, {"grants": [{"principal": "p"}], "catalog": "c"}, ["grants[0].privileges"], id="nested"),
        pytest.param(LOCAL_ASSIGNMENT, {"permissions": ["USER"]}, ["principalId"], id="nobody is assigned"),
        pytest.param(POLICY, {"servicePrincipalId": 2**53 + 8.0}, ["servicePrincipalId"], id="rounded id"),
        pytest.param(SECRET, {"lifetime": "1s"}, ["servicePrincipalId"], id="whose secret"),
    ],
)
async def test_inputs_that_cannot_work(type_token: str, inputs: State, refused: list[str]) -> None:
    it = await plugin(type_token)
    assert await it.check(inputs) == refused


async def test_what_is_not_known_yet_is_not_judged() -> None:
    it = await plugin(ENTITLEMENTS)
    assert await it.check({"groupId": Unknown(), "workspaceAccess": True}) == []
    _, state = await it.create({"groupId": Unknown(), "workspaceAccess": True}, preview=True)
    assert state["workspaceAccess"] is True
    assert it.calls == []


async def test_no_entitlement_is_one_empty_entry() -> None:
    path = f"{LOCAL}/Groups/7"
    it = await plugin(ENTITLEMENTS, {f"PATCH {path}": {}, f"GET {path}": {"id": "7"}}, "workspace")
    id, state = await it.create({"groupId": "7"})
    assert id == "group/7"
    assert it.calls[0][2]["Operations"] == [{"op": "replace", "path": "entitlements", "value": [{}]}]
    assert state["workspaceAccess"] is False
    assert (await it.diff(state, {"groupId": "7"})).changes is False


async def test_entitlements_that_another_resource_gave_too_are_fought_over() -> None:
    """`Entitlements` replaces everything: what a `Group` switched on is off after it."""
    path = f"{LOCAL}/Groups/7"
    answer = {"id": "7", "entitlements": [{"value": "allow-cluster-create"}]}
    it = await plugin(ENTITLEMENTS, {f"GET {path}": answer}, "workspace")
    _, state = await it.read("group/7", {"groupId": "7", "workspaceAccess": True})
    changed = await it.diff(state, {"groupId": "7", "workspaceAccess": True})
    assert sorted(changed.detailed_diff) == ["allowClusterCreate", "workspaceAccess"]


async def test_a_member_is_its_pair_and_never_updated() -> None:
    it = await plugin(MEMBER, {f"PATCH {A}/scim/v2/Groups/7": {}, f"GET {A}/scim/v2/Groups/7": DOCUMENT})
    id, state = await it.create({"groupId": "7", "memberId": "8"})
    assert id == "7|8"
    changed = await it.diff(state, {"groupId": "7", "memberId": "9"})
    assert changed.replaces == ["memberId"]


async def test_a_member_that_is_not_in_the_answer_is_gone() -> None:
    it = await plugin(MEMBER, {f"GET {A}/scim/v2/Groups/7": DOCUMENT})
    assert (await it.read("7|9", {"groupId": "7", "memberId": "9"}))[0] == ""


SALES = "/api/2.1/unity-catalog/permissions/schema/main.sales"
HELD = {
    "privilege_assignments": [
        {"principal": "mine", "privileges": ["SELECT"]},
        {"principal": "theirs", "privileges": ["MODIFY"]},
    ]
}


async def test_a_grant_leaves_other_principals_alone() -> None:
    it = await plugin(GRANT, {f"GET {SALES}": HELD, f"PATCH {SALES}": {}}, "workspace")
    await it.create({"schema": "main.sales", "principal": "mine", "privileges": ["USE SCHEMA"]})
    assert it.calls[1][2] == {"changes": [{"principal": "mine", "add": ["USE_SCHEMA"], "remove": ["SELECT"]}]}


async def test_grants_take_everything_from_principals_that_are_not_named() -> None:
    it = await plugin(GRANTS, {f"GET {SALES}": HELD, f"PATCH {SALES}": {}}, "workspace")
    await it.create({"schema": "main.sales", "grants": [{"principal": "mine", "privileges": ["SELECT"]}]})
    assert it.calls[1][2] == {"changes": [{"principal": "theirs", "add": [], "remove": ["MODIFY"]}]}


async def test_a_grant_that_is_so_already_asks_for_nothing() -> None:
    it = await plugin(GRANT, {f"GET {SALES}": HELD}, "workspace")
    await it.create({"schema": "main.sales", "principal": "mine", "privileges": ["select"]})
    assert [call[0] for call in it.calls] == ["GET", "GET"]


@pytest.mark.parametrize(
    ("type_token", "state", "inputs"),
    [
        pytest.param(
            GRANT,
            {"schema": "main.sales", "principal": "p", "privileges": ["SELECT", "USE_SCHEMA"]},
            {"schema": "main.sales", "principal": "p", "privileges": ["use schema", "select"]},
            id="grant",
        ),
        pytest.param(
            GRANTS,
            {
                "catalog": "c",
                "grants": [{"principal": "a", "privileges": ["X"]}, {"principal": "b", "privileges": ["Y"]}],
            },
            {
                "catalog": "c",
                "grants": [{"principal": "b", "privileges": ["y"]}, {"principal": "a", "privileges": ["x"]}],
            },
            id="grants",
        ),
    ],
)
async def test_order_and_spelling_of_privileges_are_no_change(type_token: str, state: State, inputs: State) -> None:
    it = await plugin(type_token)
    assert (await it.diff(state, inputs)).changes is False


async def test_an_empty_grant_is_gone_at_a_refresh() -> None:
    it = await plugin(GRANT, {f"GET {SALES}": {"privilege_assignments": []}}, "workspace")
    state = {"schema": "main.sales", "principal": "mine", "privileges": ["SELECT"]}
    assert (await it.read("schema/main.sales/mine", state))[0] == ""


SECRETS = f"{A}/servicePrincipals/7/credentials/secrets"


async def test_scopes_of_a_secret_are_shown_and_never_sent() -> None:
    made = {"id": "s", "secret": "dose1", "status": "ACTIVE"}
    it = await plugin(SECRET, {f"POST {SECRETS}": made})
    id, state = await it.create({"servicePrincipalId": "7", "lifetime": "60s", "scopes": ["sql"]})
    assert id == "s"
    assert it.calls[0][2] == {"lifetime": "60s"}
    assert state["scopes"] == ["sql"]
    assert state["servicePrincipalSecretId"] == "s"


async def test_a_secret_is_replaced_and_never_updated() -> None:
    it = await plugin(SECRET)
    state = {"servicePrincipalId": "7", "lifetime": "60s", "secret": "dose1", "status": "ACTIVE"}
    changed = await it.diff(state, {"servicePrincipalId": "7", "lifetime": "90s"})
    assert changed.replaces == ["lifetime"]
    assert changed.delete_before_replace is False, "the old one is taken from its users as soon as the new one is made"


async def test_a_secret_that_has_expired_is_gone_at_a_refresh() -> None:
    it = await plugin(SECRET, {f"GET {SECRETS}": {"secrets": []}})
    assert (await it.read("s", {"servicePrincipalId": "7", "secret": "dose1"}))[0] == ""


async def test_an_import_of_a_secret_finds_nothing() -> None:
    it = await plugin(SECRET)
    assert (await it.read("s", {}))[0] == ""


async def test_assignments_of_a_workspace_are_replaced_and_so_lost_too() -> None:
    it = await plugin(LOCAL_ASSIGNMENT)
    state = {"principalId": "7", "permissions": ["USER"], "userName": "kim@example.com"}
    changed = await it.diff(state, {"principalId": "7", "permissions": ["ADMIN"]})
    assert changed.replaces == ["permissions"]
    assert changed.delete_before_replace is False


async def test_principals_are_assigned_by_name_where_no_id_is_given() -> None:
    path = "/api/2.0/preview/permissionassignments"
    entry = {"principal": {"principal_id": 7, "user_name": "kim@example.com"}, "permissions": ["USER"]}
    listed = {"permission_assignments": [entry]}
    it = await plugin(LOCAL_ASSIGNMENT, {f"POST {path}": listed, f"GET {path}": listed}, "workspace")
    id, state = await it.create({"userName": "kim@example.com", "permissions": ["USER"]})
    assert id == "7"
    assert it.calls[0][2] == {"permission_assignments": [{"user_name": "kim@example.com", "permissions": ["USER"]}]}
    assert state["principalId"] == "7"


async def test_a_preview_of_a_group_says_what_is_chosen_for_it() -> None:
    it = await plugin(GROUP)
    _, state = await it.create({"displayName": "x"}, preview=True)
    assert isinstance(state["aclPrincipalId"], Unknown)
    assert isinstance(state["url"], Unknown)
    assert it.calls == []


async def test_the_current_user_of_an_account_is_no_question_for_a_workspace() -> None:
    it = await plugin(CURRENT_USER)
    with pytest.raises(PluginError, match="invalid Databricks Workspace configuration"):
        await it.invoke({})


@pytest.mark.parametrize(
    ("configuration", "environment", "kind"),
    [
        ({"token": "t"}, {}, "pat"),
        ({"clientId": "c", "clientSecret": "s"}, {}, "oauth-m2m"),
        ({"databricksIdTokenFilepath": "f"}, {}, "file-oidc"),
        ({"oidcTokenEnv": "V"}, {}, "env-oidc"),
        ({}, {"DATABRICKS_OIDC_TOKEN": "t"}, "env-oidc"),
        ({"clientId": "c", "authType": "env-oidc", "token": "t"}, {}, "env-oidc"),
    ],
    ids=["token", "secret", "file", "variable", "default-variable", "said"],
)
def test_how_a_provider_signs_in(configuration: dict[str, str], environment: dict[str, str], kind: str) -> None:
    assert auth_type(configuration, environment) == kind


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ({"databricksIdTokenFilepath": "f", "clientId": "c"}, "file-oidc and oauth"),
        ({"token": "t", "clientSecret": "s"}, "oauth and pat"),
    ],
    ids=["federation-beside-a-client", "two"],
)
def test_two_ways_of_signing_in_are_refused(configuration: dict[str, str], said: str) -> None:
    with pytest.raises(PluginError, match=f"more than one authorization method configured: {said}"):
        auth_type(configuration, {})


def signing_in(answer: Callable[[httpx.Request], None], configuration: State, environment: State) -> DatabricksApi:
    def handle(request: httpx.Request) -> httpx.Response:
        answer(request)
        document = {"token_endpoint": "https://127.0.0.1:1/token", "access_token": "t", "expires_in": 60}
        return httpx.Response(200, json=document)

    http = Http(transport=httpx.MockTransport(handle))
    return DatabricksApi({"host": "https://127.0.0.1:1", **configuration}, http, environment)


async def test_the_newline_of_a_token_file_is_sent(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("e.e.e\n")
    forms: list[str] = []

    def answer(request: httpx.Request) -> None:
        if request.method == "POST":
            forms.append(request.content.decode())

    configuration = {"authType": "file-oidc", "databricksIdTokenFilepath": str(tmp_path / "token")}
    await signing_in(answer, configuration, {}).call("GET", "/api")
    assert "subject_token=e.e.e%0A" in forms[0]
    assert "client_id" not in forms[0], "it is sent only when it is set"


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ({"authType": "env-oidc"}, "the environment variable DATABRICKS_OIDC_TOKEN holds no token"),
        ({"authType": "file-oidc", "databricksIdTokenFilepath": "/nowhere"}, "the file /nowhere holds no token"),
        ({"authType": "file-oidc"}, "has no `databricksIdTokenFilepath`"),
    ],
    ids=["variable", "file", "no-file"],
)
async def test_a_missing_token_is_said(configuration: dict[str, str], said: str) -> None:
    with pytest.raises(PluginError, match=said):
        await signing_in(lambda _: None, configuration, {}).call("GET", "/api")


NAMES = st.dictionaries(st.sampled_from("abc"), st.lists(st.sampled_from("XYZ"), unique=True).map(sorted))


@given(NAMES, NAMES)
def test_changes_bring_about_what_is_wanted(held: dict[str, list[str]], wanted: dict[str, list[str]]) -> None:
    result: dict[str, Any] = {principal: set(privileges) for principal, privileges in held.items()}
    for change in changes(held, wanted):
        assert not set(change["add"]) & set(change["remove"])
        kept = result.get(change["principal"], set()) - set(change["remove"])
        result[change["principal"]] = kept | set(change["add"])
    assert {who: sorted(has) for who, has in result.items() if has} == {who: has for who, has in wanted.items() if has}
