"""Groups: what Graph refuses of one, and that members of a dynamic group are nobody's to add.

Rules: learn.microsoft.com/graph/api/resources/groups-overview and .../group-post-groups.
"""

import re

from lakelatch_sandbox.graph import permissions
from lakelatch_sandbox.graph.assignments import end_assignments
from lakelatch_sandbox.graph.collection import Collection
from lakelatch_sandbox.graph.directory import GROUPS, Directory
from lakelatch_sandbox.graph.errors import bad_request
from lakelatch_sandbox.graph.schema import Document
from lakelatch_sandbox.graph.schema_people import GROUP

_NICKNAME = re.compile(r"[^\s@()\\\[\]\";:<>,]{1,64}", re.ASCII)
_TYPES = frozenset({"Unified", "DynamicMembership"})
_VISIBILITIES = frozenset({None, "Private", "Public", "HiddenMembership"})
_IMMUTABLE = ("isAssignableToRole", "visibility")


def _check(group: Document) -> None:
    for name in ("mailEnabled", "securityEnabled"):
        if not isinstance(group[name], bool):
            raise bad_request(f"A value is required for property '{name}' of resource 'Group'.")
    if not 1 <= len(group["displayName"]) <= 256:
        raise _invalid("displayName")
    if not isinstance(group["mailNickname"], str) or not _NICKNAME.fullmatch(group["mailNickname"]):
        raise _invalid("mailNickname")
    if not set(group["groupTypes"]) <= _TYPES:
        raise _invalid("groupTypes")
    if group["visibility"] not in _VISIBILITIES:
        raise _invalid("visibility")
    dynamic = "DynamicMembership" in group["groupTypes"]
    if dynamic != bool(group["membershipRule"]):
        raise _invalid("membershipRule")
    if dynamic and group["isAssignableToRole"]:
        raise bad_request("A role-assignable group cannot have a dynamic membership.")
    if not group["securityEnabled"] and "Unified" not in group["groupTypes"]:
        raise bad_request(
            "The service does not currently support writes of mail-enabled groups. Please ensure that "
            "the mail-enablement property is unset and the security-enablement property is set."
        )
    if group["mailEnabled"] != ("Unified" in group["groupTypes"]):
        raise _invalid("mailEnabled")


def _invalid(name: str) -> Exception:
    return bad_request(f"Invalid value specified for property '{name}' of resource 'Group'.")


def _complete(_: Directory, document: Document) -> Document:
    _check(document)
    if document["members"]:
        check_membership(document)
    return document


def _change(_: Directory, new: Document, old: Document) -> Document:
    _check(new)
    if new["isAssignableToRole"] != old["isAssignableToRole"]:
        raise bad_request("Property 'isAssignableToRole' is immutable and cannot be updated.")
    if len(set(new["members"])) < len(new["members"]):
        raise bad_request(
            "One or more added object references already exist for the following modified properties: 'members'."
        )
    if new["members"] != old["members"]:
        check_membership(new)
    return new


def check_membership(group: Document) -> None:
    """Refuse to change the members of a group whose members a rule decides; raises `GraphError` (403 or 400)."""
    if "DynamicMembership" in group["groupTypes"]:
        raise bad_request("Insufficient privileges to complete the operation: the group's membership is dynamic.")


def _before_delete(directory: Directory, document: Document) -> None:
    """Assignments of the group end with it, and it leaves the groups that it was in."""
    end_assignments(directory, document["id"])
    leave_groups(directory, document["id"])


def leave_groups(directory: Directory, id: str) -> None:
    """Take an object out of every group."""
    for group in list(directory.context.store.all(GROUPS)):
        if id in group["members"]:
            directory.put(GROUPS, group | {"members": [one for one in group["members"] if one != id]})


GROUP_COLLECTION = Collection(
    path="/groups",
    kind=GROUPS,
    resource=GROUP,
    read_by=permissions.READ_GROUPS,
    write_by=permissions.WRITE_GROUPS,
    create_by=permissions.CREATE_GROUPS,
    complete=_complete,
    change=_change,
    before_delete=_before_delete,
    links=("owners", "members"),
    recoverable=True,
)

OPERATIONS = tuple(GROUP_COLLECTION.operations())
