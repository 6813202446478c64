"""Tables between a program's properties and Graph's JSON, nested ones included. Pure.

A table gives each property the place where it stands on the wire: a dotted path, or one of the entries below. The same
table writes, reads, and brings two values into one form for comparison.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Values = dict[str, Any]
_EMPTY: tuple[Any, ...] = (None, "", False)


@dataclass(frozen=True)
class Names:
    """A list of texts whose order means nothing."""

    path: str


@dataclass(frozen=True)
class Mapped:
    """A value that has another form on the wire."""

    path: str
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]
    unordered: bool = False


@dataclass(frozen=True)
class One:
    """An object within; with an empty path its members stand in the object around it."""

    path: str
    table: "Table"
    defaults: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Each:
    """A list of objects whose order means nothing."""

    path: str
    table: "Table"
    defaults: Mapping[str, Any] = field(default_factory=dict)


Entry = str | Names | Mapped | One | Each
Table = Mapping[str, Entry]

COMMA_LIST = (",".join, lambda text: text.split(","))
"""For `Mapped`: what a program has as a list and Graph as one text."""


def to_graph(values: Mapping[str, Any], table: Table) -> Values:
    """Graph's JSON for those of the values that the table names."""
    document: Values = {}
    for name, entry in table.items():
        value = values.get(name)
        if value is not None:
            _place(document, _path(entry), _written(value, entry))
    return document


def cleared(names: set[str], table: Table) -> Values:
    """Graph's JSON that takes properties away."""
    document: Values = {}
    for name in sorted(names & table.keys()):
        entry = table[name]
        value = {path: None for one in entry.table.values() if (path := _path(one))} if isinstance(entry, One) else None
        _place(document, _path(entry), value)
    return document


def blank(table: Table) -> Values:
    """Graph's JSON that empties the objects within, for an update that writes the whole of them."""
    document: Values = {}
    for entry in table.values():
        if isinstance(entry, One):
            _place(document, entry.path, {**cleared(set(entry.table), entry.table), **blank(entry.table)})
    return document


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> Values:
    """Two documents as one; objects are merged, anything else of the second wins."""
    found = dict(first)
    for name, value in second.items():
        before = found.get(name)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        found[name] = merged(before, value) if both else value  # type: ignore[arg-type]
    return found


def from_graph(document: Mapping[str, Any], table: Table) -> Values:
    """The properties that Graph's JSON has a value for; within objects, empty ones are left out."""
    values: Values = {}
    for name, entry in table.items():
        found: Any = document
        for part in filter(None, _path(entry).split(".")):
            found = found.get(part) if isinstance(found, Mapping) else None
        if found is None:
            continue
        value = _read(found, entry)
        if not isinstance(entry, One) or value:
            values[name] = value
    return values


def normal(values: Mapping[str, Any], table: Table) -> Values:
    """The values in the form in which two of them are compared: sets in order, and within objects defaults filled in
    and empty ones gone."""
    return {name: _normal(value, table.get(name, "")) for name, value in values.items()}


def _normal_object(value: Mapping[str, Any], entry: One | Each) -> Values:
    found = normal({**entry.defaults, **_known(value)}, entry.table)
    return {name: found[name] for name in sorted(found) if not _is_empty(found[name])}


def _is_empty(value: Any) -> bool:
    return value in _EMPTY or (isinstance(value, (list, dict)) and not value)


def _path(entry: Entry) -> str:
    return entry if isinstance(entry, str) else entry.path


def _place(document: Values, path: str, value: Any) -> None:
    if not path:
        document.update(merged(document, value))
        return
    *folders, leaf = path.split(".")
    for folder in folders:
        document = document.setdefault(folder, {})
    known = document.get(leaf)
    document[leaf] = merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value


def _written(value: Any, entry: Entry) -> Any:
    match entry:
        case Mapped():
            return entry.write(value)
        case One():
            return to_graph({**entry.defaults, **_known(value)}, entry.table)
        case Each():
            return [to_graph({**entry.defaults, **_known(item)}, entry.table) for item in value]
    # the engine has no integers
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _known(value: Mapping[str, Any]) -> Values:
    return {name: item for name, item in value.items() if item is not None}


def _read(found: Any, entry: Entry) -> Any:
    match entry:
        case Mapped():
            return entry.read(found)
        case One():
            return _without_empty(from_graph(found, entry.table), entry.defaults)
        case Each():
            return [_without_empty(from_graph(item, entry.table), entry.defaults) for item in found]
    return found


def _without_empty(values: Values, defaults: Mapping[str, Any]) -> Values:
    """Without what says nothing; an empty value that differs from the default says something."""
    return {name: value for name, value in values.items() if not _is_empty(value) or defaults.get(name, value) != value}


def _normal(value: Any, entry: Entry) -> Any:
    match entry:
        case Each() if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return sorted((_normal_object(item, entry) for item in value), key=repr)
        case One() if isinstance(value, dict):
            return _normal_object(value, entry)
        case Names() | Mapped(unordered=True) if isinstance(value, list):
            return sorted(value, key=repr)
    return value
