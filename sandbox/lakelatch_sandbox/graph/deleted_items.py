"""Deleted objects: for thirty days they can be looked at and restored, here for ever or until they are purged."""

from collections.abc import Callable

from lakelatch_sandbox.graph import permissions
from lakelatch_sandbox.graph.directory import DELETED_ITEMS, FEDERATED_CREDENTIALS, SECRETS, SERVICE_PRINCIPALS
from lakelatch_sandbox.graph.errors import not_found
from lakelatch_sandbox.graph.links import COLLECTIONS
from lakelatch_sandbox.graph.schema import Document
from lakelatch_sandbox.graph.service import NO_CONTENT, Answer, Call, Operation
from lakelatch_sandbox.graph.service_principals import check_new_principal

_WRITE = permissions.either("Application.ReadWrite.All", "Directory.ReadWrite.All")
_TYPES = {one.resource.odata_type.removeprefix("#"): one.kind for one in COLLECTIONS.values()}


def _entry(call: Call) -> Document:
    found = call.directory.context.store.get(DELETED_ITEMS, call.path["id"].lower())
    if found is None:
        raise not_found(call.path["id"])
    return found


def _shown(entry: Document) -> Document:
    """A deleted object; a service principal is shown without what its registration would add, which may be gone."""
    collection = COLLECTIONS[entry["kind"]]
    hidden = (*collection.links, "passwordProfile")
    members = {name: value for name, value in entry["document"].items() if name not in hidden and name[0] != "_"}
    return {"@odata.type": collection.resource.odata_type, **members}


def list_deleted(kind: str) -> Callable[[Call], Answer]:
    """The deleted objects of one kind."""

    def handle(call: Call) -> Answer:
        found = [_shown(one) for one in call.directory.context.store.all(DELETED_ITEMS) if one["kind"] == kind]
        return Answer(200, call.listing("directoryObjects", found))

    return handle


def read_deleted(call: Call) -> Answer:
    """One deleted object."""
    return Answer(200, call.entity("directoryObjects", _shown(_entry(call))))


def restore(call: Call) -> Answer:
    """Bring an object back with its id; a registration comes with its federated credentials."""
    entry = _entry(call)
    store = call.directory.context.store
    document = {**entry["document"], "deletedDateTime": None}
    if entry["kind"] == SERVICE_PRINCIPALS:
        check_new_principal(call.directory, document)
    for credential in document.pop("_federated", []):
        call.directory.put(FEDERATED_CREDENTIALS, credential)
    call.directory.put(entry["kind"], document)
    store.delete(DELETED_ITEMS, entry["id"])
    return Answer(200, call.entity("directoryObjects", _shown({**entry, "document": document})))


def purge(call: Call) -> Answer:
    """Forget an object for good, its secrets included."""
    entry = _entry(call)
    store = call.directory.context.store
    for credential in entry["document"].get("passwordCredentials", ()):
        store.delete(SECRETS, credential["keyId"])
    store.delete(DELETED_ITEMS, entry["id"])
    return NO_CONTENT


OPERATIONS: tuple[Operation, ...] = (
    *(
        Operation("GET", f"/directory/deletedItems/{type}", permissions.READ_DIRECTORY, list_deleted(kind))
        for type, kind in _TYPES.items()
    ),
    Operation("GET", "/directory/deletedItems/{id}", permissions.READ_DIRECTORY, read_deleted),
    Operation("POST", "/directory/deletedItems/{id}/restore", _WRITE, restore),
    Operation("DELETE", "/directory/deletedItems/{id}", _WRITE, purge),
)
