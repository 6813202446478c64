"""A collection of objects as one row: how it is listed, made, read, changed and deleted.

A new kind of object is a new `Collection`; what is peculiar to it are its hooks.
"""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lakelatch_sandbox.graph.directory import DELETED_ITEMS, Directory
from lakelatch_sandbox.graph.errors import bad_request, denied, not_found
from lakelatch_sandbox.graph.permissions import OWNED_BY, Requirement
from lakelatch_sandbox.graph.query import check_options, select
from lakelatch_sandbox.graph.schema import Document, Resource
from lakelatch_sandbox.graph.service import NO_CONTENT, Answer, Call, Operation

LINKS = ("owners", "members")
"""Members of a kept object that are ids of other objects; they are answered under addresses of their own."""

BOUND_AT_ONCE = 20
"""Links in one request (learn.microsoft.com/graph/api/group-post-members)."""

_APP_ID = re.compile(r"appId eq '(?P<id>[0-9A-Fa-f-]{36})'")
"""The filter that provisioning asks before each service principal; looked up rather than searched for."""


def _as_it_is(_: Directory, document: Document) -> Document:
    return document


def _unchanged(_: Directory, new: Document, __: Document) -> Document:
    return new


def _nothing_else(_: Directory, __: Document) -> None:
    return None


