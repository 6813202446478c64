"""Kinds of value that the model and the gateway's configuration share, and how a failure is told."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints, ValidationError

from lakelatch.errors import Finding

Location = tuple[int | str, ...]
"""Where a value stands: keys and list positions from the top of the document."""

NAME_PATTERN: Final = r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"
"""Names become Databricks policy ids, which take 0-9, a-z and hyphen, and DNS labels of at most 63 (RFC 1123 §2.1)."""


def _https(value: str) -> str:
    if not value.isprintable() or any(map(str.isspace, value)):
        raise ValueError("the address has white space or a character that does not show")  # which `urlsplit` drops
    parts = urlsplit(value)
    if not value.startswith("https:"):
        raise ValueError("the address does not begin with https://")
    if not parts.hostname:
        raise ValueError("the address has no host")
    if "*" in value:
        raise ValueError("the address has a wildcard; write it exactly as the token has it")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("the address has no port between 0 and 65535; correct the port") from None
    if parts.username or parts.password:
        raise ValueError("the address holds credentials")
    if "?" in value or "#" in value:
        raise ValueError("the address has a query or a fragment")
    return value


def _base(value: str) -> str:
    return value.rstrip("/")


def _origin(value: str) -> str:
    if urlsplit(value).path not in ("", "/"):
        raise ValueError("the address has a path; Databricks clients use the host alone")
    return value.rstrip("/")


Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
"""How services, roles, issuers and workspaces are called."""
HttpsUrl = Annotated[str, AfterValidator(_https)]
"""An https address, kept to the letter: an issuer's trailing slash matters."""
HttpsBase = Annotated[str, AfterValidator(_https), AfterValidator(_base)]
"""An https address that a path is added to, so without a slash at its end."""
HttpsOrigin = Annotated[str, AfterValidator(_https), AfterValidator(_origin)]
"""An https address that is scheme and host (and port) only."""


def one_of(names: Iterable[str], most: int = 12) -> str:
    """The names that would be right, as a part of a sentence."""
    known = sorted(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return f"it must be one of {(', '.join(known[:most]) or 'none, so add it first') + more}"


_EXPECTED: Final = {
    "extra_forbidden": ("is not a known key", "remove it, or see the model reference for the keys that exist here"),
    "missing": ("is missing", "add it"),
    "string_pattern_mismatch": ("has characters or a length that are not allowed", "it must match {pattern}"),
    "string_too_short": ("is empty", "give it a value"),
    "too_short": ("is empty", "list at least {min_length}"),
    "string_type": ("is not text", "write it as text, in quotes where YAML would read a number or a date"),
    "dict_type": ("is not a mapping", "write `key: value` lines below it"),
    "model_type": ("is not a mapping", "write `key: value` lines below it"),
    "model_attributes_type": ("is not a mapping", "write `key: value` lines below it"),
    "list_type": ("is not a list", "write it as `[one, two]` or as `- one` lines"),
    "tuple_type": ("is not a list", "write it as `[one, two]` or as `- one` lines"),
    "int_type": ("is not a whole number", "write a whole number"),
    "int_parsing": ("is not a whole number", "write a whole number"),
    "literal_error": ("is not one of the values allowed here", "it must be {expected}"),
    "union_tag_invalid": ("is of a kind that is not known", "its type must be one of {expected_tags}"),
    "union_tag_not_found": ("has no type", "say which with `type:`"),
    "greater_than_equal": ("is too small", "the least is {ge}"),
    "less_than_equal": ("is too large", "the most is {le}"),
}


def path_of(location: Location) -> str:
    """A location as a person writes it: `services.nightly-report.roles[0]`.

    A key with a character that does not show (a line break, a terminal's escape) is written with escapes: a report goes
    to terminals and build logs, which take some of them for commands.
    """
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{_shown(part)}" if text else _shown(part)
    return text


def _shown(key: str) -> str:
    return key if key.isprintable() else key.encode("unicode_escape").decode()


def _as_is(location: Location) -> Location:
    return location


def _nowhere(_: Location) -> tuple[int | None, str | None]:
    return None, None


def findings_of(
    error: ValidationError,
    clean: Callable[[Location], Location] = _as_is,
    place: Callable[[Location], tuple[int | None, str | None]] = _nowhere,
) -> list[Finding]:
    """What pydantic found, in the words of this project: place, what is wrong, what would be right; never the value.

    `clean` takes out of a location what the document does not have, `place` says on which line it stands, and in which
    file where that is not the document's own.
    """
    findings = []
    for detail in error.errors(include_url=False, include_input=False):
        location = clean(tuple(part for part in detail["loc"] if part != "[key]"))
        found, expected = _words(detail["type"], detail.get("ctx") or {}, detail["msg"])
        findings.append(Finding(path_of(location), found, expected, *place(location)))
    return findings


def _words(kind: str, context: dict[str, Any], message: str) -> tuple[str, str]:
    if kind == "value_error":
        text = str(context["error"])
        head, _, tail = text.partition("; ")
        return head, tail or "correct it"
    if kind in _EXPECTED:
        found, expected = _EXPECTED[kind]
        return found, expected.format(**context)
    return message[:1].lower() + message[1:], "correct it"
