"""What can be seen of a request beyond its head: variable segments of the path, and members of a JSON body.

One table for the reference decision, the gateway and the documentation. A body is read only where a rule asks for it,
and only when it can mean one thing: JSON (RFC 8259) without a second member of the same name, however it is written.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lakelatch.access.actions import ACTIONS

BODY_BYTES: Final = 1024 * 1024
"""Longest body that is read. Query texts may be 16 MiB at Databricks; one that is longer than this is refused there."""
DEPTH: Final = 32
"""How deep arrays and objects may nest: parameters of a statement nest two deep."""


@dataclass(frozen=True)
class Member:
    """A member of a body that rules can speak of."""

    json_name: str
    kind: str
    """`number` or `string`; `seconds` for text such as `30s`."""
    meaning: str


_STATEMENT: Final = {
    "row_limit": Member("row_limit", "number", "Most rows of the result"),
    "byte_limit": Member("byte_limit", "number", "Most bytes of the result"),
    "wait_seconds": Member("wait_timeout", "seconds", "How long the request is held, of `wait_timeout`"),
    "disposition": Member("disposition", "string", "`INLINE` or `EXTERNAL_LINKS`"),
    "warehouse_id": Member("warehouse_id", "string", "The warehouse"),
    "catalog": Member("catalog", "string", "The default catalog; the text can name others"),
    "schema": Member("schema", "string", "The default schema; the text can name others"),
}
_MODEL: Final = {"model": Member("model", "string", "The serving endpoint")}
MEMBERS: Final[Mapping[str, Mapping[str, Member]]] = {
    "statement_execution.execute_statement": _STATEMENT,
    "open_ai.chat_completions": _MODEL,
    "open_ai.completions": _MODEL,
    "open_ai.embeddings": _MODEL,
    "open_ai.responses": _MODEL,
    "jobs.run_now": {"job_id": Member("job_id", "number", "The job")},
    "jobs.submit": {"run_name": Member("run_name", "string", "What the run is called")},
    "warehouses.create": {"cluster_size": Member("cluster_size", "string", "The size, as in `Small`")},
    "clusters.start": {"cluster_id": Member("cluster_id", "string", "The cluster")},
}
"""Action to what is read of its body. For every action there are `bytes`, its length, and `readable`."""
_AS_SENT: Final = {
    action: {member.json_name: (name, member) for name, member in members.items()}
    for action, members in MEMBERS.items()
}
"""Action to the same by the names that stand in a body."""


@dataclass(frozen=True)
class Body:
    """A request's body as far as rules can speak of it."""

    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Empty when the body cannot mean one thing only."""
    problem: str = ""
    """Why it cannot; empty when it can."""


class _Unreadable(Exception):
    """The body has more than one meaning, or none."""


def path_attributes(action: str, path: str) -> dict[str, str]:
    """The variable segments of a path by the names of the action's template, escaped as they stand in the path.

    None when no template of the action fits. Of several the first that fits counts.
    """
    segments = path.split("/")[1:]
    for template in templates(action):
        found = _fitted(template, segments)
        if found is not None:
            return found
    return {}


def templates(action: str) -> list[list[str]]:
    """The segments of every path template of an action that has variables, in the catalogue's order."""
    requests = ACTIONS[action].requests if action in ACTIONS else ()
    paths = dict.fromkeys(request.path for request in requests if "{" in request.path)
    return [path.split("/")[1:] for path in paths]


def _fitted(template: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for index, expected in enumerate(template):
        name, _, verb = expected.removeprefix("{").partition("}")
        if name.endswith("...") and expected.startswith("{"):
            rest = "/".join(segments[index:]).removesuffix("/")
            return found | {name.removesuffix("..."): rest} if rest else None
        if index >= len(segments):
            return None
        one = segments[index]
        if not expected.startswith("{"):
            if one != expected:
                return None
        elif one.endswith(verb) and len(one) > len(verb):
            found[name] = one.removesuffix(verb) if verb else one
        else:
            return None
    return found if len(template) == len(segments) else None


def read_body(action: str, headers: Sequence[tuple[str, str]], body: bytes) -> Body:
    """Read what rules can speak of out of a request's body; `headers` with lower-case names, in any order."""
    try:
        return Body(_read(_AS_SENT.get(action), headers, body))
    except _Unreadable as unreadable:
        return Body(problem=str(unreadable))


def _read(
    members: Mapping[str, tuple[str, Member]] | None, headers: Sequence[tuple[str, str]], body: bytes
) -> dict[str, Any]:
    if len(body) > BODY_BYTES:
        raise _Unreadable(f"the body is longer than {BODY_BYTES} bytes")
    found: dict[str, Any] = {"bytes": float(len(body)), "readable": True}
    if members is None:
        return found
    if headers:
        _check_headers(headers)
    for json_name, sent in _object(body).items():
        if json_name in members:
            name, member = members[json_name]
            value = _value(member, sent)
            if value is not None:
                found[name] = value
    return found


def _check_headers(headers: Sequence[tuple[str, str]]) -> None:
    kinds = [value for name, value in headers if name == "content-type"]
    if kinds and (len(kinds) > 1 or not _JSON_TYPE.fullmatch(kinds[0])):
        raise _Unreadable("the content type is not application/json")
    if any(name == "content-encoding" for name, _ in headers):
        raise _Unreadable("the body is encoded")


_JSON_TYPE: Final = re.compile(r"(?i)application/json(?:;\s*charset=\"?utf-8\"?)?\s*")


def _object(body: bytes) -> dict[str, Any]:
    try:
        text = body.decode("utf-8").strip(_SPACE)
    except UnicodeDecodeError:
        raise _Unreadable("the body is not UTF-8") from None
    _check_depth(text)
    try:
        document, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        raise _Unreadable("the body is no JSON") from None
    if end != len(text):
        raise _Unreadable("the body is no JSON")
    if not isinstance(document, dict):
        raise _Unreadable("the body is no JSON object")
    if "\\u" in text:
        _check_characters(document)
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Unreadable("a member of the body stands there twice")
    return found


def _no_constant(_: str) -> Any:
    raise _Unreadable("the body is no JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=float)
_SPACE: Final = " \t\n\r"
"""What may stand around a value (RFC 8259 §2)."""
_HALF: Final = re.compile("[\ud800-\udfff]")


def _check_characters(value: Any) -> None:
    """A lone half of a surrogate pair is no character: readers differ on what it is (RFC 8259 §8.2).

    Only an escape can write one: UTF-8 has none (RFC 3629 §3).
    """
    if isinstance(value, str) and _HALF.search(value):
        raise _Unreadable("the body has half a character")
    if isinstance(value, dict | list):
        for one in [*value, *value.values()] if isinstance(value, dict) else value:
            _check_characters(one)


_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= DEPTH:
        return
    depth = 0
    for character in _STRING.sub("", text):
        if character in "[{":
            depth += 1
            if depth > DEPTH:
                raise _Unreadable(f"the body nests deeper than {DEPTH}")
        elif character in "]}":
            depth -= 1


def _value(member: Member, value: Any) -> Any:
    """What the attribute is; None when the member is missing or of another kind, so that nothing about it is proven."""
    if member.kind == "number":
        return value if isinstance(value, float) else None
    if not isinstance(value, str):
        return None
    if member.kind == "seconds":
        match = re.fullmatch(r"([0-9]{1,6})s", value)
        return float(match[1]) if match else None
    return value