@dataclass(frozen=True)
class Collection:
    """One set of objects.

    `complete` fills in and checks a new object, `change` does so for a changed one, given the old, `show`
    turns what is kept into what is answered, `before_delete` removes what goes with an object.
    """

    path: str
    """Where it is, for example `/identity/conditionalAccess/policies`; the last segment is its set's name."""
    kind: str
    resource: Resource
    read_by: Requirement
    write_by: Requirement
    create_by: Requirement
    complete: Callable[[Directory, Document], Document] = _as_it_is
    change: Callable[[Directory, Document, Document], Document] = _unchanged
    show: Callable[[Directory, Document], Document] = _as_it_is
    before_delete: Callable[[Directory, Document], None] = _nothing_else
    links: tuple[str, ...] = ()
    """Which of `LINKS` its objects have."""
    recoverable: bool = False
    """Whether deleted objects can be restored."""
    built_in: tuple[Document, ...] = ()
    """Objects that are in every tenant and that nobody changes."""
    own_ids: bool = False
    """Whether the maker of an object chooses its id."""
    default_members: frozenset[str] = field(default_factory=frozenset)
    """What v1.0 answers without `$select`; everything when empty."""

    @property
    def name(self) -> str:
        """The set's name in `@odata.context`."""
        return self.path.rsplit("/", 1)[-1]

    def operations(self) -> list[Operation]:
        """The rows that serve this collection."""
        one = f"{self.path}/{{id}}"
        return [
            Operation("GET", self.path, self.read_by, self.list_all),
            Operation("POST", self.path, self.create_by, self.create),
            Operation("GET", one, self.read_by, self.read),
            Operation("PATCH", one, self.write_by, self.update),
            Operation("DELETE", one, self.write_by, self.delete),
        ]

    def present(self, directory: Directory, document: Document) -> Document:
        """An object as it is answered: without what only the directory needs to know."""
        shown = self.show(directory, document)
        return {name: value for name, value in shown.items() if name not in self.links and not name.startswith("_")}

    def list_all(self, call: Call) -> Answer:
        """The objects that the query asks for."""
        named = _APP_ID.fullmatch(call.query.get("$filter", ""))
        found = call.directory.shown_all(self.kind, app_id=named["id"] if named else None)
        shown = [self._presented(call, one) for one in (*self.built_in, *found)]
        return Answer(200, call.listing(self.name, shown))

    def create(self, call: Call) -> Answer:
        """Make an object; its links may be bound in the same request."""
        body = {name: value for name, value in call.body.items() if name.partition("@odata.bind")[0] not in LINKS}
        links = {name: bound(call.directory, call.body, name) for name in self.links}
        if "owners" in links and OWNED_BY in call.caller.permissions and call.caller.object_id not in links["owners"]:
            links["owners"].append(call.caller.object_id)  # else its maker could not change it any more
        document = self.resource.create(body) | {
            "id": call.body["id"] if self.own_ids else str(uuid.uuid4()),
            "createdDateTime": call.directory.timestamp(),
            "deletedDateTime": None,
            **links,
        }
        kept = call.directory.put(self.kind, self.complete(call.directory, document))
        return Answer(201, call.entity(self.name, self.present(call.directory, kept)))

    def read(self, call: Call) -> Answer:
        """One object, or the members of it that `$select` names."""
        check_options(call.query)
        found = self._presented(call, self._built_in(call) or call.directory.shown(self.kind, call.path["id"]))
        return Answer(200, call.entity(self.name, select(found, call.query.get("$select"))))

    def _built_in(self, call: Call) -> Document | None:
        return next((one for one in self.built_in if one["id"] == call.path["id"].lower()), None)

    def _presented(self, call: Call, document: Document) -> Document:
        shown = self.present(call.directory, document)
        if self.default_members and not call.beta and "$select" not in call.query:
            shown = {name: item for name, item in shown.items() if name in self.default_members}
        for name in filter(None, call.query.get("$expand", "").split(",")):
            if name not in self.links:
                raise bad_request(f"Could not find a property named '{name}' on type '{self.resource.odata_type[1:]}'.")
            shown[name] = [{"id": id} for id in document[name]]
        return shown

    def update(self, call: Call) -> Answer:
        """Change the members that the body has; bound links are added."""
        if self._built_in(call):
            raise denied()
        old = call.directory.addressed(self.kind, call.path["id"])
        body = {name: value for name, value in call.body.items() if name.partition("@odata.bind")[0] not in self.links}
        added = {
            name: bound(call.directory, call.body, name) for name in self.links if f"{name}@odata.bind" in call.body
        }
        new = self.resource.update(old, body) | {name: [*old[name], *ids] for name, ids in added.items()}
        call.directory.put(self.kind, self.change(call.directory, new, old))
        return NO_CONTENT

    def delete(self, call: Call) -> Answer:
        """Delete an object; what is recoverable goes to the deleted items."""
        if self._built_in(call):
            raise denied()
        self.remove(call.directory, call.directory.addressed(self.kind, call.path["id"]))
        return NO_CONTENT

    def remove(self, directory: Directory, document: Document) -> None:
        """Delete an object with what goes with it; raises `GraphError` (403) for a built-in one."""
        store = directory.context.store
        if store.get(self.kind, document["id"]) is None:
            raise denied()
        self.before_delete(directory, document)
        directory.delete(self.kind, document)
        if self.recoverable:
            deleted = document | {"deletedDateTime": directory.timestamp()}
            store.put(DELETED_ITEMS, document["id"], {"id": document["id"], "kind": self.kind, "document": deleted})


def bound(directory: Directory, body: Mapping[str, object], name: str) -> list[str]:
    """The ids that `<name>@odata.bind` names, each once; raises `GraphError` (400 or 404)."""
    links = body.get(f"{name}@odata.bind") or []
    found = [reference(directory, link) for link in (links if isinstance(links, list) else [links])]
    if len(found) > BOUND_AT_ONCE:
        raise bad_request(f"The number of references in '{name}@odata.bind' exceeds the limit of {BOUND_AT_ONCE}.")
    return list(dict.fromkeys(found))


def reference(directory: Directory, link: object) -> str:
    """The id of the directory object that an `@odata.id` link names; raises `GraphError` (400 or 404)."""
    if not isinstance(link, str) or "/" not in link:
        raise bad_request("Invalid reference: a link to a directory object is expected.")
    id = link.rstrip("/").rsplit("/", 1)[-1].lower()
    if directory.find(id) is None:
        raise not_found(id)
    return id
