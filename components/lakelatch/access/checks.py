"""From a rule to a check: for one action, the conditions that have to be proven of a request."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from lakelatch.access.rules import Limit, Rule, in_window

OPAQUE: Final = "false"
"""The condition of a bound that cannot be seen in a request: it is refused."""


class Condition(NamedTuple):
    """One thing that must be proven."""

    key: str
    """The rule's key that asks it: `deny`, `require`, `limit.row_limit`."""
    text: str
    """CEL that must come to `true`."""


@dataclass(frozen=True)
class Check:
    """What one rule asks of a request: `unless`, or all of the rest."""

    rule: str
    conditions: tuple[Condition, ...]
    unless: str = ""
    """CEL; where it comes to `true` nothing else is asked. Empty: always asked."""
    networks: tuple[str, ...] = ()
    """Where the request must come from; empty means anywhere."""
    observed: bool = False
    """Only told, not enforced."""

    @cached_property
    def condition(self) -> str:
        """All conditions as one."""
        return " && ".join(f"({one.text})" for one in self.conditions) or "true"

    @cached_property
    def reads_body(self) -> bool:
        """Whether it speaks of the body: then nothing holds of a body that could mean more than one thing."""
        return bool(_BODY.search(self.condition))

    @cached_property
    def inspects(self) -> bool:
        """Whether something has to be read out of the request first."""
        return self.reads_body or bool(_PATH.search(self.condition))


_BODY: Final = re.compile(r"\bbody\b")
_PATH: Final = re.compile(r"\bpath\b")
"""A word within a text that is quoted counts as well: then more is read than is needed, never less."""

STATEMENT: Final = "statement_execution.execute_statement"
WAREHOUSES_BY_PATH: Final = frozenset(
    {
        "warehouses.get",
        "warehouses.start",
        "warehouses.stop",
        "warehouses.edit",
        "warehouses.delete",
        "thrift.query_warehouse",
    }
)
"""Actions whose path names the warehouse."""
JOBS_BY_BODY: Final = frozenset({"jobs.run_now"})
ENDPOINTS: Final[Mapping[str, str]] = {
    "serving_endpoints.query": "path.name",
    "open_ai.chat_completions": "body.model",
    "open_ai.completions": "body.model",
    "open_ai.embeddings": "body.model",
    "open_ai.responses": "body.model",
}
"""Actions to where they name the serving endpoint."""


def check(name: str, rule: Rule, action: str) -> Check:
    """What a rule asks of requests for an action that it is about."""
    conditions = []
    if rule.deny is not None:
        conditions.append(Condition("deny", OPAQUE if rule.deny is True else f"!({rule.deny})"))
    if rule.require is not None:
        conditions.append(Condition("require", rule.require))
    if rule.limit is not None:
        conditions += [Condition(f"limit.{key}", text) for key, text in _limits(rule.limit, action)]
    unless = "" if rule.during is None else f"!({in_window(rule.during)})"
    return Check(name, tuple(conditions), unless, rule.networks, rule.mode == "observe")


def _limits(limit: Limit, action: str) -> Iterator[tuple[str, str]]:
    """Each bound that is set with what it asks of requests for an action."""
    statement, job = action == STATEMENT, action in JOBS_BY_BODY
    for attribute in ("row_limit", "byte_limit", "wait_seconds"):
        bound = getattr(limit, attribute)
        if bound is not None:
            # What a statement does not say is what Databricks takes for it: no bound on rows, and 10 s of waiting.
            otherwise = " || !has(body.wait_seconds)" if attribute == "wait_seconds" and bound >= _DEFAULT_WAIT else ""
            yield attribute, f"body.{attribute} <= {bound}{otherwise}" if statement else OPAQUE
    if limit.dispositions:
        said = "(has(body.disposition) ? body.disposition : 'INLINE')"
        yield "dispositions", f"{said} in {_list(limit.dispositions)}" if statement else OPAQUE
    for attribute, names in (("catalog", limit.catalogs), ("schema", limit.schemas)):
        if names:
            yield f"{attribute}s", f"body.{attribute} in {_list(names)}" if statement else OPAQUE
    if limit.warehouses:
        seen = {STATEMENT: "body.warehouse_id"} | dict.fromkeys(WAREHOUSES_BY_PATH, "path.id")
        yield "warehouses", f"{seen[action]} in {_list(limit.warehouses)}" if action in seen else OPAQUE
    if limit.jobs:
        yield "jobs", f"body.job_id in [{', '.join(map(str, limit.jobs))}]" if job else OPAQUE
    if limit.endpoints:
        yield "endpoints", f"{ENDPOINTS[action]} in {_list(limit.endpoints)}" if action in ENDPOINTS else OPAQUE
    if limit.body_bytes is not None:
        yield "body_bytes", f"body.bytes <= {limit.body_bytes}"


_DEFAULT_WAIT: Final = 10
"""Seconds that a statement without `wait_timeout` holds its request (databricks-sdk-py `service/sql.py`)."""


def _list(values: tuple[str, ...]) -> str:
    return "[" + ", ".join(_quoted(value) for value in values) + "]"


def _quoted(value: str) -> str:
    """A CEL string literal (cel-spec, "String and Bytes Values")."""
    escaped = "".join(_ESCAPES.get(character, character) for character in value)
    return f"'{escaped}'"


_ESCAPES: Final[Mapping[str, str]] = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
