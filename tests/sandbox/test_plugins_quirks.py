"""The quirks of the official plugins that users meet, one test each: what works here works there.

Each was observed of the databricks plugin 1.106.0 or the azuread plugin 6.10.0 on the wire.
"""

import pytest
from pulumi.provider.experimental.provider import (
    CheckRequest,
    CreateRequest,
    ReadRequest,
    UpdateRequest,
)
from support.played_vendor import State, plugin, values

from lakelatch.plugin.values import Unknown
from lakelatch_sandbox.plugins.errors import PluginError

PRINCIPAL = "databricks:index/servicePrincipal:ServicePrincipal"
POLICY = "databricks:index/servicePrincipalFederationPolicy:ServicePrincipalFederationPolicy"
ACCOUNT_POLICY = "databricks:index/accountFederationPolicy:AccountFederationPolicy"
ASSIGNMENT = "databricks:index/mwsPermissionAssignment:MwsPermissionAssignment"
ENTRA_PRINCIPAL = "azuread:index/servicePrincipal:ServicePrincipal"
PASSWORD = "azuread:index/applicationPassword:ApplicationPassword"
REGISTRATION = "azuread:index/applicationRegistration:ApplicationRegistration"
A = "/api/2.0/accounts/acc"
SCIM = f"{A}/scim/v2/ServicePrincipals"
DOCUMENT = {"id": "7", "applicationId": "app", "displayName": "x", "active": True}


async def test_a_new_principal_sends_one_empty_entitlement() -> None:
    it = await plugin(PRINCIPAL, {f"POST {SCIM}": DOCUMENT, f"GET {SCIM}/7": DOCUMENT})
    id, state = await it.create({"displayName": "x"})
    assert id == "7"
    assert it.calls[0][2]["entitlements"] == [{}]
    assert state["aclPrincipalId"] == "servicePrincipals/app"
    assert (await it.diff(state, {"displayName": "x"})).changes is False


async def test_destroying_a_principal_only_deactivates_it() -> None:
    it = await plugin(PRINCIPAL, {f"PATCH {SCIM}/7": {}})
    await it.delete("7", {"displayName": "x"})
    [(method, _, body)] = it.calls
    assert method == "PATCH"
    assert body["Operations"] == [{"op": "replace", "path": "active", "value": [{"value": "false"}]}]


async def test_created_for_deletion_it_is_deleted() -> None:
    it = await plugin(PRINCIPAL, {f"DELETE {SCIM}/7": {}})
    await it.delete("7", {"disableAsUserDeletion": False})
    assert [call[0] for call in it.calls] == ["DELETE"]


async def test_the_way_of_deletion_counts_at_creation_only() -> None:
    it = await plugin(PRINCIPAL, {f"PUT {SCIM}/7": DOCUMENT, f"GET {SCIM}/7": DOCUMENT})
    assert (await it.diff({"displayName": "x"}, {"displayName": "x", "disableAsUserDeletion": False})).changes is False
    news = values({"displayName": "y", "disableAsUserDeletion": False})
    olds = values({"displayName": "x"})
    response = await it.provider.update(UpdateRequest(it.urn, "7", olds, news, 0, [], False))
    assert "disableAsUserDeletion" not in response.properties, "it is not recorded, and so does nothing at the end"


@pytest.mark.parametrize(
    ("host_type", "inputs", "path"),
    [
        ("account", {}, SCIM),
        ("ACCOUNT_HOST", {}, "/api/2.0/preview/scim/v2/ServicePrincipals"),
        ("workspace", {}, "/api/2.0/preview/scim/v2/ServicePrincipals"),
        ("workspace", {"api": "account"}, SCIM),
        ("unified", {"api": "workspace"}, "/api/2.0/preview/scim/v2/ServicePrincipals"),
    ],
)
async def test_the_level_comes_from_the_host_in_lower_case(host_type: str, inputs: State, path: str) -> None:
    it = await plugin(PRINCIPAL, {f"POST {path}": DOCUMENT, f"GET {path}/7": DOCUMENT}, host_type)
    await it.create(inputs)
    assert it.calls[0][1] == path


async def test_a_unified_host_wants_the_level() -> None:
    it = await plugin(PRINCIPAL, {}, "unified")
    with pytest.raises(PluginError, match="please set api to account or workspace"):
        await it.create({})


