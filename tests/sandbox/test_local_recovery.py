"""A creation that a killed run began is found again in what the doubles hold, with the id that its type has."""

from typing import Any

import pytest

from lakelatch_sandbox.local.recovery import completed
from lakelatch_sandbox.plugins import databricks

OBJECTS: dict[str, list[dict[str, Any]]] = {
    "databricks/service_principals": [
        {"id": "7", "applicationId": "app", "displayName": "etl", "roles": [{"value": "account_admin"}]}
    ],
    "databricks/users": [{"id": "8", "userName": "kim@example.com"}],
    "databricks/groups": [{"id": "9", "displayName": "readers", "members": [{"value": "8"}]}],
    "databricks/entitlements": [{"id": "9", "entitlements": []}],
    "databricks/permission_assignments": [{"principal_id": "9", "permissions": ["USER"]}],
    "databricks/grants": [
        {"securable_type": "schema", "full_name": "main.sales", "privileges": {"9": ["SELECT"]}},
        {"securable_type": "catalog", "full_name": "main", "privileges": {"account users": ["BROWSE"]}},
    ],
    "databricks/ip_access_lists": [{"label": "gateway", "list_id": "l1"}],
    "databricks/network_policies": [{"network_policy_id": "closed"}],
    "databricks/federation_policies": [{"policy_id": "people"}],
    "databricks/federation_policies/7": [{"policy_id": "gateway"}],
}

CASES: list[tuple[str, dict[str, Any], str]] = [
    ("ServicePrincipal", {"displayName": "etl"}, "7"),
    ("ServicePrincipal", {"applicationId": "app"}, "7"),
    ("User", {"userName": "kim@example.com"}, "8"),
    ("Group", {"displayName": "readers"}, "9"),
    ("GroupMember", {"groupId": "9", "memberId": "8"}, "9|8"),
    ("ServicePrincipalRole", {"servicePrincipalId": "7", "role": "account_admin"}, "7|account_admin"),
    ("Entitlements", {"groupId": "9", "workspaceAccess": True}, "group/9"),
    ("MwsPermissionAssignment", {"workspaceId": "1", "principalId": "9", "permissions": ["USER"]}, "1|9"),
    ("PermissionAssignment", {"principalId": "9", "permissions": ["USER"]}, "9"),
    (
        "Grant",
        {"schema": "main.sales", "principal": "readers", "privileges": ["SELECT"]},
        "schema/main.sales/readers",
    ),
    ("Grant", {"catalog": "main", "principal": "account users", "privileges": []}, "catalog/main/account users"),
    ("Grants", {"schema": "main.sales", "grants": []}, "schema/main.sales"),
    ("IpAccessList", {"label": "gateway", "listType": "ALLOW"}, "l1"),
    ("AccountNetworkPolicy", {"networkPolicyId": "closed"}, "closed"),
    ("AccountFederationPolicy", {"policyId": "people"}, "people"),
    ("ServicePrincipalFederationPolicy", {"servicePrincipalId": 7.0, "policyId": "gateway"}, "7,gateway"),
]
ids = [f"{kind}-{id}" for kind, _, id in CASES]


def deployment(kind: str, inputs: dict[str, Any]) -> dict[str, Any]:
    token = f"databricks:index/{kind[:1].lower()}{kind[1:]}:{kind}"
    return {
        "resources": [],
        "pending_operations": [{"type": "creating", "resource": {"type": token, "inputs": inputs, "urn": "u"}}],
    }


@pytest.mark.parametrize(("kind", "inputs", "id"), CASES, ids=ids)
def test_what_was_made_is_found(kind: str, inputs: dict[str, Any], id: str) -> None:
    found, count = completed(deployment(kind, inputs), OBJECTS)
    assert (count, found["pending_operations"]) == (1, [])
    assert found["resources"][0]["id"] == id


@pytest.mark.parametrize(("kind", "inputs", "id"), CASES, ids=ids)
def test_what_was_not_made_is_forgotten(kind: str, inputs: dict[str, Any], id: str) -> None:
    found, count = completed(deployment(kind, inputs), {})
    assert (count, found["resources"], found["pending_operations"]) == (0, [], [])


SET_AGAIN = {
    "WorkspaceConf",
    "WorkspaceNetworkOption",
    *(f"{name}Setting" for name in ("RestrictWorkspaceAdmins", "DisableLegacyAccess", "DisableLegacyDbfs")),
}
"""What is there always and only set: to set it once more changes nothing."""


def test_every_type_but_the_secret_can_be_found_or_is_only_set() -> None:
    kinds = {kind for kind, _, _ in CASES} | SET_AGAIN
    assert {spec.type.rpartition(":")[2] for spec in databricks.SPECS} - kinds == {"ServicePrincipalSecret"}


def test_an_object_of_another_resource_is_not_taken() -> None:
    begun = deployment("Group", {"displayName": "readers"})
    begun["resources"] = [{"type": "databricks:index/group:Group", "id": "9"}]
    assert completed(begun, OBJECTS)[1] == 0
