"""What a type of object is to this Graph: its declared properties, and how a body is written into them.

What is not declared is refused, as Graph refuses it. The types themselves stand in the `schema_*` modules.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lakelatch_sandbox.graph.errors import bad_request

Document = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """One type of object: its OData type, its properties with their first values, and those that nobody may write."""

    odata_type: str
    properties: Mapping[str, Any]
    read_only: frozenset[str] = field(default_factory=frozenset)
    required: frozenset[str] = field(default_factory=frozenset)

    def create(self, body: Mapping[str, Any]) -> Document:
        """A new object's writable properties from the body of a POST; raises `GraphError` (400) if it does not fit."""
        written = self._written(body, {})
        missing = sorted(name for name in self.required if written.get(name) in (None, "", []))
        if missing:
            raise bad_request(f"A value is required for property '{missing[0]}' of resource '{self.name}'.")
        return self.merge(copy.deepcopy(dict(self.properties)), written)

    def update(self, found: Mapping[str, Any], body: Mapping[str, Any]) -> Document:
        """The object after a PATCH: complex values are merged, collections are replaced (OData 4.01 §11.4.3)."""
        return self.merge(copy.deepcopy(dict(found)), self._written(body, found))

    @property
    def name(self) -> str:
        """The type's short name, as messages use it."""
        short = self.odata_type.rsplit(".", 1)[-1]
        return short[:1].upper() + short[1:]

    def _written(self, body: Mapping[str, Any], found: Mapping[str, Any]) -> Document:
        """What a body writes; a read-only property may be sent back as it is."""
        written = {}
        for name in sorted(name for name in body if "@odata." not in name or name in self.properties):
            if name in self.read_only:
                if body[name] != found.get(name, self.properties.get(name)):
                    raise bad_request(f"Property '{name}' is read-only and cannot be set.")
            elif name in self.properties:
                written[name] = self._typed(name, body[name])
            else:
                raise bad_request(
                    f"Property '{name}' does not exist as a declared property or extension property "
                    f"of resource '{self.name}'."
                )
        return written

    def _typed(self, name: str, value: Any) -> Any:
        """The value, if it is of the kind that the property begins with; what begins as null is not judged here."""
        for kind in (bool, str, list, dict):
            if isinstance(self.properties[name], kind) and not isinstance(value, (kind, type(None))):
                raise bad_request(f"Invalid value specified for property '{name}' of resource '{self.name}'.")
        return value

    def merge(self, found: Document, written: Mapping[str, Any]) -> Document:
        """The object with what was written; a property that is set to null goes back to its first value."""
        return {**found, **{name: _merged(self.properties[name], found.get(name), written[name]) for name in written}}


def _merged(first: Any, found: Any, value: Any) -> Any:
    """A value after it was written: complex values are merged member by member, at any depth."""
    if value is None:
        return copy.deepcopy(first)
    if not isinstance(first, Mapping) or not isinstance(value, Mapping):
        return _without_annotations(value)
    known = {**first, **(found or {})}
    changed = {
        name: _merged(first.get(name), known.get(name), item) for name, item in value.items() if "@odata." not in name
    }
    return {**known, **changed}


def _without_annotations(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_annotations(item) for name, item in value.items() if "@odata." not in name}
    if isinstance(value, list):
        return [_without_annotations(item) for item in value]
    return value