POLICIES = f"{A}/servicePrincipals/7/federationPolicies"
ECHOED = {"issuer": "i", "audiences": ["b", "a"], "subject": "s"}
ANSWER = {"policy_id": "p", "uid": "u", "oidc_policy": ECHOED}
INPUTS: State = {
    "servicePrincipalId": 7,
    "policyId": "p",
    "oidcPolicy": {"issuer": "i", "audiences": ["b", "a"], "subject": "s"},
}


async def test_every_federation_policy_has_the_id_id() -> None:
    it = await plugin(POLICY, {f"POST {POLICIES}": ANSWER})
    id, state = await it.create(INPUTS)
    assert id == "id"
    assert it.queries == ["policy_id=p"]
    assert state["policyId"] == "p"
    assert (await it.diff(state, INPUTS)).changes is False


@pytest.mark.parametrize(
    "served", [{"subject_claim": "sub"}, {"audiences": ["a", "b"]}], ids=["filled-default", "reordered"]
)
async def test_a_server_that_echoes_otherwise_gives_a_perpetual_update(served: State) -> None:
    answer = {**ANSWER, "oidc_policy": {**ECHOED, **served}}
    it = await plugin(POLICY, {f"POST {POLICIES}": answer, f"GET {POLICIES}/p": answer})
    _, state = await it.create(INPUTS)
    assert list((await it.diff(state, INPUTS)).detailed_diff) == ["oidcPolicy"]
    _, refreshed = await it.read("id", state)
    assert (await it.diff(refreshed, INPUTS)).changes


async def test_a_policy_is_patched_whole_under_a_mask() -> None:
    it = await plugin(POLICY, {f"PATCH {POLICIES}/p": ANSWER})
    olds, news = values({**INPUTS, "uid": "u", "updateTime": "t"}), values({**INPUTS, "description": "d"})
    await it.provider.update(UpdateRequest(it.urn, "id", olds, news, 0, [], False))
    [(_, _, body)] = it.calls
    assert it.queries == ["update_mask=description%2Coidc_policy"]
    assert body["uid"] == "u"
    assert "update_time" not in body


@pytest.mark.parametrize("changed", [{"policyId": "q"}, {"servicePrincipalId": 8}], ids=["policy", "principal"])
async def test_a_policy_that_moves_is_replaced(changed: State) -> None:
    it = await plugin(POLICY)
    assert (await it.diff(INPUTS, INPUTS | changed)).replaces == list(changed)


async def test_an_id_above_2_to_the_53_is_another_principals() -> None:
    rounded = f"{A}/servicePrincipals/9234567890100008/federationPolicies"
    it = await plugin(POLICY, {f"POST {rounded}": ANSWER})
    await it.create({**INPUTS, "servicePrincipalId": 9234567890100007})


@pytest.mark.parametrize(
    ("type_token", "id", "path"),
    [(POLICY, "7,p", f"{POLICIES}/p"), (ACCOUNT_POLICY, "p", f"{A}/federationPolicies/p")],
    ids=["principal", "account"],
)
async def test_policies_are_imported_by_their_own_ids(type_token: str, id: str, path: str) -> None:
    it = await plugin(type_token, {f"GET {path}": ANSWER})
    found, state = await it.read(id, {})
    assert found == id
    assert state["oidcPolicy"]["issuer"] == "i"


GRANTS = f"{A}/workspaces/1/permissionassignments"


async def test_a_change_of_permissions_replaces_and_so_loses_the_grant() -> None:
    it = await plugin(ASSIGNMENT)
    state = {"workspaceId": "1", "principalId": "7", "permissions": ["USER"]}
    response = await it.diff(state, {**state, "permissions": ["ADMIN"]})
    assert response.replaces == ["permissions"]
    assert response.delete_before_replace is False, "the engine makes the new one, then deletes the same principal's"


async def test_a_grant_is_found_in_the_list() -> None:
    listed = {"permission_assignments": [{"principal": {"principal_id": 7}, "permissions": ["USER"]}]}
    it = await plugin(ASSIGNMENT, {f"PUT {GRANTS}/principals/7": {}, f"GET {GRANTS}": listed})
    id, state = await it.create({"workspaceId": "1", "principalId": "7", "permissions": ["USER"]})
    assert id == "1|7"
    assert state["permissions"] == ["USER"]
    assert (await it.read("1|8", {}))[0] == ""


APPLICATION = "/applications/a"


