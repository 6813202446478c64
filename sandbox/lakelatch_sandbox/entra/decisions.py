"""Whether a client may have a token for a resource, for itself or in the name of a user, and what it says of them."""

from lakelatch_sandbox.context import Context
from lakelatch_sandbox.entra import tokens
from lakelatch_sandbox.entra.errors import EntraError
from lakelatch_sandbox.graph.directory import Directory
from lakelatch_sandbox.graph.schema import Document


def resource_of(directory: Directory, requested: str) -> tuple[Document, Document]:
    """The application and the service principal of a resource; raises `EntraError` (500011, 500014)."""
    tenant = directory.context.endpoints.tenant_id
    resource = directory.application_by_resource(requested)
    principal = directory.service_principal_by_app_id(resource["appId"]) if resource else None
    if resource is None or principal is None:
        raise EntraError(500011, resource=requested, tenant=tenant)
    if not principal["accountEnabled"]:
        raise EntraError(500014, resource=requested)
    return resource, principal


def for_application(
    context: Context, client: Document, proof: str, requested: str, capabilities: tuple[str, ...] = ()
) -> tokens.Grant:
    """A client's token for itself; raises `EntraError` when the resource wants an assignment that it has not."""
    directory = Directory(context)
    resource, principal = resource_of(directory, requested)
    if principal["appRoleAssignmentRequired"] and not directory.is_assigned(client["id"], principal):
        raise EntraError(
            501051,
            client=client["appId"],
            name=_name(directory, client),
            resource=requested,
            resource_name=resource["displayName"],
        )
    return tokens.Grant(
        client=client,
        resource=resource,
        requested_resource=requested,
        roles=tuple(directory.roles(client["id"], principal)),
        proof=proof,
        capabilities=capabilities,
        groups=told_groups(directory, resource, principal, client["id"]),
    )


def for_user(
    context: Context,
    user_name: str,
    client: Document | None,
    requested: str,
    scopes: tuple[str, ...],
    *,
    contexts: tuple[str, ...] = (),
    methods: tuple[str, ...] = ("pwd",),
) -> tokens.Grant:
    """A client's token in the name of a user; without a client, the resource asks for itself.

    Without `scopes` the token has all that were consented to, as a request for `/.default` does.

    Raises `EntraError`: 50034 and 50057 for the user, 650053 for a scope that the resource has not, 65001 without
    consent, 50105 without a needed assignment.
    """
    directory = Directory(context)
    user = directory.user_by_name(user_name)
    if user is None:
        raise EntraError(50034, user=user_name, tenant=context.endpoints.tenant_id)
    if not user["accountEnabled"]:
        raise EntraError(50057)
    resource, principal = resource_of(directory, requested)
    asking = client or principal
    offered = [one["value"] for one in resource["api"]["oauth2PermissionScopes"] if one.get("isEnabled", True)]
    for scope in scopes:
        if scope not in offered:
            raise EntraError(650053, client=asking["appId"], scope=scope, resource=requested)
    if client is None:
        consented = frozenset(offered)
    else:
        consented = _consented(directory, client, resource, principal, user["id"])
        if not consented or not set(scopes) <= consented:
            raise EntraError(65001, client=client["appId"], name=_name(directory, client))
    granted = scopes or tuple(scope for scope in offered if scope in consented)
    if principal["appRoleAssignmentRequired"] and not directory.is_assigned(user["id"], principal):
        raise EntraError(
            50105, user=user["userPrincipalName"], resource=resource["appId"], resource_name=resource["displayName"]
        )
    return tokens.Grant(
        client=asking,
        resource=resource,
        requested_resource=requested,
        roles=tuple(directory.roles(user["id"], principal)),
        proof=tokens.PUBLIC,
        groups=told_groups(directory, resource, principal, user["id"]),
        person=tokens.Person(user, granted, contexts, methods),
    )


def _consented(
    directory: Directory, client: Document, resource: Document, principal: Document, user: str
) -> frozenset[str]:
    """The scopes that were granted to a client, for everybody or this user, or that the resource authorised before."""
    found: set[str] = set()
    for grant in directory.delegated_grants(client["id"], principal["id"]):
        if grant["principalId"] in (None, user):
            found.update((grant["scope"] or "").split())
    values = {one["id"]: one["value"] for one in resource["api"]["oauth2PermissionScopes"]}
    for one in resource["api"]["preAuthorizedApplications"] or ():
        if one["appId"] == client["appId"]:
            found.update(values[id] for id in one.get("delegatedPermissionIds") or () if id in values)
    return frozenset(found)


def told_groups(directory: Directory, resource: Document, principal: Document, id: str) -> tuple[str, ...]:
    """The groups that a token for this resource names, as its `groupMembershipClaims` says."""
    wanted = {one.strip() for one in (resource["groupMembershipClaims"] or "None").split(",")}
    groups = directory.groups_of(id)
    if "ApplicationGroup" in wanted:
        assigned = {one["principalId"] for one in directory.assignments(resource_id=principal["id"])}
        groups = [one for one in groups if one["id"] in assigned]
    elif not wanted & {"SecurityGroup", "All"}:
        return ()
    return tuple(sorted(one["id"] for one in groups if one["securityEnabled"] or "All" in wanted))


def _name(directory: Directory, client: Document) -> str:
    return str((directory.application_by_app_id(client["appId"]) or {}).get("displayName", ""))
