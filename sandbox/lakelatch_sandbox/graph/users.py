"""Users: their names are in a verified domain and unique, their passwords are never kept.

Rules: learn.microsoft.com/graph/api/user-post-users.
"""

from lakelatch_sandbox.graph import permissions
from lakelatch_sandbox.graph.assignments import end_assignments
from lakelatch_sandbox.graph.collection import Collection
from lakelatch_sandbox.graph.directory import USERS, Directory
from lakelatch_sandbox.graph.errors import bad_request
from lakelatch_sandbox.graph.groups import leave_groups
from lakelatch_sandbox.graph.schema import Document
from lakelatch_sandbox.graph.schema_people import USER, USER_DEFAULT_PROPERTIES
from lakelatch_sandbox.graph.service import Answer, Call, Operation
from lakelatch_sandbox.graph.tenant import initial_domain


def _check(directory: Directory, user: Document) -> Document:
    name = user["userPrincipalName"]
    local, at, domain = str(name).partition("@")
    if not at or not local or local != local.strip() or " " in local:
        raise bad_request("Property userPrincipalName is invalid.")
    if domain.casefold() != initial_domain(directory.context.endpoints):
        raise bad_request(
            "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain "
            "names in your organization."
        )
    if not isinstance(user["accountEnabled"], bool):
        raise bad_request("A value is required for property 'accountEnabled' of resource 'User'.")
    known = directory.user_by_name(name)
    if known is not None and known["id"] != user["id"]:
        raise bad_request("Another object with the same value for property userPrincipalName already exists.")
    return user | {"passwordProfile": user["passwordProfile"] | {"password": None}}


def _complete(directory: Directory, document: Document) -> Document:
    if not document["passwordProfile"]["password"]:
        raise bad_request("A password must be specified to create a new user.")
    return _check(directory, document | {"_manager": None})


def _change(directory: Directory, new: Document, _: Document) -> Document:
    return _check(directory, new)


def _before_delete(directory: Directory, document: Document) -> None:
    end_assignments(directory, document["id"])
    leave_groups(directory, document["id"])


def _show(_: Directory, document: Document) -> Document:
    """Without the password profile's values: Graph answers that member with null."""
    return document | {"passwordProfile": None}


USER_COLLECTION = Collection(
    path="/users",
    kind=USERS,
    resource=USER,
    read_by=permissions.READ_USERS,
    write_by=permissions.WRITE_USERS,
    create_by=permissions.WRITE_USERS,
    complete=_complete,
    change=_change,
    show=_show,
    before_delete=_before_delete,
    recoverable=True,
    default_members=USER_DEFAULT_PROPERTIES,
)


def list_domains(call: Call) -> Answer:
    """The domains whose names users and identifier URIs may bear."""
    name = initial_domain(call.directory.context.endpoints)
    domain = {"id": name, "authenticationType": "Managed", "isDefault": True, "isInitial": True, "isVerified": True}
    return Answer(200, call.listing("domains", [domain]))


OPERATIONS: tuple[Operation, ...] = (
    *USER_COLLECTION.operations(),
    Operation("GET", "/domains", permissions.READ_USERS, list_domains),
)
