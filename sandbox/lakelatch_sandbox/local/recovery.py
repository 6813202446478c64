"""What a killed run left: creations that the engine began and never wrote down as done.

Whether the vendor carried such a creation out is known to the vendor alone. Without that knowledge, creating again
would make a second object or be refused as "already there". On the local stack the doubles are asked, and what they
have is written into the engine's state; a refresh then reads the rest.
"""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

Document = Mapping[str, Any]
Objects = Mapping[str, Sequence[Document]]
"""What the doubles hold: kind to documents, as their control address answers."""
Find = Callable[[Document, Objects], Iterator[str]]
"""From a creation's inputs to the ids of the objects that it may have made."""


def pending_creations(deployment: Document) -> list[Document]:
    """The resources whose creation an exported deployment says was begun and not finished."""
    operations = deployment.get("pending_operations") or []
    return [operation["resource"] for operation in operations if operation["type"] == "creating"]


def completed(deployment: Document, objects: Objects) -> tuple[dict[str, Any], int]:
    """The deployment without begun creations: those that were carried out are resources now, the others are forgotten.

    Also says how many were carried out. An object that the deployment has already belongs to another resource.
    """
    resources = list(deployment.get("resources") or [])
    taken = {(row["type"], row.get("id")) for row in resources}
    known = len(resources)
    for resource in pending_creations(deployment):
        find = _FINDERS.get(resource["type"])
        ids = find(resource["inputs"], objects) if find else iter(())
        free = [id for id in ids if (resource["type"], id) not in taken]
        if free:
            taken.add((resource["type"], free[-1]))
            resources.append({**resource, "id": free[-1], "outputs": resource["inputs"]})
    return {**deployment, "resources": resources, "pending_operations": []}, len(resources) - known


def _where(objects: Objects, kind: str, **members: Any) -> Iterator[Document]:
    for document in objects.get(kind, ()):
        if all(document.get(name) == value for name, value in members.items()):
            yield document


def _application(inputs: Document, objects: Objects) -> Iterator[str]:
    for row in _where(objects, "graph/applications", displayName=inputs["displayName"]):
        yield f"/applications/{row['id']}"


def _parent(inputs: Document, objects: Objects) -> Iterator[Document]:
    """The application that a part of one names."""
    yield from _where(objects, "graph/applications", id=str(inputs["applicationId"]).rpartition("/")[2])


def _app_role(inputs: Document, objects: Objects) -> Iterator[str]:
    for row in _parent(inputs, objects):
        if any(role["id"] == inputs["roleId"] for role in row["appRoles"]):
            yield f"/applications/{row['id']}/appRoles/{inputs['roleId']}"


def _identifier(inputs: Document, objects: Objects) -> Iterator[str]:
    for row in _parent(inputs, objects):
        if inputs["identifierUri"] in row["identifierUris"]:
            encoded = base64.b64encode(str(inputs["identifierUri"]).encode()).decode().rstrip("=")
            yield f"/applications/{row['id']}/identifierUris/{encoded}"


def _optional_claims(inputs: Document, objects: Objects) -> Iterator[str]:
    for row in _parent(inputs, objects):
        if row.get("optionalClaims"):
            yield f"/applications/{row['id']}"


def _federated_credential(inputs: Document, objects: Objects) -> Iterator[str]:
    wanted = {"name": inputs["displayName"], "issuer": inputs["issuer"], "subject": inputs["subject"]}
    for row in _parent(inputs, objects):
        for credential in _where(objects, "graph/federated_identity_credentials", **wanted):
            yield f"{row['id']}/federatedIdentityCredential/{credential['id']}"


def _entra_principal(inputs: Document, objects: Objects) -> Iterator[str]:
    for row in _where(objects, "graph/service_principals", appId=inputs["clientId"]):
        yield f"/servicePrincipals/{row['id']}"


def _assignment(inputs: Document, objects: Objects) -> Iterator[str]:
    members = {"appRoleId": "appRoleId", "principalId": "principalObjectId", "resourceId": "resourceObjectId"}
    wanted = {member: inputs[name] for member, name in members.items()}
    for row in _where(objects, "graph/app_role_assignments", **wanted):
        yield f"/servicePrincipals/{row['resourceId']}/appRoleAssignedTo/{row['id']}"


def _named(kind: str, path: str, name: str = "displayName") -> Find:
    """Finds an object of Graph by a name that it shares with the inputs; its address is its id."""

    def find(inputs: Document, objects: Objects) -> Iterator[str]:
        for row in _where(objects, kind, **{name: inputs[name]}):
            yield f"{path}/{row['id']}"

    return find


def _entra_member(inputs: Document, objects: Objects) -> Iterator[str]:
    for row in _where(objects, "graph/groups", id=inputs["groupObjectId"]):
        if inputs["memberObjectId"] in row["members"]:
            yield f"{row['id']}/member/{inputs['memberObjectId']}"


def _databricks_principal(inputs: Document, objects: Objects) -> Iterator[str]:
    named = {name: inputs[name] for name in ("applicationId", "displayName") if inputs.get(name)}
    for row in _where(objects, "databricks/service_principals", **named):
        yield str(row["id"])


def _user(inputs: Document, objects: Objects) -> Iterator[str]:
    for row in _where(objects, "databricks/users", userName=inputs["userName"]):
        yield str(row["id"])


def _group(inputs: Document, objects: Objects) -> Iterator[str]:
    for row in _where(objects, "databricks/groups", displayName=inputs["displayName"]):
        yield str(row["id"])


def _holds(kind: str, owner: str, attribute: str, value: str) -> Find:
    """Finds a value in a list of a principal; the inputs' names of both."""

    def find(inputs: Document, objects: Objects) -> Iterator[str]:
        for row in _where(objects, kind, id=str(inputs[owner])):
            if any(one["value"] == inputs[value] for one in row.get(attribute, ())):
                yield f"{row['id']}|{inputs[value]}"

    return find


