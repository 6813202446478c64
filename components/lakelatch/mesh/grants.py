"""Which requests of which services another proxy may let through: never one that the gateway would refuse.

What cannot be said there exactly is left out and told, so that an export is at most narrower than its model.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lakelatch.access.actions import Request, in_match_order
from lakelatch.access.policy import Policy, Subject

Json = dict[str, Any]


@dataclass(frozen=True, order=True)
class LeftOut:
    """Something that the model lets through and an export does not."""

    service: str
    action: str
    """Empty: everything of the service."""
    request: str
    """Method and path template; empty: every request of the action."""
    reason: str


@dataclass(frozen=True)
class Export:
    """What another proxy is told, and what it cannot be told."""

    documents: tuple[Json, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    """What of the model the target cannot hold, whatever the documents say."""


@dataclass(frozen=True)
class Grants:
    """Requests that are let through whatever their headers and bodies are."""

    services: Mapping[Request, frozenset[str]]
    """Every request of the catalogue to those it is granted to; in the order in which the first that matches counts."""
    actions: Mapping[Request, str]
    left_out: tuple[LeftOut, ...]


def grants(policy: Policy) -> Grants:
    """What the roles grant, without what a rule decides about request by request."""
    left_out: list[LeftOut] = []
    granted: dict[str, set[str]] = {}
    for subject in policy.subjects.values():
        for action in subject.grants:
            rule = _enforced(policy, subject, action)
            if rule is None:
                granted.setdefault(action, set()).add(subject.name)
            else:
                left_out.append(LeftOut(subject.name, action, "", f"the rule '{rule}' decides about it"))
    rows = in_match_order()
    return Grants(
        {request: frozenset(granted.get(action.name, ())) for request, action in rows},
        {request: action.name for request, action in rows},
        tuple(left_out),
    )


def _enforced(policy: Policy, subject: Subject, action: str) -> str | None:
    """The first rule that can refuse a service an action; where everything is only observed, none can."""
    if policy.observes(subject):
        return None
    return next((check.rule for check in policy.checks(subject, action) if not check.observed), None)


def left_out(found: Grants, request: Request, services: Iterable[str], reason: str) -> list[LeftOut]:
    """Say for each service that a request is not in the export."""
    told = f"{request.method} {request.path}"
    return [LeftOut(name, found.actions[request], told, reason) for name in sorted(services)]


def shadowed(found: Grants) -> frozenset[Request]:
    """Requests whose pattern also fits what a more specific one is, which somebody of theirs may not do."""
    earlier: dict[str, list[Request]] = {}
    rows: set[Request] = set()
    for request, services in found.services.items():
        before = earlier.setdefault(request.method, [])
        if services and any(not services <= found.services[one] and overlap(one.path, request.path) for one in before):
            rows.add(request)
        before.append(request)
    return frozenset(rows)


_SEVERAL: Final = "...}"


def overlap(one: str, other: str) -> bool:
    """Whether a path can fit both templates; true as well where that is not certain."""
    left, right = one.split("/")[1:], other.split("/")[1:]
    for index in range(min(len(left), len(right))):
        if _SEVERAL in left[index] or _SEVERAL in right[index]:
            return True
        if not _fit(left[index], right[index]):
            return False
    return len(left) == len(right)


def _fit(one: str, other: str) -> bool:
    if not one.startswith("{") and not other.startswith("{"):
        return one == other
    ends = [segment.partition("}")[2] if segment.startswith("{") else segment for segment in (one, other)]
    return ends[0].endswith(ends[1]) or ends[1].endswith(ends[0])
