"""Which SCIM resources a filter selects (RFC 7644 §3.4.2.2), as a pure function."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lakelatch_sandbox.databricks.errors import ScimError

_CONDITION = re.compile(
    r"""\s*([\w.]+)\s+(eq|ne|co|sw)\s+(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(true|false))\s*""", re.IGNORECASE
)
_JOINT = re.compile(r"(and|or)\s", re.IGNORECASE)
_FILTERED = ("id", "applicationId", "userName", "displayName", "externalId", "active")


def matching(resources: Iterable[dict[str, Any]], expression: str | None) -> list[dict[str, Any]]:
    """The resources that a filter selects; raises `ScimError` 400.

    `eq`, `ne`, `co` and `sw` over single-valued attributes, joined by `and` or by `or` (RFC 7644 §3.4.2.2). Texts are
    compared without regard to case, as attributes that are not `caseExact` are.
    """
    if not expression:
        return list(resources)
    conditions, combine = _parsed(expression)
    return [one for one in resources if combine(holds(one) for holds in conditions)]


_Condition = Callable[[Mapping[str, Any]], bool]


def _parsed(expression: str) -> tuple[list[_Condition], Callable[[Iterable[bool]], bool]]:
    """The conditions of a filter, and whether all of them or any of them must hold."""
    refused = ScimError(400, f"filter `{expression[:200]}` is not supported", "invalidFilter")
    conditions: list[_Condition] = []
    joined: set[str] = set()
    position = 0
    while True:
        parsed = _CONDITION.match(expression, position)
        condition = None if parsed is None else _condition(parsed)
        if parsed is None or condition is None:
            raise refused
        conditions.append(condition)
        if parsed.end() == len(expression):
            break
        joint = _JOINT.match(expression, parsed.end())
        if joint is None:
            raise refused
        joined.add(joint[1].lower())
        position = joint.end()
    if len(joined) > 1:
        raise refused
    return conditions, any if joined == {"or"} else all


def _condition(parsed: re.Match[str]) -> _Condition | None:
    names = {name.lower(): name for name in _FILTERED}
    if parsed[1].lower() not in names:
        return None
    name, operator = names[parsed[1].lower()], parsed[2].lower()
    quoted = parsed[3] if parsed[3] is not None else parsed[4]
    wanted = (re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else parsed[5]).casefold()

    def holds(resource: Mapping[str, Any]) -> bool:
        found = resource.get(name)
        if found is None:
            return operator == "ne"
        text = str(found).casefold()
        return {"eq": text == wanted, "ne": text != wanted, "co": wanted in text, "sw": text.startswith(wanted)}[
            operator
        ]

    return holds
