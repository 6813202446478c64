"""What is kept of the SCIM resources that clients send (RFC 7643, RFC 7644), as pure functions."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from lakelatch_sandbox.databricks.errors import ScimError
from lakelatch_sandbox.databricks.resource_types import SERVICE_PRINCIPAL, USER, ResourceType

LIST_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
MAX_TEXT = 1024
_ALWAYS = ("schemas", "id", "applicationId", "userName")
_VALUE_PATH = re.compile(r"""(\w+)\[value eq (?:"([^"]*)"|'([^']*)')\]""")
_NO_SUCH = "No such attribute with the name : {} in the current resource"
"""The vendor's words; the official plugin knows them, and takes the removal for done."""


def bad(detail: str) -> ScimError:
    """A value that is wrong in itself."""
    return ScimError(400, detail, "invalidValue")


def _single(value: Any) -> Any:
    """A single value. The official plugin wraps it as `[{"value": ...}]` in a PatchOp."""
    return (
        value[0].get("value") if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict) else value
    )


def _flag(value: Any) -> bool:
    value = _single(value)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise bad("active must be true or false")
    return value


def _text(value: Any, name: str) -> str:
    value = _single(value)
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise bad(f"{name} must be a string of at most {MAX_TEXT} characters")
    return value


def values(found: Any, name: str) -> list[dict[str, Any]]:
    """A multi-valued attribute without repetitions and empty entries, of which the official plugin sends one."""
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise bad(f"{name} must be a list of objects")
    return [{"value": value} for value in dict.fromkeys(str(one["value"]) for one in found if one.get("value"))]


def _person(value: Any, name: str) -> Any:
    wanted = dict if name == "name" else list
    if not isinstance(value, wanted) or len(str(value)) > 8 * MAX_TEXT:
        raise bad(f"{name} has the wrong shape")
    return value


def _set(type: ResourceType, resource: dict[str, Any], name: str, value: Any) -> None:
    if name == type.key and name != "displayName":
        if _text(value, name) != resource.get(name):
            raise ScimError(400, f"{name} cannot be changed", "mutability")
    elif name == "active":
        resource[name] = _flag(value)
    elif name in type.texts:
        resource[name] = _text(value, name)
    elif name in type.lists:
        resource[name] = values(value, name)
    else:
        resource[name] = _person(value, name)


def _key(type: ResourceType, body: Mapping[str, Any], old: Mapping[str, Any] | None) -> str:
    """The name that no other resource of the type has; of a service principal a UUID, made when it is left out."""
    found = body.get(type.key)
    if type is SERVICE_PRINCIPAL:
        try:
            return str(uuid.UUID(str(found or (old or {}).get(type.key) or uuid.uuid4())))
        except ValueError as error:
            raise bad("applicationId must be a UUID") from error
    found = _text(found, type.key) if found is not None else (old or {}).get(type.key)
    if not found:
        raise bad(f"{type.key} is required")
    return str(found)


def from_body(
    type: ResourceType, body: Mapping[str, Any], *, id: str, old: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The whole resource that a POST or PUT describes. What it leaves out is empty, `active` is true.

    `old` is the resource that is replaced. Raises `ScimError` 400.
    """
    key = _key(type, body, old)
    if old is not None and type.key != "displayName" and key != old[type.key]:
        raise ScimError(400, f"{type.key} cannot be changed", "mutability")
    resource: dict[str, Any] = {"schemas": [type.schema], "id": id, type.key: key}
    if type.has_active:
        resource["active"] = True
    for name in type.attributes:
        if body.get(name) is not None and name != type.key:
            _set(type, resource, name, body[name])
    if type is USER:
        resource.setdefault("displayName", key)
        resource.setdefault("emails", [{"value": key, "type": "work", "primary": True}])
    return resource


def patched(type: ResourceType, resource: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The resource after a PatchOp (RFC 7644 §3.5.2); raises `ScimError` 400 for an operation that is none."""
    result = {**resource}
    operations = body.get("Operations")
    if not isinstance(operations, list) or not operations:
        raise bad("Operations must be a non-empty list")
    for operation in operations:
        if not isinstance(operation, dict):
            raise bad("an operation must be an object")
        kind, path, value = str(operation.get("op")).lower(), operation.get("path"), operation.get("value")
        if kind not in ("add", "replace", "remove"):
            raise ScimError(400, "op must be add, replace or remove", "invalidSyntax")
        if path is None and isinstance(value, dict) and kind != "remove":
            for name, one in value.items():
                _apply(type, result, kind, name, one)
        else:
            _apply(type, result, kind, str(path), value)
    return result


def _apply(type: ResourceType, result: dict[str, Any], kind: str, path: str, value: Any) -> None:
    selected = _VALUE_PATH.fullmatch(path)
    if selected and kind == "remove" and selected[1] in type.lists:
        unwanted = selected[2] or selected[3]
        result[selected[1]] = [one for one in result.get(selected[1], []) if one["value"] != unwanted]
    elif path not in type.attributes:
        raise ScimError(400, f"path `{path[:200]}` is not supported", "invalidPath")
    elif kind == "remove":
        if not result.get(path):
            raise ScimError(400, _NO_SUCH.format(path), "invalidPath")
        unwanted_values = values(value, path) if value and path in type.lists else None
        left = [one for one in result[path] if one not in unwanted_values] if unwanted_values else None
        if left:
            result[path] = left
        else:
            result.pop(path)
    elif kind == "add" and path in type.lists:
        result[path] = values([*result.get(path, []), *values(value, path)], path)
    else:
        _set(type, result, path, value)


def shown(resource: Mapping[str, Any], attributes: str | None, excluded: str | None = None) -> dict[str, Any]:
    """The resource as it is answered: only the `attributes` and those that are always there, without the excluded."""
    visible = {name: value for name, value in resource.items() if value != [] and not name.startswith("_")}
    if attributes:
        wanted = {*_ALWAYS, *_names(attributes)}
        visible = {name: value for name, value in visible.items() if name in wanted}
    unwanted = _names(excluded) - {"schemas", "id"}
    return {name: value for name, value in visible.items() if name not in unwanted}


def _names(attributes: str | None) -> set[str]:
    return {name.strip().partition(".")[0] for name in (attributes or "").split(",")}


def listing(resources: list[dict[str, Any]], *, start: int, count: int) -> dict[str, Any]:
    """One page of a list (RFC 7644 §3.4.2.4); `start` counts from 1."""
    page = resources[start - 1 : start - 1 + count]
    return {
        "schemas": [LIST_SCHEMA],
        "totalResults": len(resources),
        "startIndex": start,
        "itemsPerPage": len(page),
        "Resources": page,
    }
