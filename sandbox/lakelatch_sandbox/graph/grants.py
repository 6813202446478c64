"""Delegated permission grants: what a client may do at a resource in the name of users, in one object per consent."""

import base64
import hashlib

from lakelatch_sandbox.graph import permissions
from lakelatch_sandbox.graph.collection import Collection
from lakelatch_sandbox.graph.directory import DELEGATED_GRANTS, SERVICE_PRINCIPALS, USERS, Directory
from lakelatch_sandbox.graph.errors import bad_request, conflict
from lakelatch_sandbox.graph.schema import Document
from lakelatch_sandbox.graph.schema_applications import DELEGATED_GRANT
from lakelatch_sandbox.graph.service import Operation

_IDENTITY = ("clientId", "consentType", "principalId", "resourceId")


def _check(directory: Directory, grant: Document) -> None:
    if grant["consentType"] not in ("AllPrincipals", "Principal"):
        raise bad_request("Invalid value specified for property 'consentType' of resource 'OAuth2PermissionGrant'.")
    if (grant["consentType"] == "Principal") != (grant["principalId"] is not None):
        raise bad_request("A principalId goes with consentType 'Principal', and with no other.")
    for name in ("clientId", "resourceId"):
        found = directory.find(str(grant[name]))
        if found is None or found[0] != SERVICE_PRINCIPALS:
            raise bad_request(f"The {name} '{grant[name]}' does not reference a service principal.")
    if grant["principalId"] is not None:
        found = directory.find(str(grant["principalId"]))
        if found is None or found[0] != USERS:
            raise bad_request(f"The principalId '{grant['principalId']}' does not reference a user.")


def _complete(directory: Directory, document: Document) -> Document:
    _check(directory, document)
    members = {name: value for name, value in document.items() if name not in ("createdDateTime", "deletedDateTime")}
    digest = hashlib.sha256("/".join(str(document[name]) for name in _IDENTITY).encode()).digest()
    made = members | {"id": base64.urlsafe_b64encode(digest).rstrip(b"=").decode()}
    if directory.context.store.get(DELEGATED_GRANTS, made["id"]) is not None:
        raise conflict("Permission entry already exists.")
    return made


def _change(_: Directory, new: Document, old: Document) -> Document:
    changed = [name for name in _IDENTITY if new[name] != old[name]]
    if changed:
        raise bad_request(f"Property '{changed[0]}' is immutable and cannot be updated.")
    return new


DELEGATED_GRANT_COLLECTION = Collection(
    path="/oauth2PermissionGrants",
    kind=DELEGATED_GRANTS,
    resource=DELEGATED_GRANT,
    read_by=permissions.READ_DELEGATED_GRANTS,
    write_by=permissions.WRITE_DELEGATED_GRANTS,
    create_by=permissions.WRITE_DELEGATED_GRANTS,
    complete=_complete,
    change=_change,
)

OPERATIONS: tuple[Operation, ...] = tuple(DELEGATED_GRANT_COLLECTION.operations())
