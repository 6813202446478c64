"""What an action is: a name that a Databricks user knows, and the requests that it stands for."""

from dataclasses import dataclass
from typing import Literal

from lakelatch.access.requests import Method, Request

Access = Literal["read", "write"]
Risk = Literal["low", "medium", "high"]
Scope = Literal["workspace", "account"]


@dataclass(frozen=True, slots=True)
class Action:
    """One operation of the Databricks API."""

    name: str
    """`service.operation`, as client code of the published `databricks-sdk` calls it."""
    requests: tuple[Request, ...]
    """What clients send for it; the first is what the SDK sends."""
    access: Access
    risk: Risk
    summary: str
    aliases: tuple[str, ...] = ()
    """Other operations of the SDK that send the same request, so that nothing can tell them apart."""
    scope: Scope = "workspace"
    """`account` for an operation of the account's API, which a gateway of a workspace knows but never lets through."""

    @property
    def service(self) -> str:
        """The name without the operation."""
        return self.name.rpartition(".")[0]

    @property
    def method(self) -> Method:
        """The method of the first request."""
        return self.requests[0].method

    @property
    def path(self) -> str:
        """The path template of the first request."""
        return self.requests[0].path

    @property
    def prefix(self) -> str:
        """The constant part of the first request's path."""
        return self.requests[0].prefix

    @property
    def path_pattern(self) -> str | None:
        """The pattern of the first request's path."""
        return self.requests[0].path_pattern


def requests(*lines: str) -> tuple[Request, ...]:
    """Requests from texts such as `GET /api/2.0/sql/warehouses/{id}`."""
    return tuple([Request(*line.split(" ")) for line in lines])  # type: ignore[arg-type]


def row(line: str) -> Action:
    """The action of one line of tab-separated text: name, scope, access, risk, requests, aliases, summary."""
    name, scope, access, risk, sent, aliases, summary = line.split("\t")
    other_names = tuple(aliases.split(", ")) if aliases else ()
    return Action(name, requests(*sent.split(", ")), access, risk, summary, other_names, scope)  # type: ignore[arg-type]
