"""Service principals: what an application is in the tenant, and which roles it was given."""

import base64
import hashlib

from lakelatch_sandbox.graph.collection import Collection
from lakelatch_sandbox.graph.directory import (
    APP_ROLE_ASSIGNMENTS,
    DEFAULT_ROLE_ID,
    SERVICE_PRINCIPALS,
    Directory,
)
from lakelatch_sandbox.graph.errors import GraphError, bad_request, conflict, not_found
from lakelatch_sandbox.graph.query import page
from lakelatch_sandbox.graph.rules import check_role_assignable, is_guid
from lakelatch_sandbox.graph.schema import SERVICE_PRINCIPAL, Document
from lakelatch_sandbox.graph.service import NO_CONTENT, Answer, Call, Operation

READERS = frozenset(
    {"Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
)
WRITERS = frozenset({"Application.ReadWrite.All", "Directory.ReadWrite.All"})
GRANTERS = frozenset({"AppRoleAssignment.ReadWrite.All"})
"""Giving a role takes a permission of its own: `Application.ReadWrite.All` is not enough."""


def _registration(directory: Directory, document: Document) -> Document:
    application = directory.application_by_app_id(document["appId"])
    if application is None:
        raise bad_request(
            f"The appId '{document['appId']}' of the service principal does not reference a valid application object."
        )
    return application


def check_new_principal(directory: Directory, document: Document) -> Document:
    """A principal with its client id, if that is registered and has none yet; raises `GraphError` (400 or 409)."""
    if not isinstance(document["appId"], str):
        raise bad_request("Invalid value specified for property 'appId' of resource 'ServicePrincipal'.")
    app_id = _registration(directory, document)["appId"]
    if directory.service_principal_by_app_id(app_id) is not None:
        raise conflict(
            "The service principal cannot be created, updated, or restored because the service principal name "
            f"{app_id} is already in use."
        )
    return document | {"appId": app_id}


def _change(_: Directory, new: Document, old: Document) -> Document:
    if new["appId"] != old["appId"]:
        raise bad_request("Property 'appId' is read-only and cannot be set.")
    return new


def _show(directory: Directory, document: Document) -> Document:
    """With what a service principal takes over from its registration."""
    application = _registration(directory, document)
    return document | {
        "appDescription": application["description"],
        "appDisplayName": application["displayName"],
        "appOwnerOrganizationId": directory.context.endpoints.tenant_id,
        "applicationTemplateId": application["applicationTemplateId"],
        "appRoles": application["appRoles"],
        "displayName": application["displayName"],
        "homepage": application["web"]["homePageUrl"],
        "logoutUrl": application["web"]["logoutUrl"],
        "oauth2PermissionScopes": application["api"]["oauth2PermissionScopes"],
        "replyUrls": application["web"]["redirectUris"],
        "servicePrincipalNames": [application["appId"], *application["identifierUris"]],
        "signInAudience": application["signInAudience"],
    }


def _before_delete(directory: Directory, document: Document) -> None:
    """Assignments of and to the principal end with it."""
    store = directory.context.store
    for one in directory.assignments():
        if document["id"] in (one["principalId"], one["resourceId"]):
            store.delete(APP_ROLE_ASSIGNMENTS, one["id"])


SERVICE_PRINCIPAL_COLLECTION = Collection(
    name="servicePrincipals",
    kind=SERVICE_PRINCIPALS,
    resource=SERVICE_PRINCIPAL,
    readers=READERS,
    writers=WRITERS,
    complete=check_new_principal,
    change=_change,
    show=_show,
    before_delete=_before_delete,
)

_SET = "appRoleAssignments"


def assign(call: Call) -> Answer:
    """Give a principal a role of a resource; the path may name either of them."""
    directory = call.directory
    here = directory.get(SERVICE_PRINCIPALS, call.path["id"])
    ids = {name: call.body.get(name) for name in ("principalId", "resourceId", "appRoleId")}
    for name, value in ids.items():
        if not is_guid(value):
            raise bad_request(f"Invalid GUID for property '{name}' of resource 'AppRoleAssignment'.")
    principal_id, resource_id, role_id = (str(value).lower() for value in ids.values())
    if here["id"] not in (principal_id, resource_id):
        raise bad_request("Not a valid reference update.")
    principal, resource = _principal(directory, principal_id), _principal(directory, resource_id)
    check_role_assignable(role_id, DEFAULT_ROLE_ID, resource, resource["appId"])
    made = {
        "id": _assignment_id(principal_id, resource_id, role_id),
        "appRoleId": role_id,
        "createdDateTime": directory.timestamp(),
        "deletedDateTime": None,
        "principalDisplayName": principal["displayName"],
        "principalId": principal_id,
        "principalType": "ServicePrincipal",
        "resourceDisplayName": resource["displayName"],
        "resourceId": resource_id,
    }
    if directory.context.store.get(APP_ROLE_ASSIGNMENTS, str(made["id"])) is not None:
        raise bad_request("Permission being assigned already exists on the object", "InvalidUpdate")
    directory.context.store.put(APP_ROLE_ASSIGNMENTS, str(made["id"]), made)
    return Answer(201, call.entity(_SET, made))


def _principal(directory: Directory, id: str) -> Document:
    try:
        return _show(directory, directory.get(SERVICE_PRINCIPALS, id))
    except GraphError:
        raise bad_request("Not a valid reference update.") from None


def _assignment_id(principal_id: str, resource_id: str, role_id: str) -> str:
    """An opaque id like Graph's own: 43 characters, the same for the same three."""
    digest = hashlib.sha256(f"{principal_id}/{resource_id}/{role_id}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def list_assigned_to(call: Call) -> Answer:
    """Who was given roles of this resource."""
    resource = call.directory.get(SERVICE_PRINCIPALS, call.path["id"])
    found = call.directory.assignments(resource_id=resource["id"])
    return Answer(200, call.listing(_SET, page(found, call.query)))


def list_assignments(call: Call) -> Answer:
    """Which roles this principal was given."""
    principal = call.directory.get(SERVICE_PRINCIPALS, call.path["id"])
    found = call.directory.assignments(principal_id=principal["id"])
    return Answer(200, call.listing(_SET, page(found, call.query)))


def _assignment(call: Call) -> Document:
    here = call.directory.get(SERVICE_PRINCIPALS, call.path["id"])
    found = call.directory.context.store.get(APP_ROLE_ASSIGNMENTS, call.path["assignment"])
    if found is None or here["id"] not in (found["principalId"], found["resourceId"]):
        raise not_found(call.path["assignment"])
    return found


def read_assignment(call: Call) -> Answer:
    """One assignment, from either side."""
    return Answer(200, call.entity(_SET, _assignment(call)))


def unassign(call: Call) -> Answer:
    """Take a role away."""
    call.directory.context.store.delete(APP_ROLE_ASSIGNMENTS, _assignment(call)["id"])
    return NO_CONTENT


def read_directory_object(call: Call) -> Answer:
    """Any object by its id alone; service principals are the only ones that are referred to so far."""
    found = call.directory.get(SERVICE_PRINCIPALS, call.path["id"])
    shown = SERVICE_PRINCIPAL_COLLECTION.present(call.directory, found)
    return Answer(200, call.entity("directoryObjects", {"@odata.type": SERVICE_PRINCIPAL.odata_type, **shown}))


def _assignment_operations(side: str, listing: Operation) -> list[Operation]:
    path = f"/servicePrincipals/{{id}}/{side}"
    return [
        listing,
        Operation("POST", path, GRANTERS, assign),
        Operation("GET", f"{path}/{{assignment}}", READERS | GRANTERS, read_assignment),
        Operation("DELETE", f"{path}/{{assignment}}", GRANTERS, unassign),
    ]


OPERATIONS: tuple[Operation, ...] = (
    *SERVICE_PRINCIPAL_COLLECTION.operations(),
    *_assignment_operations(
        "appRoleAssignedTo",
        Operation("GET", "/servicePrincipals/{id}/appRoleAssignedTo", READERS | GRANTERS, list_assigned_to),
    ),
    *_assignment_operations(
        "appRoleAssignments",
        Operation("GET", "/servicePrincipals/{id}/appRoleAssignments", READERS | GRANTERS, list_assignments),
    ),
    Operation("GET", "/directoryObjects/{id}", READERS, read_directory_object),
)
