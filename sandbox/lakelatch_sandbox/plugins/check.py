"""Judges a resource's inputs by what the published SDK declares. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from lakelatch.plugin.values import Unknown
from lakelatch_sandbox.plugins.sdk import Field, Type

_WORDS = {
    "string": "a text",
    "bool": "true or false",
    "number": "a number",
    "list": "a list",
    "map": "a mapping",
    "object": "an object",
}


def problems(value: Mapping[str, Any], fields: Mapping[str, Field], at: str = "") -> Iterator[tuple[str, str]]:
    """What is wrong, each with its property path; what is not known yet is not judged.

    Names that begin with `__` are the engine's own (`__defaults`, for example) and pass.
    """
    for name in sorted(value.keys() - fields.keys()):
        if not name.startswith("__"):
            yield _below(at, name), "is not an input of this resource in the published SDK"
    for name, field in fields.items():
        found = value.get(name)
        if found is None:
            if field.required:
                yield _below(at, name), "is required and missing"
        else:
            yield from _mismatches(found, field.type, _below(at, name))


def _mismatches(value: Any, wanted: Type, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Unknown) or value is None or wanted.kind == "any":
        return
    if not _fits(value, wanted):
        yield at, f"must be {_WORDS[wanted.kind]}"
    elif wanted.kind == "object" and wanted.fields is not None:
        yield from problems(value, wanted.fields, at)
    elif wanted.kind == "list" and wanted.item is not None:
        for index, item in enumerate(value):
            yield from _mismatches(item, wanted.item, f"{at}[{index}]")
    elif wanted.kind == "map" and wanted.item is not None:
        for name, item in value.items():
            yield from _mismatches(item, wanted.item, _below(at, name))


def _fits(value: Any, wanted: Type) -> bool:
    """Whether a value is of the kind. Texts that read as a number or a boolean do, as for the official bridge."""
    match wanted.kind:
        case "string":
            return isinstance(value, str | bool | int | float)
        case "bool":
            return isinstance(value, bool) or value in ("true", "false")
        case "number":
            return (isinstance(value, int | float) and not isinstance(value, bool)) or _is_number(value)
        case "list":
            return isinstance(value, list)
    return isinstance(value, Mapping)


def _is_number(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True


def _below(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def coerced(value: Any, wanted: Type) -> Any:
    """The value in the kind that the SDK declares, for one that `problems` finds nothing wrong with."""
    if isinstance(value, Unknown) or value is None:
        return value
    match wanted:
        case Type(kind="string") if isinstance(value, bool):
            return "true" if value else "false"
        case Type(kind="string") if isinstance(value, int | float):
            return str(int(value)) if value == int(value) else str(value)
        case Type(kind="bool") if isinstance(value, str):
            return value == "true"
        case Type(kind="number") if isinstance(value, str):
            return float(value)
        case Type(kind="list", item=Type() as item):
            return [coerced(each, item) for each in value]
        case Type(kind="map", item=Type() as item):
            return {name: coerced(each, item) for name, each in value.items()}
        case Type(kind="object", fields=fields) if fields is not None:
            return coerced_fields(value, fields)
    return value


def coerced_fields(value: Mapping[str, Any], fields: Mapping[str, Field]) -> dict[str, Any]:
    """An object's members in their declared kinds; absent ones and nulls are left out."""
    return {
        name: coerced(item, fields[name].type) for name, item in value.items() if name in fields and item is not None
    }
