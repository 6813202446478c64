"""The action catalogue: names that a Databricks user knows, each with the request it stands for.

A name is `service.operation` as in the published `databricks-sdk`, so that a role reads like the
client code it permits.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True)
class Action:
    """One operation of the Databricks workspace API."""

    name: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    """Path template; `{name}` stands for one non-empty segment without a slash."""
    access: Literal["read", "write"]
    summary: str

    @property
    def prefix(self) -> str:
        """The constant part of the path before its first variable segment."""
        return self.path.partition("{")[0]

    @property
    def path_pattern(self) -> str | None:
        """RE2 pattern for the whole path, or None when the path has no variable segment.

        A segment is letters, digits and `-._~` (RFC 3986 unreserved): no `;` parameters, no escapes.
        """
        if "{" not in self.path:
            return None
        parts = re.split(r"\{[a-z_]+\}", self.path)
        return r"[A-Za-z0-9._~-]+".join(re.escape(part) for part in parts)


ACTIONS: Final[Mapping[str, Action]] = {
    action.name: action
    for action in (
        Action("current_user.me", "GET", "/api/2.0/preview/scim/v2/Me", "read", "Who the caller is in the workspace"),
        Action(
            "statement_execution.execute_statement", "POST", "/api/2.0/sql/statements", "write", "Run a SQL statement"
        ),
        Action(
            "statement_execution.get_statement",
            "GET",
            "/api/2.0/sql/statements/{statement_id}",
            "read",
            "A statement's state and first rows",
        ),
        Action(
            "statement_execution.get_statement_result_chunk_n",
            "GET",
            "/api/2.0/sql/statements/{statement_id}/result/chunks/{chunk_index}",
            "read",
            "More rows of a statement",
        ),
        Action(
            "statement_execution.cancel_execution",
            "POST",
            "/api/2.0/sql/statements/{statement_id}/cancel",
            "write",
            "Stop a statement",
        ),
        Action("warehouses.list", "GET", "/api/2.0/sql/warehouses", "read", "The SQL warehouses of the workspace"),
        Action("warehouses.get", "GET", "/api/2.0/sql/warehouses/{id}", "read", "One SQL warehouse"),
        Action("warehouses.start", "POST", "/api/2.0/sql/warehouses/{id}/start", "write", "Start a SQL warehouse"),
        Action("warehouses.stop", "POST", "/api/2.0/sql/warehouses/{id}/stop", "write", "Stop a SQL warehouse"),
    )
}


def action_of(method: str, path: str) -> Action | None:
    """The action that a request stands for, or None for one that the catalogue does not know.

    `path` is normalised and has no query. The gateway's routes decide the same way; a test holds the two together.
    """
    for action in ACTIONS.values():
        if action.method != method:
            continue
        pattern = action.path_pattern
        if path == action.path if pattern is None else re.fullmatch(pattern, path):
            return action
    return None


def expand(pattern: str) -> tuple[str, ...]:
    """The actions that a role's entry names: one action, or `service.*` for every action of that service.

    Empty when it names none.
    """
    if pattern.endswith(".*"):
        service = pattern.removesuffix("*")
        return tuple(name for name in ACTIONS if name.startswith(service))
    return (pattern,) if pattern in ACTIONS else ()
