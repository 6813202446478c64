"""The action catalogue: everything that clients ask of Databricks, under names that their users know.

A name is `service.operation` as in the published `databricks-sdk`, so that a role reads like the client code it
permits. Most of it is made from the SDK's source by `tools/catalogue.py`; what the SDK lacks is written by hand.

Operations of the account's API are here so that a refusal and the audit can name them, but a role cannot have them:
a gateway stands before one workspace, with tokens for that workspace.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path
from typing import Final

from lakelatch.access import mlflow_actions, other_actions
from lakelatch.access.action import Access, Action, Risk, Scope, row
from lakelatch.access.action_groups import PATTERNS
from lakelatch.access.request_index import RequestIndex
from lakelatch.access.requests import LEGAL_PATH, Method, Request

__all__ = [
    "ACTIONS",
    "ALIASES",
    "GRANTABLE",
    "GROUPS",
    "LEGAL_PATH",
    "SDK_VERSION",
    "Access",
    "Action",
    "Method",
    "Request",
    "Risk",
    "Scope",
    "action_of",
    "expand",
    "expand_all",
    "in_match_order",
]


def _catalogue(lines: list[str]) -> dict[str, Action]:
    """The actions by name, with what clients send beside the SDK's own request."""
    actions = {action.name: action for action in chain(map(row, lines), other_actions.ACTIONS, mlflow_actions.ACTIONS)}
    more = {**other_actions.MORE_REQUESTS, **mlflow_actions.MORE_REQUESTS}
    for name, requests in more.items():
        actions[name] = replace(actions[name], requests=(*actions[name].requests, *requests))
    for name, action in actions.items():
        older = other_actions.older(action.requests)
        if older:
            actions[name] = replace(action, requests=(*action.requests, *older))
    return {name: actions[name] for name in sorted(actions)}


_FIRST, *_LINES = Path(__file__).with_name("sdk_actions.tsv").read_text(encoding="utf-8").splitlines()

SDK_VERSION: Final = _FIRST.removeprefix("databricks-sdk ")
"""The version of `databricks-sdk` that the catalogue was made from."""

ACTIONS: Final[Mapping[str, Action]] = _catalogue(_LINES)
"""Every action by its name."""

ALIASES: Final[Mapping[str, str]] = {alias: action.name for action in ACTIONS.values() for alias in action.aliases}
"""Other names to the action's own."""

GRANTABLE: Final[tuple[str, ...]] = tuple(name for name, action in ACTIONS.items() if action.scope == "workspace")
"""The actions that a role can have."""


@cache
def _index() -> RequestIndex[Action]:
    """Made when it is first needed: whoever only checks a model does not."""
    return RequestIndex((request, action) for action in ACTIONS.values() for request in action.requests)


def action_of(method: str, path: str) -> Action | None:
    """The action that a request stands for, or None for one that the catalogue does not know.

    `path` is normalised and has no query. Of several that match it is the most specific, as in `in_match_order`. The
    gateway's routes decide the same way; a test holds the two together.
    """
    return _index().find(method, path)


def in_match_order() -> tuple[tuple[Request, Action], ...]:
    """Every request with its action, in an order in which the first that matches is the one of `action_of`."""
    rows = ((request, action) for action in ACTIONS.values() for request in action.requests)
    return tuple(sorted(rows, key=lambda row: (row[0].specificity, row[0].method)))


def expand(pattern: str) -> tuple[str, ...]:
    """The actions that a role's entry names: one action, all of a service, or a group.

    `service.*` has every action whose own name starts so; an alias stands for its action by its whole name only.
    Empty when it names none, or none that a role can have.
    """
    if pattern in GROUPS:
        return GROUPS[pattern]
    return _named(pattern)


@lru_cache(maxsize=4096)
def expand_all(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The actions that a role's entries name together, each once; services share roles, so it is remembered."""
    return tuple(dict.fromkeys(action for pattern in patterns for action in expand(pattern)))


def _named(pattern: str) -> tuple[str, ...]:
    if pattern.endswith(".*"):
        service = pattern.removesuffix("*")
        return tuple(name for name in GRANTABLE if name.startswith(service))
    name = ALIASES.get(pattern, pattern)
    return (name,) if name in ACTIONS and ACTIONS[name].scope == "workspace" else ()


def _low_risk_reads() -> tuple[str, ...]:
    return tuple(name for name in GRANTABLE if (ACTIONS[name].access, ACTIONS[name].risk) == ("read", "low"))


GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "all:low-risk-reads": _low_risk_reads(),
    **{
        group: tuple(sorted({name for pattern in patterns for name in _named(pattern)}))
        for group, patterns in PATTERNS.items()
    },
}
"""Groups of actions across services, each with its actions in order."""