def _entitlements(inputs: Document, objects: Objects) -> Iterator[str]:
    for name, prefix in (("groupId", "group"), ("userId", "user"), ("servicePrincipalId", "spn")):
        for row in _where(objects, "databricks/entitlements", id=str(inputs.get(name))):
            yield f"{prefix}/{row['id']}"


def _granted(inputs: Document, objects: Objects) -> Iterator[Document]:
    for kind in ("catalog", "schema", "table", "volume", "function", "metastore"):
        if inputs.get(kind):
            yield from _where(objects, "databricks/grants", securable_type=kind, full_name=inputs[kind])


def _grant(inputs: Document, objects: Objects) -> Iterator[str]:
    names = {"groups": "displayName", "users": "userName", "service_principals": "applicationId"}
    holders = {
        row["id"]
        for kind, name in names.items()
        for row in _where(objects, f"databricks/{kind}", **{name: inputs["principal"]})
    }
    for row in _granted(inputs, objects):
        if holders & row["privileges"].keys() or inputs["principal"] in row["privileges"]:
            yield f"{row['securable_type']}/{row['full_name']}/{inputs['principal']}"


def _grants(inputs: Document, objects: Objects) -> Iterator[str]:
    for row in _granted(inputs, objects):
        yield f"{row['securable_type']}/{row['full_name']}"


def _local_assignment(inputs: Document, objects: Objects) -> Iterator[str]:
    for row in _where(objects, "databricks/permission_assignments", principal_id=str(inputs.get("principalId"))):
        yield str(row["principal_id"])


def _address_list(inputs: Document, objects: Objects) -> Iterator[str]:
    for row in _where(objects, "databricks/ip_access_lists", label=inputs["label"]):
        yield str(row["list_id"])


def _network_policy(inputs: Document, objects: Objects) -> Iterator[str]:
    for row in _where(objects, "databricks/network_policies", network_policy_id=inputs.get("networkPolicyId")):
        yield str(row["network_policy_id"])


def _account_policy(inputs: Document, objects: Objects) -> Iterator[str]:
    for row in _where(objects, "databricks/federation_policies", policy_id=inputs.get("policyId")):
        yield str(row["policy_id"])


def _workspace_assignment(inputs: Document, objects: Objects) -> Iterator[str]:
    for row in _where(objects, "databricks/permission_assignments", principal_id=str(inputs["principalId"])):
        yield f"{inputs['workspaceId']}|{row['principal_id']}"


def _federation_policy(inputs: Document, objects: Objects) -> Iterator[str]:
    principal = int(inputs["servicePrincipalId"])
    for _ in _where(objects, f"databricks/federation_policies/{principal}", policy_id=inputs["policyId"]):
        yield f"{principal},{inputs['policyId']}"


_ACCESS: Final = "/identity/conditionalAccess"
_STRENGTHS: Final = "/policies/authenticationStrengthPolicies"

_FINDERS: Final[Mapping[str, Find]] = {
    "databricks:index/ipAccessList:IpAccessList": _address_list,
    "databricks:index/accountNetworkPolicy:AccountNetworkPolicy": _network_policy,
    "azuread:index/appRoleAssignment:AppRoleAssignment": _assignment,
    "azuread:index/application:Application": _application,
    "azuread:index/applicationAppRole:ApplicationAppRole": _app_role,
    "azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential": (
        _federated_credential
    ),
    "azuread:index/applicationIdentifierUri:ApplicationIdentifierUri": _identifier,
    "azuread:index/applicationOptionalClaims:ApplicationOptionalClaims": _optional_claims,
    "azuread:index/applicationRegistration:ApplicationRegistration": _application,
    "azuread:index/authenticationStrengthPolicy:AuthenticationStrengthPolicy": _named(
        "graph/authentication_strengths", _STRENGTHS
    ),
    "azuread:index/conditionalAccessPolicy:ConditionalAccessPolicy": _named(
        "graph/conditional_access_policies", f"{_ACCESS}/policies"
    ),
    "azuread:index/group:Group": _named("graph/groups", "/groups"),
    "azuread:index/groupMember:GroupMember": _entra_member,
    "azuread:index/groupWithoutMembers:GroupWithoutMembers": _named("graph/groups", "/groups"),
    "azuread:index/namedLocation:NamedLocation": _named("graph/named_locations", f"{_ACCESS}/namedLocations"),
    "azuread:index/servicePrincipal:ServicePrincipal": _entra_principal,
    "azuread:index/user:User": _named("graph/users", "/users", "userPrincipalName"),
    "databricks:index/accountFederationPolicy:AccountFederationPolicy": _account_policy,
    "databricks:index/entitlements:Entitlements": _entitlements,
    "databricks:index/grant:Grant": _grant,
    "databricks:index/grants:Grants": _grants,
    "databricks:index/group:Group": _group,
    "databricks:index/groupMember:GroupMember": _holds("databricks/groups", "groupId", "members", "memberId"),
    "databricks:index/mwsPermissionAssignment:MwsPermissionAssignment": _workspace_assignment,
    "databricks:index/permissionAssignment:PermissionAssignment": _local_assignment,
    "databricks:index/servicePrincipal:ServicePrincipal": _databricks_principal,
    "databricks:index/servicePrincipalFederationPolicy:ServicePrincipalFederationPolicy": _federation_policy,
    "databricks:index/servicePrincipalRole:ServicePrincipalRole": _holds(
        "databricks/service_principals", "servicePrincipalId", "roles", "role"
    ),
    "databricks:index/user:User": _user,
}
"""A secret of a service principal is not among them: its value was shown to the run that was killed, to nobody else."""
