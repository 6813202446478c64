"""What the objects of Graph have in common in the azuread plugin: made, read, changed and deleted by their own address,
or as an item in one of an application's lists."""

# ruff: noqa: ARG002 - every call of a spec has the same signature

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from lakelatch_sandbox.plugins.azuread_api import AzureAdApi
from lakelatch_sandbox.plugins.azuread_shapes import Table, blank, cleared, from_graph, merged, normal, to_graph
from lakelatch_sandbox.plugins.errors import PluginError
from lakelatch_sandbox.plugins.spec import Spec, State

Document = dict[str, Any]
APPLICATION_TYPE: Final = {"@odata.type": "#microsoft.graph.application"}


def last(id: str) -> str:
    """The last segment of an id."""
    return id.rpartition("/")[2]


def nothing(*_: Any) -> dict[str, Any]:
    """For what a table says wholly."""
    return {}


@dataclass(frozen=True)
class Entity:
    """A type whose objects have addresses of their own; the id of a resource is that address."""

    path: str
    odata_type: str
    table: Table
    answer: Table
    """What Graph answers beside the inputs."""
    beta: bool = False
    body: Callable[[State], Document] = nothing
    """What of the inputs the table cannot say."""
    state: Callable[[Document, State], State] = nothing
    """What of the answer the table cannot say; also given what is recorded."""
    patient: bool = True
    """Whether the plugin waits until what it made shows."""
    compared: Table = field(default_factory=dict)
    """How to compare what the table cannot say."""

    def written(self, inputs: State) -> Document:
        """The body that makes the inputs so."""
        return merged({"@odata.type": self.odata_type, **to_graph(inputs, self.table)}, self.body(inputs))

    def shown(self, document: Document, given: State) -> State:
        """The properties of an object that Graph answered."""
        return {**from_graph(document, {**self.table, **self.answer}), **self.state(document, given)}

    async def create(self, api: AzureAdApi, inputs: State) -> tuple[str, State]:
        """POST, then GET."""
        made = await api.call("POST", self.path, self.written(inputs), beta=self.beta)
        id = f"{self.path}/{made['id']}"
        return id, self.shown(await self.made(api, id), inputs)

    async def made(self, api: AzureAdApi, id: str) -> Document:
        """What was just made, as soon as it shows; raises PluginError when the official plugin does not wait."""
        if self.patient:
            document: Document = await api.patiently("GET", id, beta=self.beta)
            return document
        document = await api.call("GET", id, missing=True, beta=self.beta)
        if document is None:
            raise PluginError(
                f"`{id}` was made and does not show yet: expected non-nil error with nil state during Create",
                hint="the official plugin does not wait here either; `pulumi import` it, or run again",
            )
        return document

    async def read(self, api: AzureAdApi, id: str, state: State) -> State | None:
        """GET by the address."""
        document = await api.call("GET", id, missing=True, beta=self.beta)
        return None if document is None else self.shown(document, state)

    async def update(self, api: AzureAdApi, id: str, old: State, new: State) -> State:
        """PATCH the whole of it, what was taken away as null, then GET."""
        named = {name: entry for name, entry in self.table.items() if name in new}
        gone = cleared(set(old) - set(new), self.table)
        body = merged(merged(gone, blank(named)), self.written(new))
        await api.call("PATCH", id, body, beta=self.beta)
        return self.shown(await api.call("GET", id, beta=self.beta), new)

    async def delete(self, api: AzureAdApi, id: str, state: State) -> None:
        """DELETE; gone already is good."""
        await api.call("DELETE", id, missing=True, beta=self.beta)

    def spec(self, type: str, module: str, **quirks: Any) -> Spec[AzureAdApi]:
        """The type as a row of the plugin; `quirks` are those of `Spec`, functions for other sequences included."""
        calls = {"create": self.create, "read": self.read, "update": self.update, "delete": self.delete}
        shape = {"normal": lambda values: normal(values, {**self.table, **self.compared})}
        return Spec(type=f"azuread:index/{type}", module=module, **{**calls, **shape, **quirks})


