"""A collection of objects as one row: how it is listed, made, read, changed, deleted softly and owned.

A new kind of object is a new `Collection`; what is peculiar to it are its hooks.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from lakelatch_sandbox.graph.directory import DELETED_ITEMS, SERVICE_PRINCIPALS, Directory
from lakelatch_sandbox.graph.errors import bad_request, denied, not_found
from lakelatch_sandbox.graph.query import check_options, page, select
from lakelatch_sandbox.graph.schema import Document, Resource
from lakelatch_sandbox.graph.service import NO_CONTENT, Answer, Call, Operation


def _as_it_is(_: Directory, document: Document) -> Document:
    return document


def _nothing_else(_: Directory, __: Document) -> None:
    return None


@dataclass(frozen=True)
class Collection:
    """One set of directory objects.

    `complete` fills in and checks a new object, `change` does so for a changed one, given the old, `show`
    turns what is kept into what is answered, `before_delete` removes what goes with an object.
    """

    name: str
    kind: str
    resource: Resource
    readers: frozenset[str]
    writers: frozenset[str]
    complete: Callable[[Directory, Document], Document]
    change: Callable[[Directory, Document, Document], Document]
    show: Callable[[Directory, Document], Document] = _as_it_is
    before_delete: Callable[[Directory, Document], None] = _nothing_else

    def operations(self) -> list[Operation]:
        """The rows that serve this collection."""
        one, owners = f"/{self.name}/{{id}}", f"/{self.name}/{{id}}/owners"
        return [
            Operation("GET", f"/{self.name}", self.readers, self.list_all),
            Operation("POST", f"/{self.name}", self.writers, self.create),
            Operation("GET", one, self.readers, self.read),
            Operation("PATCH", one, self.writers, self.update),
            Operation("DELETE", one, self.writers, self.delete),
            Operation("GET", owners, self.readers, self.list_owners),
            Operation("POST", f"{owners}/$ref", self.writers, self.add_owner),
            Operation("DELETE", f"{owners}/{{owner}}/$ref", self.writers, self.remove_owner),
        ]

    def present(self, directory: Directory, document: Document) -> Document:
        """An object as it is answered: without what only the directory needs to know."""
        shown = self.show(directory, document)
        return {name: value for name, value in shown.items() if name != "owners" and not name.startswith("_")}

    def list_all(self, call: Call) -> Answer:
        """The objects that the query asks for."""
        shown = [self.present(call.directory, one) for one in call.directory.all(self.kind)]
        return Answer(200, call.listing(self.name, page(shown, call.query)))

    def create(self, call: Call) -> Answer:
        """Make an object; its owners may be bound in the same request."""
        body = {name: value for name, value in call.body.items() if name != "owners@odata.bind"}
        links = call.body.get("owners@odata.bind") or []
        owners = [_reference(call.directory, link) for link in (links if isinstance(links, list) else [links])]
        document = self.resource.create(body) | {
            "id": str(uuid.uuid4()),
            "createdDateTime": call.directory.timestamp(),
            "deletedDateTime": None,
            "owners": owners,
        }
        kept = call.directory.put(self.kind, self.complete(call.directory, document))
        return Answer(201, call.entity(self.name, self.present(call.directory, kept)))

    def read(self, call: Call) -> Answer:
        """One object, or the members of it that `$select` names."""
        check_options(call.query)
        found = self.present(call.directory, call.directory.get(self.kind, call.path["id"]))
        return Answer(200, call.entity(self.name, select(found, call.query.get("$select"))))

    def update(self, call: Call) -> Answer:
        """Change the members that the body has."""
        old = call.directory.get(self.kind, call.path["id"])
        new = self.resource.update(old, call.body)
        call.directory.put(self.kind, self.change(call.directory, new, old))
        return NO_CONTENT

    def delete(self, call: Call) -> Answer:
        """Move an object to the deleted items."""
        self.remove(call.directory, call.directory.get(self.kind, call.path["id"]))
        return NO_CONTENT

    def remove(self, directory: Directory, document: Document) -> None:
        """Delete an object softly; raises `GraphError` (403) for a built-in one."""
        store = directory.context.store
        if store.get(self.kind, document["id"]) is None:
            raise denied()
        self.before_delete(directory, document)
        store.delete(self.kind, document["id"])
        deleted = document | {"deletedDateTime": directory.timestamp()}
        store.put(DELETED_ITEMS, document["id"], {"id": document["id"], "kind": self.kind, "document": deleted})

    def list_owners(self, call: Call) -> Answer:
        """The owners of an object, as directory objects."""
        document = call.directory.get(self.kind, call.path["id"])
        owners = [
            {"@odata.type": "#microsoft.graph.servicePrincipal", "id": owner}
            for owner in document["owners"]
            if _is_known(call.directory, owner)
        ]
        return Answer(200, call.listing("directoryObjects", owners))

    def add_owner(self, call: Call) -> Answer:
        """Add the directory object that the body's `@odata.id` names."""
        document = call.directory.get(self.kind, call.path["id"])
        owner = _reference(call.directory, call.body.get("@odata.id"))
        if owner in document["owners"]:
            raise bad_request(
                "One or more added object references already exist for the following modified properties: 'owners'."
            )
        call.directory.put(self.kind, document | {"owners": [*document["owners"], owner]})
        return NO_CONTENT

    def remove_owner(self, call: Call) -> Answer:
        """Take an owner off."""
        document = call.directory.get(self.kind, call.path["id"])
        owner = call.path["owner"].lower()
        if owner not in document["owners"]:
            raise not_found(owner)
        call.directory.put(self.kind, document | {"owners": [one for one in document["owners"] if one != owner]})
        return NO_CONTENT


def _reference(directory: Directory, link: object) -> str:
    """The id of the directory object that an `@odata.id` link names; raises `GraphError` (400 or 404)."""
    if not isinstance(link, str) or "/directoryObjects/" not in link:
        raise bad_request("Invalid reference: a link to a directory object is expected.")
    id = link.rsplit("/", 1)[-1].lower()
    if not _is_known(directory, id):
        raise not_found(id)
    return id


def _is_known(directory: Directory, id: str) -> bool:
    return any(one["id"] == id for one in directory.all(SERVICE_PRINCIPALS))
