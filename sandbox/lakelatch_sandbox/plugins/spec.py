"""What a stand-in knows about one resource type, and what a change of its inputs means. Pure."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from lakelatch.plugin.values import Unknown

State = dict[str, Any]
"""Property name to value, names as on the wire between engine and plugin."""
Api = TypeVar("Api")

_NOTHING = frozenset[str]()


def _no_findings(_: State) -> Iterator[tuple[str, str]]:
    return iter(())


@dataclass(frozen=True)
class Spec(Generic[Api]):
    """One resource type: how it lives at the vendor, and the quirks of the official plugin that users see."""

    type: str
    """Its type token, for example `databricks:index/servicePrincipal:ServicePrincipal`."""
    module: str
    """Module of the published SDK that declares it."""
    create: Callable[[Api, State], Awaitable[tuple[str, State]]]
    """From the inputs: the id and the properties."""
    read: Callable[[Api, str, State], Awaitable[State | None]]
    """From the id and the recorded properties (only those of `identify` at an import); None when it is gone."""
    delete: Callable[[Api, str, State], Awaitable[None]]
    update: Callable[[Api, str, State, State], Awaitable[State]] | None = None
    """From the id, the recorded properties and the new inputs; None when every change replaces."""
    identify: Callable[[str], State] = lambda _: {}
    """What an id alone says, for `pulumi import`."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    replace_on: frozenset[str] = _NOTHING
    filled: frozenset[str] = _NOTHING
    """Inputs that the vendor chooses when they are left out."""
    sets: frozenset[str] = _NOTHING
    """Lists whose order means nothing."""
    fixed: frozenset[str] = _NOTHING
    """Inputs that count at creation only: a later change is neither shown nor recorded."""
    secret: frozenset[str] = _NOTHING
    volatile: frozenset[str] = _NOTHING
    """Outputs that an update changes."""
    unsupported: frozenset[str] = _NOTHING
    """Inputs of the SDK that this stand-in refuses, rather than to accept and ignore them."""
    normal: Callable[[State], State] = dict
    """Brings inputs and what is recorded into the form in which they are compared."""
    findings: Callable[[State], Iterator[tuple[str, str]]] = _no_findings
    """What the official plugin finds wrong with inputs of the right types, each with its property."""
    exact: bool = False
    """Built on Terraform's plugin framework: an empty value and none are different."""

    def complete(self, inputs: Mapping[str, Any]) -> State:
        """The inputs with defaults for those that are left out."""
        return {**self.defaults, **{name: item for name, item in inputs.items() if item is not None}}

    def changes(self, declared: frozenset[str], old: State, new: State) -> Iterator[tuple[str, str]]:
        """Inputs that differ from what is recorded, each with `add`, `delete` or `update`."""
        wanted, recorded = self.normal(self.complete(new)), self.normal(self.complete(old))
        for name in sorted(declared - self.fixed):
            if name not in wanted and name in self.filled:
                continue
            before, after = self._shape(name, recorded.get(name)), self._shape(name, wanted.get(name))
            if before != after:
                yield name, _kind(before, after)

    def _shape(self, name: str, value: Any) -> Any:
        """The value as this plugin compares it."""
        if isinstance(value, Unknown):
            return value
        if isinstance(value, Mapping):
            value = {key: item for key, item in value.items() if item is not None}
        if name in self.sets and isinstance(value, list):
            value = sorted(value, key=repr)
        if not self.exact and value in ("", [], {}, False):
            return None  # Terraform's SDK v2 takes an empty value for none
        return value


def _kind(before: Any, after: Any) -> Literal["add", "delete", "update"]:
    if before is None:
        return "add"
    return "delete" if after is None else "update"


@dataclass(frozen=True)
class Function(Generic[Api]):
    """A function (a data source at Terraform): it asks the vendor and changes nothing."""

    token: str
    """For example `databricks:index/getGroup:getGroup`."""
    module: str
    """Module of the published SDK that declares it; the function has the same name."""
    call: Callable[[Api, State], Awaitable[State]]
    """From the arguments to the result, names as on the wire between engine and plugin."""
