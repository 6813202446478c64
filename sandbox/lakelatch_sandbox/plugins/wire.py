"""Names on a vendor's wire. A table gives each property the dotted path where it stands in the vendor's JSON. Pure."""

import re
from collections.abc import Mapping
from typing import Any

Table = Mapping[str, str]


def to_wire(values: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """The vendor's JSON for those of the values that the table names."""
    document: dict[str, Any] = {}
    for name, path in table.items():
        if values.get(name) is not None:
            *folders, leaf = path.split(".")
            place = document
            for folder in folders:
                place = place.setdefault(folder, {})
            place[leaf] = values[name]
    return document


def from_wire(document: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """The properties that the vendor's JSON has a value for."""
    values: dict[str, Any] = {}
    for name, path in table.items():
        place: Any = document
        for part in path.split("."):
            place = place.get(part) if isinstance(place, Mapping) else None
        if place is not None:
            values[name] = place
    return values


def snake(values: Mapping[str, Any]) -> dict[str, Any]:
    """The members with snake_case names, nulls left out."""
    return {re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", key): item for key, item in _known(values)}


def camel(values: Mapping[str, Any]) -> dict[str, Any]:
    """The members with camelCase names, nulls left out."""
    return {re.sub(r"_([a-z])", lambda letter: letter[1].upper(), key): item for key, item in _known(values)}


def _known(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(key, item) for key, item in values.items() if item is not None]
