"""Faults on request in front of any double: latency, throttling, outages and dropped connections.

The switches live in memory: a restart ends them all.
"""

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from fnmatch import translate
from typing import Any, Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

FIELDS: Final[Mapping[str, str]] = {
    "double": "which double: its name, or `*` for all but the control double",
    "path": "a pattern of paths with `*` and `?`; by default every path",
    "method": "an HTTP method; by default every method",
    "count": "how many requests it strikes; by default all, until it is deleted",
    "latency_seconds": "how long a request waits first; alone, it is then answered as usual",
    "status": "the status of the refusal, in the vendor's shape: 4xx or 5xx",
    "retry_after_seconds": "the refusal's `Retry-After`",
    "drop": "true: the connection is cut without an answer",
}
MAX_LATENCY_SECONDS: Final = 300
"""Longer than any client of ours waits."""

MAX_FAULTS: Final = 100

_CODES: Final[Mapping[int, str]] = {
    429: "REQUEST_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    502: "BAD_GATEWAY",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_GRAPH_CODES: Final[Mapping[int, str]] = {
    429: "TooManyRequests",
    500: "InternalServerError",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}

Sleep = Callable[[float], Awaitable[None]]
Cut = Callable[[tuple[str, int]], None]
"""Cuts the connection of a client, given by its address and port."""


@dataclass
class Fault:
    """One switch; `FIELDS` says what the members mean."""

    id: str
    double: str
    path: str = "*"
    method: str | None = None
    count: int | None = None
    latency_seconds: float = 0.0
    status: int | None = None
    retry_after_seconds: int | None = None
    drop: bool = False
    struck: int = 0
    """How many requests it has struck so far."""

    def strikes(self, double: str, method: str, path: str) -> bool:
        """Whether it is for this request."""
        return (
            self.double in ("*", double)
            and self.method in (None, method)
            and (self.count is None or self.struck < self.count)
            and re.match(translate(self.path), path) is not None
        )


def parse(body: Any, id: str, doubles: tuple[str, ...]) -> Fault:
    """The fault that a request describes; raises `ValueError` with what is wrong in it."""
    if not isinstance(body, dict):
        raise ValueError("the body must be an object")
    unknown = sorted(body.keys() - FIELDS.keys())
    if unknown:
        raise ValueError(f"there is no `{str(unknown[0])[:50]}`; a fault has {', '.join(FIELDS)}")
    given = {name: value for name, value in body.items() if value is not None}
    if given.get("double") not in (*doubles, "*"):
        raise ValueError(f"`double` must be one of {', '.join(doubles)} or `*`")
    for name, kind, least, most in (
        ("count", int, 1, 10**9),
        ("latency_seconds", (int, float), 0, MAX_LATENCY_SECONDS),
        ("status", int, 400, 599),
        ("retry_after_seconds", int, 0, 86_400),
    ):
        value = given.get(name, least)
        if isinstance(value, bool) or not isinstance(value, kind) or not least <= value <= most:
            raise ValueError(f"`{name}` must be a number from {least} to {most}")
    for name in ("path", "method"):
        if not isinstance(given.get(name, ""), str) or len(given.get(name, "")) > 1000:
            raise ValueError(f"`{name}` must be a text")
    if not isinstance(given.get("drop", False), bool):
        raise ValueError("`drop` must be true or false")
    if not (given.get("latency_seconds") or given.get("status") or given.get("drop")):
        raise ValueError("a fault needs `latency_seconds`, `status` or `drop`")
    return Fault(id=id, **{**given, "method": given["method"].upper() if "method" in given else None})


def refusal(fault: Fault, double: str, path: str) -> JSONResponse:
    """The answer of a fault with a status, in the shape of the double's vendor."""
    status = fault.status or 500
    message = f"Fault {fault.id} of the sandbox's control double answers this request with status {status}."
    code = _CODES.get(status, "INTERNAL_ERROR" if status >= 500 else "BAD_REQUEST")
    body: dict[str, Any] = {"error_code": code, "message": message}
    if double == "graph":
        body = {"error": {"code": _GRAPH_CODES.get(status, "UnknownError"), "message": message}}
    elif double == "entra" or path.startswith("/oidc/"):
        body = {"error": "temporarily_unavailable", "error_description": message}
    elif "/scim/" in path:
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "detail": message, "status": str(status)}
    elif double == "cluster":
        body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": status}
    headers = {} if fault.retry_after_seconds is None else {"Retry-After": str(fault.retry_after_seconds)}
    return JSONResponse(body, status, headers)


class Faults:
    """The switches of one running sandbox, and the middleware that obeys them."""

    def __init__(self, sleep: Sleep = asyncio.sleep) -> None:
        self._sleep = sleep
        self._faults: dict[str, Fault] = {}
        self._ids = itertools.count(1)
        self._doubles: tuple[str, ...] = ()
        self.cut: dict[str, Cut] = {}
        """By double; filled in by who runs the servers."""

    def add(self, body: Any) -> dict[str, Any]:
        """Switch a fault on; raises `ValueError`."""
        if len(self._faults) >= MAX_FAULTS:
            raise ValueError(f"there are {MAX_FAULTS} faults already; delete some")
        fault = parse(body, str(next(self._ids)), self._doubles)
        self._faults[fault.id] = fault
        return asdict(fault)

    def remove(self, id: str | None) -> bool:
        """Switch one off, or all; False when there is none with this id."""
        if id is None:
            self._faults.clear()
            return True
        return self._faults.pop(id, None) is not None

    def described(self) -> dict[str, Any]:
        """Every fault, and how to make one."""
        faults = [asdict(one) for one in self._faults.values()]
        return {"faults": faults, "doubles": [*self._doubles, "*"], "fields": dict(FIELDS)}

    def in_front_of(self, double: str, application: ASGIApp) -> ASGIApp:
        """The application behind the switches of its double."""
        self._doubles = (*self._doubles, double)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            # almost always there is none: this costs a look at an empty dict
            fault = self._next(double, scope) if self._faults and scope["type"] == "http" else None
            if fault is None:
                await application(scope, receive, send)
                return
            fault.struck += 1
            if fault.latency_seconds:
                await self._sleep(fault.latency_seconds)
            if fault.drop:
                self.cut[double](tuple(scope["client"]))
                while (await receive())["type"] != "http.disconnect":
                    pass
            elif fault.status is not None:
                await refusal(fault, double, scope["path"])(scope, receive, send)
            else:
                await application(scope, receive, send)

        return answer

    def _next(self, double: str, scope: Scope) -> Fault | None:
        """The oldest fault that is for this request."""
        faults = self._faults.values()
        return next((one for one in faults if one.strikes(double, scope["method"], scope["path"])), None)
