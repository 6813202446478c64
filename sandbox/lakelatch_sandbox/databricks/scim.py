"""SCIM resources of service principals: what is kept of what clients send (RFC 7643, RFC 7644), as pure functions."""

import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from lakelatch_sandbox.databricks.errors import ScimError

SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:ServicePrincipal"
LIST_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

_MULTI_VALUED = ("entitlements", "roles")
_ALWAYS = ("schemas", "id", "applicationId")
_FILTER = re.compile(r'\s*(applicationId|displayName|externalId)\s+(eq)\s+"((?:[^"\\]|\\.)*)"\s*', re.IGNORECASE)
_VALUE_PATH = re.compile(r'(entitlements|roles)\[value eq "([^"]*)"\]')


def _bad(detail: str) -> ScimError:
    return ScimError(400, detail, "invalidValue")


def _flag(value: Any) -> bool:
    """A boolean. The official plugin sends it as `[{"value": "false"}]`."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        value = value[0].get("value")
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise _bad("active must be true or false")
    return value


def _name(value: Any, field: str) -> str:
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        value = value[0].get("value")
    if not isinstance(value, str) or len(value) > 1024:
        raise _bad(f"{field} must be a string of at most 1024 characters")
    return value


def _values(values: Any, field: str) -> list[dict[str, str]]:
    """The entries that have a value, each once. Empty ones are dropped: the plugin dies when they are echoed."""
    if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
        raise _bad(f"{field} must be a list of objects")
    found = {str(one["value"]): None for one in values if one.get("value")}
    return [{"value": value} for value in found]


def _set(resource: dict[str, Any], field: str, value: Any) -> None:
    if field == "active":
        resource["active"] = _flag(value)
    elif field in ("displayName", "externalId"):
        resource[field] = _name(value, field)
    elif field in _MULTI_VALUED:
        resource[field] = _values(value, field)


def from_body(body: Mapping[str, Any], *, id: str, application_id: str | None) -> dict[str, Any]:
    """The whole resource that a POST or PUT describes. What it leaves out is empty, `active` is true.

    `application_id` is the one that the resource has already; a new resource may bring its own (Entra-managed
    principals do) or gets one. Raises `ScimError` 400.
    """
    asked = body.get("applicationId") or application_id or str(uuid.uuid4())
    try:
        chosen = str(uuid.UUID(str(asked)))
    except ValueError as error:
        raise _bad("applicationId must be a UUID") from error
    if application_id is not None and chosen != application_id:
        raise ScimError(400, "applicationId cannot be changed", "mutability")
    resource: dict[str, Any] = {"schemas": [SCHEMA], "id": id, "applicationId": chosen, "active": True}
    for field in ("displayName", "externalId", "active", *_MULTI_VALUED):
        if body.get(field) is not None:
            _set(resource, field, body[field])
    return resource


def patched(resource: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The resource after a PatchOp (RFC 7644 §3.5.2); raises `ScimError` 400 for an operation that is none."""
    result = {**resource}
    operations = body.get("Operations")
    if not isinstance(operations, list) or not operations:
        raise _bad("Operations must be a non-empty list")
    for operation in operations:
        if not isinstance(operation, dict):
            raise _bad("an operation must be an object")
        kind, path, value = str(operation.get("op")).lower(), operation.get("path"), operation.get("value")
        if kind not in ("add", "replace", "remove"):
            raise ScimError(400, "op must be add, replace or remove", "invalidSyntax")
        if path is None and isinstance(value, dict) and kind != "remove":
            for field, one in value.items():
                _apply(result, kind, field, one)
        else:
            _apply(result, kind, str(path), value)
    return result


def _apply(result: dict[str, Any], kind: str, path: str, value: Any) -> None:
    selected = _VALUE_PATH.fullmatch(path)
    if selected and kind == "remove":
        field, unwanted = selected.groups()
        result[field] = [one for one in result.get(field, []) if one["value"] != unwanted]
    elif path not in ("active", "displayName", "externalId", *_MULTI_VALUED):
        raise ScimError(400, f"path `{path[:200]}` is not supported", "invalidPath")
    elif kind == "remove":
        result.pop(path, None)
    elif kind == "add" and path in _MULTI_VALUED:
        result[path] = _values([*result.get(path, []), *_values(value, path)], path)
    else:
        _set(result, path, value)


def matching(resources: Iterable[dict[str, Any]], expression: str | None) -> list[dict[str, Any]]:
    """The resources that a filter selects: `<attribute> eq "<value>"` (RFC 7644 §3.4.2.2); raises `ScimError` 400."""
    if not expression:
        return list(resources)
    parsed = _FILTER.fullmatch(expression)
    if parsed is None:
        raise ScimError(400, f"filter `{expression[:200]}` is not supported", "invalidFilter")
    attribute, _, literal = parsed.groups()
    names = {"applicationid": "applicationId", "displayname": "displayName", "externalid": "externalId"}
    wanted = re.sub(r"\\(.)", r"\1", literal)
    return [one for one in resources if one.get(names[attribute.lower()]) == wanted]


def shown(resource: Mapping[str, Any], attributes: str | None) -> dict[str, Any]:
    """The resource as it is answered; with `attributes`, only those and the ones that are always there."""
    visible = {name: value for name, value in resource.items() if value != []}
    visible.setdefault("schemas", [SCHEMA])
    if not attributes:
        return visible
    wanted = {*_ALWAYS, *(name.strip().partition(".")[0] for name in attributes.split(","))}
    return {name: value for name, value in visible.items() if name in wanted}


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
