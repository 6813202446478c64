"""Members of a JSON body, read with their type; a wrong one is refused by its name.

Whole numbers of 64 bits may arrive as strings (protobuf's JSON mapping).
"""

from collections.abc import Mapping
from typing import Any

from lakelatch_sandbox.databricks.errors import invalid

MAX_TEXT = 4096
"""Longer than any name, description or key of these APIs may be."""


def text(body: Mapping[str, Any], name: str, *, most: int = MAX_TEXT) -> str | None:
    """A text, or None when it is absent or empty; raises `ApiError` 400."""
    value = body.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > most:
        raise invalid(f"{name} must be a string of at most {most} characters")
    return value


def required(body: Mapping[str, Any], name: str, *, most: int = MAX_TEXT) -> str:
    """A text that must be there; raises `ApiError` 400."""
    value = text(body, name, most=most)
    if value is None:
        raise invalid(f"Missing required field: {name}")
    return value


def number(body: Mapping[str, Any], name: str, *, least: int = 0, most: int = 2**63 - 1) -> int | None:
    """A whole number, or None when it is absent; raises `ApiError` 400."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit() and len(value) < 21:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise invalid(f"{name} must be a whole number between {least} and {most}")
    return value


def required_number(body: Mapping[str, Any], name: str) -> int:
    """A whole number that must be there; raises `ApiError` 400."""
    value = number(body, name)
    if value is None:
        raise invalid(f"Missing required field: {name}")
    return value


def flag(body: Mapping[str, Any], name: str) -> bool:
    """A boolean, false when it is absent; queries write it as a text, in any case. Raises `ApiError` 400."""
    value = body.get(name)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        value = value.lower() == "true"
    if not isinstance(value, bool | None):
        raise invalid(f"{name} must be true or false")
    return bool(value)


def objects(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of objects, empty when it is absent; raises `ApiError` 400."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise invalid(f"{name} must be a list of objects")
    return value


def mapping(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object, empty when it is absent; raises `ApiError` 400."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"{name} must be an object")
    return value