async def application_of(api: AzureAdApi, id: str) -> Document:
    """The application that a part belongs to, which must be there."""
    document: Document | None = await api.call("GET", id, missing=True)
    if document is None:
        raise PluginError(f"the application `{id}` was not found", hint="`pulumi refresh` drops what is gone")
    return document


def member(document: Document | None, path: str) -> list[Any]:
    """A list in an application, or an empty one."""
    found: Any = document
    for part in path.split("."):
        found = (found or {}).get(part)
    return list(found or ())


async def change(api: AzureAdApi, id: str, path: str, edit: Callable[[list[Any]], list[Any]]) -> None:
    """Read one of an application's lists and write it back, while nobody else of this plugin does."""
    async with api.lock(id):
        items = edit(member(await application_of(api, id), path))
        body: Any = items
        for part in reversed(path.split(".")):
            body = {part: body}
        await api.call("PATCH", id, APPLICATION_TYPE | body)


@dataclass(frozen=True)
class Item:
    """A type whose objects are items of one of an application's lists, such as its app roles."""

    list: str
    """The list's dotted path in the application."""
    key: str
    """The member of an item that tells it from others."""
    name: str
    """The input with that value."""
    segment: str
    """What stands between application and key in an id."""
    write: Callable[[State], Document]
    read_item: Callable[[Document], State]
    disable_first: bool = False
    """Graph deletes a disabled role or scope only."""
    short_id: bool = False
    """Whether an id begins with the application's bare object id."""

    def _id(self, inputs: State) -> str:
        application = last(inputs["applicationId"]) if self.short_id else inputs["applicationId"]
        return f"{application}/{self.segment}/{inputs[self.name]}"

    def _parts(self, id: str) -> tuple[str, str]:
        application, _, key = id.partition(f"/{self.segment}/")
        return (f"/applications/{application}" if self.short_id else application), key

    async def create(self, api: AzureAdApi, inputs: State) -> tuple[str, State]:
        """Add the item, unless there is one with its key."""
        id, key = self._id(inputs), inputs[self.name]

        def add(items: list[Any]) -> list[Any]:
            if any(found[self.key] == key for found in items):
                raise PluginError(f"`{id}` is there already", hint="import it, or choose another id")
            return [*items, self.write(inputs)]

        await change(api, inputs["applicationId"], self.list, add)
        return id, dict(inputs)

    async def read(self, api: AzureAdApi, id: str, state: State) -> State | None:
        """Find the item in its application."""
        application, key = self._parts(id)
        for found in member(await api.call("GET", application, missing=True), self.list):
            if found[self.key] == key:
                return {"applicationId": application, **self.read_item(found)}
        return None

    async def update(self, api: AzureAdApi, id: str, old: State, new: State) -> State:
        """Write the item anew."""
        written, key = self.write(new), new[self.name]
        await change(
            api,
            new["applicationId"],
            self.list,
            lambda items: [written if found[self.key] == key else found for found in items],
        )
        return dict(new)

    async def delete(self, api: AzureAdApi, id: str, state: State) -> None:
        """Take the item out; with its application it is gone already."""
        application, key = self._parts(id)
        if await api.call("GET", application, missing=True) is None:
            return

        def disabled(items: list[Any]) -> list[Any]:
            return [{**found, "isEnabled": False} if found[self.key] == key else found for found in items]

        def without(items: list[Any]) -> list[Any]:
            return [found for found in items if found[self.key] != key]

        for edit in (disabled, without) if self.disable_first else (without,):
            await change(api, application, self.list, edit)

    def spec(self, type: str, module: str, **quirks: Any) -> Spec[AzureAdApi]:
        """The type as a row of the plugin."""
        calls = {"create": self.create, "read": self.read, "update": self.update, "delete": self.delete}
        replaced = {"replace_on": frozenset({"applicationId", self.name})}
        return Spec(type=f"azuread:index/{type}", module=module, **{**calls, **replaced, **quirks})
