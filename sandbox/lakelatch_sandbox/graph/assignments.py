"""App role assignments: which role of which resource a service principal, a user or a group was given."""

import base64
import hashlib
from collections.abc import Callable

from lakelatch_sandbox.graph import permissions
from lakelatch_sandbox.graph.directory import (
    APP_ROLE_ASSIGNMENTS,
    DEFAULT_ROLE_ID,
    GROUPS,
    SERVICE_PRINCIPALS,
    USERS,
    Directory,
)
from lakelatch_sandbox.graph.errors import bad_request, not_found
from lakelatch_sandbox.graph.rules import check_role_assignable, is_guid
from lakelatch_sandbox.graph.schema import Document
from lakelatch_sandbox.graph.service import NO_CONTENT, Answer, Call, Operation

_SET = "appRoleAssignments"
_MEMBER_TYPES = {SERVICE_PRINCIPALS: "Application", USERS: "User", GROUPS: "User"}
"""Which of a role's `allowedMemberTypes` a principal counts as (learn.microsoft.com/graph/api/resources/approle)."""
_PRINCIPAL_TYPES = {SERVICE_PRINCIPALS: "ServicePrincipal", USERS: "User", GROUPS: "Group"}


def end_assignments(directory: Directory, id: str) -> None:
    """End the assignments of and to an object, which is about to be deleted."""
    for one in directory.assignments():
        if id in (one["principalId"], one["resourceId"]):
            directory.delete(APP_ROLE_ASSIGNMENTS, one)


def _assign(kind: str) -> Callable[[Call], Answer]:
    """Give a principal a role of a resource; the path may name either of them."""

    def handle(call: Call) -> Answer:
        directory = call.directory
        here = directory.addressed(kind, call.path["id"])
        ids = {name: call.body.get(name) for name in ("principalId", "resourceId", "appRoleId")}
        for name, value in ids.items():
            if not is_guid(value):
                raise bad_request(f"Invalid GUID for property '{name}' of resource 'AppRoleAssignment'.")
        principal_id, resource_id, role_id = (str(value).lower() for value in ids.values())
        if here["id"] not in (principal_id, resource_id):
            raise bad_request("Not a valid reference update.")
        principal_kind, principal = _principal(directory, principal_id)
        resource_kind, resource = _principal(directory, resource_id)
        application = directory.application_by_app_id(resource.get("appId", ""))
        if resource_kind != SERVICE_PRINCIPALS or application is None:
            raise bad_request("Not a valid reference update.")
        member_type = _MEMBER_TYPES[principal_kind]
        check_role_assignable(role_id, DEFAULT_ROLE_ID, application["appRoles"], member_type, resource["appId"])
        made = {
            "id": _id(principal_id, resource_id, role_id),
            "appRoleId": role_id,
            "createdDateTime": directory.timestamp(),
            "deletedDateTime": None,
            "principalDisplayName": _name(directory, principal),
            "principalId": principal_id,
            "principalType": _PRINCIPAL_TYPES[principal_kind],
            "resourceDisplayName": application["displayName"],
            "resourceId": resource_id,
        }
        if directory.context.store.get(APP_ROLE_ASSIGNMENTS, made["id"]) is not None:
            raise bad_request("Permission being assigned already exists on the object", "InvalidUpdate")
        return Answer(201, call.entity(_SET, directory.put(APP_ROLE_ASSIGNMENTS, made)))

    return handle


def _principal(directory: Directory, id: str) -> tuple[str, Document]:
    found = directory.find(id)
    if found is None or found[0] not in _PRINCIPAL_TYPES:
        raise bad_request("Not a valid reference update.")
    return found


def _name(directory: Directory, principal: Document) -> str:
    """A display name; a service principal has its registration's."""
    application = directory.application_by_app_id(principal["appId"]) if "appId" in principal else principal
    return str((application or principal).get("displayName"))


def _id(principal_id: str, resource_id: str, role_id: str) -> str:
    """An opaque id like Graph's own: 43 characters, the same for the same three."""
    digest = hashlib.sha256(f"{principal_id}/{resource_id}/{role_id}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _list(kind: str, side: str) -> Callable[[Call], Answer]:
    def handle(call: Call) -> Answer:
        here = call.directory.shown(kind, call.path["id"])
        found = [one for one in call.directory.shown_all(APP_ROLE_ASSIGNMENTS) if one[side] == here["id"]]
        return Answer(200, call.listing(_SET, found))

    return handle


def _assignment(call: Call, kind: str, id: str) -> Document:
    here = call.directory.get(kind, id)
    found = call.directory.shown(APP_ROLE_ASSIGNMENTS, call.path["assignment"])
    if here["id"] not in (found["principalId"], found["resourceId"]):
        raise not_found(call.path["assignment"])
    return found


def _operations(set_name: str, kind: str, name: str, side: str) -> list[Operation]:
    """The rows of one side: `side` is the member of an assignment that names the object of the path."""
    path = f"/{set_name}/{{id}}/{name}"

    def read(call: Call) -> Answer:
        return Answer(200, call.entity(_SET, _assignment(call, kind, call.path["id"])))

    def unassign(call: Call) -> Answer:
        call.directory.delete(APP_ROLE_ASSIGNMENTS, _assignment(call, kind, call.path["id"]))
        return NO_CONTENT

    return [
        Operation("GET", path, permissions.READ_ROLES, _list(kind, side)),
        Operation("POST", path, permissions.GRANT_ROLES, _assign(kind)),
        Operation("GET", f"{path}/{{assignment}}", permissions.READ_ROLES, read),
        Operation("DELETE", f"{path}/{{assignment}}", permissions.GRANT_ROLES, unassign),
    ]


OPERATIONS: tuple[Operation, ...] = (
    *_operations("servicePrincipals", SERVICE_PRINCIPALS, "appRoleAssignedTo", "resourceId"),
    *_operations("servicePrincipals", SERVICE_PRINCIPALS, "appRoleAssignments", "principalId"),
    *_operations("users", USERS, "appRoleAssignments", "principalId"),
    *_operations("groups", GROUPS, "appRoleAssignments", "principalId"),
)
