"""A request that somebody asks about: attributes by name, of which not all need be told."""

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from lakelatch.access.actions import ACTIONS
from lakelatch.access.attributes import MEMBERS, templates
from lakelatch.access.evidence import Evidence
from lakelatch.access.expressions import VOCABULARY
from lakelatch.access.policy import Subject, static_attributes

ADDRESS: Final = "client.address"
"""What `networks` of a rule looks at; conditions do not speak of it."""
ALWAYS: Final = ("bytes", "readable")
"""Members of `body` that every action has."""
_HEADERS: Final = "request.headers."


@dataclass(frozen=True)
class Asked:
    """What is told about a request."""

    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Name, as in `body.row_limit` or `client.address`, to value; texts are read as what the attribute is."""
    complete: bool = False
    """Whether the request has nothing else: no other claim, header or member of its body."""


def evidence(subject: Subject, action: str, asked: Asked, *, subject_known: bool = True) -> Evidence:
    """What is known of a request for an action, from what was told.

    Raises:
        ValueError: an attribute is not one, or its value is not of its kind; says which.

    """
    told = {name: _value(action, name, value) for name, value in asked.attributes.items()}
    body = {name.removeprefix("body."): value for name, value in told.items() if name.startswith("body.")}
    if body or asked.complete:
        body.setdefault("readable", True)
    if body.get("readable") is False:
        body = {}
    known: dict[str, Any] = {**static_attributes(subject, action), "body": body}
    for root in ("path", "claims", "request.headers"):
        start = f"{root}."
        known[root] = {name.removeprefix(start): value for name, value in told.items() if name.startswith(start)}
    known |= {name: told[name] for name in ("request.time", "request.method") if name in told}
    methods = {request.method for request in ACTIONS[action].requests}
    if len(methods) == 1:
        known.setdefault("request.method", methods.pop())
    unread = told.get("body.readable") is False

    def unknown(name: str) -> bool:
        root, _, member = name.partition(".")
        if name == "identity.subject":
            return not subject_known
        if name in told or root in ("identity", "action"):
            return False
        match root:
            case "body":
                return not unread and _body_unknown(action, member, body, complete=asked.complete)
            case "path":
                return member in variables(action) if member else bool(variables(action) - known["path"].keys())
            case "claims":
                return not asked.complete
        if name == "request.headers" or name.startswith(_HEADERS):
            return not asked.complete
        return name not in known

    return Evidence(known, told.get(ADDRESS), unknown)


def variables(action: str) -> frozenset[str]:
    """The variable segments of an action's paths."""
    found = (re.match(r"\{([a-z_]+)", segment) for template in templates(action) for segment in template)
    return frozenset(match[1] for match in found if match)


def _body_unknown(action: str, member: str, body: Mapping[str, Any], *, complete: bool) -> bool:
    if member in body:
        return False
    if member == "bytes":
        return True
    seen = member in MEMBERS.get(action, {}) or member in ("", *ALWAYS)
    return seen and not complete


def _value(action: str, name: str, value: Any) -> Any:
    if isinstance(value, str) and len(value) > 4096:
        raise ValueError(f"`{name}` is longer than 4,096 characters")
    root, _, member = name.partition(".")
    if value is None and root != "claims":
        raise ValueError(f"`{name}` has no value; leave it out where the request has none")
    if name == ADDRESS:
        try:
            return str(ipaddress.ip_address(str(value)))
        except ValueError:
            raise ValueError(f"`{name}` is no IP address; write one, as in `10.1.2.3`") from None
    if name == "request.time":
        return _time(name, value)
    if name == "request.method":
        return str(value).upper()
    if name.startswith(_HEADERS):
        if name != name.lower():
            raise ValueError(f"`{name}`: names of headers are in lower case here")
        return str(value)
    if root == "claims" and member:
        return _claim(value)
    if root == "path" and member:
        if member not in variables(action):
            there = ", ".join(f"`path.{one}`" for one in sorted(variables(action))) or "none"
            raise ValueError(f"`{name}` is not in the paths of {action!r}; there is {there}")
        return str(value)
    if root == "body" and member:
        return _of_body(action, name, member, value)
    if root in ("identity", "action") and name in VOCABULARY:
        raise ValueError(f"`{name}` is said by the model; leave it out")
    right = "`body.…`, `path.…`, `claims.…`, `request.headers.…`, `request.time`, `request.method` or `client.address`"
    raise ValueError(f"`{name}` is no attribute of a request; name {right}")


def _time(name: str, value: Any) -> datetime:
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ValueError(f"`{name}` is no time with a time zone; write one, as in `2026-11-01T03:00:00Z`")
    return time


def _claim(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _of_body(action: str, name: str, member: str, value: Any) -> Any:
    kinds = {one: known.kind for one, known in MEMBERS.get(action, {}).items()} | {"bytes": "number"}
    if member == "readable":
        if str(value).lower() not in ("true", "false"):
            raise ValueError(f"`{name}` is `true` or `false`")
        return str(value).lower() == "true"
    if member not in kinds:
        there = ", ".join(f"`body.{one}`" for one in (*MEMBERS.get(action, {}), *ALWAYS))
        raise ValueError(f"`{name}` is not read of the body of {action!r}; there is {there}")
    if kinds[member] == "string":
        return str(value)
    try:
        return float(str(value).removesuffix("s") if kinds[member] == "seconds" else value)
    except (TypeError, ValueError):
        raise ValueError(f"`{name}` is no number") from None