async def test_end_date_relative_is_shown_and_never_sent() -> None:
    made = {"keyId": "k", "secretText": "hidden", "endDateTime": "2028-01-01T00:00:00Z"}
    it = await plugin(PASSWORD, {f"POST /v1.0{APPLICATION}/addPassword": made})
    id, state = await it.create({"applicationId": APPLICATION, "displayName": "d", "endDateRelative": "240h"})
    assert it.calls[0][2] == {"passwordCredential": {"displayName": "d"}}
    assert state["endDateRelative"] == "240h"
    assert id == "a/password/k"


async def test_a_password_is_secret_and_read_once() -> None:
    made = {"keyId": "k", "secretText": "hidden"}
    it = await plugin(
        PASSWORD,
        {
            f"POST /v1.0{APPLICATION}/addPassword": made,
            f"GET /v1.0{APPLICATION}": {"passwordCredentials": [{"keyId": "k"}]},
        },
    )
    response = await it.provider.create(CreateRequest(it.urn, values({"applicationId": APPLICATION}), 0, False))
    assert response.properties["value"].is_secret
    again = await it.provider.read(ReadRequest(it.urn, "a/password/k", response.properties, {}))
    assert again.properties["value"] == response.properties["value"]


@pytest.mark.parametrize("existing", [True, False], ids=["use-existing", "refused"])
async def test_an_existing_service_principal_is_adopted_only_on_request(existing: bool) -> None:
    answers = {
        "GET /v1.0/servicePrincipals": {"value": [{"id": "o", "appId": "c"}]},
        "PATCH /v1.0/servicePrincipals/o": {},
        "GET /v1.0/servicePrincipals/o": {"id": "o", "appId": "c", "accountEnabled": True},
        "GET /beta/servicePrincipals/o": {"samlMetadataUrl": None},
        "GET /v1.0/servicePrincipals/o/owners": {"value": []},
    }
    it = await plugin(ENTRA_PRINCIPAL, answers)
    if not existing:
        with pytest.raises(PluginError, match="has a service principal already"):
            await it.create({"clientId": "c"})
        return
    id, state = await it.create({"clientId": "c", "useExisting": True})
    it.calls.clear()
    await it.delete(str(id), state)
    assert it.calls == []


@pytest.mark.parametrize(
    ("type_token", "id", "state", "path"),
    [
        (PRINCIPAL, "7", {}, f"GET {SCIM}/7"),
        (POLICY, "id", INPUTS, f"GET {POLICIES}/p"),
        (REGISTRATION, APPLICATION, {}, f"GET /v1.0{APPLICATION}"),
    ],
    ids=["principal", "policy", "registration"],
)
async def test_refresh_drops_what_is_gone(type_token: str, id: str, state: State, path: str) -> None:
    it = await plugin(type_token, {path: None})
    assert (await it.read(id, state))[0] == ""


@pytest.mark.parametrize(
    ("type_token", "inputs"),
    [
        (POLICY, {"servicePrincipalId": Unknown(), "oidcPolicy": {"subject": Unknown()}}),
        (REGISTRATION, {"displayName": Unknown()}),
    ],
    ids=["policy", "registration"],
)
async def test_a_preview_with_unknowns_asks_nobody(type_token: str, inputs: State) -> None:
    it = await plugin(type_token)
    id, state = await it.create(inputs, preview=True)
    assert id == ""
    assert it.calls == []
    computed = "policyId" if type_token == POLICY else "clientId"
    assert isinstance(state[computed], Unknown)


@pytest.mark.parametrize(
    ("inputs", "failed"),
    [
        ({"dispayName": "x"}, ["dispayName"]),
        ({"forceDeleteRepos": True, "disableAsUserDeletion": True}, ["forceDeleteRepos"]),
        ({"active": "maybe"}, ["active"]),
    ],
    ids=["misspelt", "combination", "kind"],
)
async def test_check_refuses(inputs: State, failed: list[str]) -> None:
    it = await plugin(PRINCIPAL)
    response = await it.provider.check(CheckRequest(it.urn, {}, values(inputs), b""))
    assert [failure.property for failure in response.failures or ()] == failed


async def test_the_provider_has_the_sdks_arguments_only() -> None:
    it = await plugin(PRINCIPAL)
    response = await it.provider.check_config(CheckRequest(it.urn, {}, values({"host": "h", "hots": "h"}), b""))
    assert [failure.property for failure in response.failures or ()] == ["hots"]


async def test_a_type_without_a_stand_in_is_named() -> None:
    it = await plugin("databricks:index/cluster:Cluster")
    with pytest.raises(PluginError, match="does not know `databricks:index/cluster:Cluster`"):
        await it.create({})
