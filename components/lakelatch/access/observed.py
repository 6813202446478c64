"""From the audit trail of a gateway that observes to the smallest change of the model after which it can enforce.

Only what the trail tells counts: `observed` names what would have decided if nothing were observed. Lines of another
kind, and members that are not known here, are passed over.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from lakelatch.access.actions import ACTIONS
from lakelatch.access.decisions import RULE_DEFAULT_DENY, RULE_UNKNOWN_ACTION
from lakelatch.access.model import AccessModel

LINE_CHARACTERS: Final = 1_000_000
"""An audit line is below 100 KB; a longer one is none."""
_NAME: Final = 63
"""Characters of a role's name."""


@dataclass(frozen=True)
class Use:
    """Requests of one service for one action that one rule would have refused."""

    service: str
    action: str
    """Of a request that is no action: its method and path."""
    rule: str
    count: int
    first: str
    """Times as the trail has them, RFC 3339 in UTC, so that they sort as text."""
    last: str


@dataclass
class Trail:
    """What an audit trail tells, as far as something is observed."""

    uses: dict[tuple[str, str, str], Use] = field(default_factory=dict)
    lines: int = 0
    passed_over: int = 0
    """Lines that are no audit line."""
    observed: int = 0
    """Requests of services that are observed, refused or not."""

    def add(self, line: str) -> None:
        """Take one line into account."""
        self.lines += 1
        data = _object(line)
        if data is None:
            self.passed_over += 1
            return
        service, observed = _text(data, "service"), _text(data, "observed")
        if not service or not observed or _text(data, "decision") != "allow":
            return
        self.observed += 1
        if observed.startswith("role:"):
            return
        action = _text(data, "action")
        if observed == RULE_UNKNOWN_ACTION or not action:
            action = f"{_text(data, 'method')} {_text(data, 'path')}"
        time = _text(data, "time")
        key = (service, action, observed)
        known = self.uses.get(key)
        if known is None:
            self.uses[key] = Use(service, action, observed, 1, time, time)
        else:
            first, last = min(known.first, time), max(known.last, time)
            self.uses[key] = replace(known, count=known.count + 1, first=first, last=last)

    def of(self, service: str | None) -> list[Use]:
        """What would have been refused, of one service or all, in order."""
        rows = (use for use in self.uses.values() if service in (None, use.service))
        return sorted(rows, key=lambda use: (use.service, use.rule, use.action))


def read(lines: Iterable[str]) -> Trail:
    """Read an audit trail line by line; memory grows with what differs, not with the trail."""
    trail = Trail()
    for line in lines:
        trail.add(line)
    return trail


def _object(line: str) -> dict[str, Any] | None:
    if len(line) > LINE_CHARACTERS:
        return None
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) and value != "-" else ""


@dataclass(frozen=True)
class Proposal:
    """What a service needs, and how it gets it."""

    service: str
    actions: tuple[str, ...]
    """What it used and no role of it has."""
    role: str
    """An existing role that has all of it, or a new one."""
    new: bool
    more: int = 0
    """Actions of an existing role that the service neither used nor has."""


def proposals(model: AccessModel, uses: Iterable[Use]) -> list[Proposal]:
    """The smallest change: for each service the existing role that adds least, or else a new one with what was used."""
    needed: dict[str, set[str]] = {}
    for use in uses:
        if use.rule == RULE_DEFAULT_DENY and use.service in model.services and _grantable(use.action):
            needed.setdefault(use.service, set()).add(use.action)
    made: dict[tuple[str, ...], str] = {}
    found = []
    for service, actions in sorted(needed.items()):
        has = {action for granted in model.actions(service).values() for action in granted}
        missing = tuple(sorted(actions - has))
        if missing:
            found.append(_proposal(model, service, has, missing, made))
    return found


def _proposal(
    model: AccessModel, service: str, has: set[str], missing: tuple[str, ...], made: dict[tuple[str, ...], str]
) -> Proposal:
    place = model.services[service].workspace
    covering = []
    for name, role in model.roles.items():
        if role.workspace in (None, place):
            actions = set(model.actions_of((name,))[name])
            if actions.issuperset(missing):
                covering.append((len(actions - has - set(missing)), name))
    if covering:
        more, role_name = min(covering)
        return Proposal(service, missing, role_name, False, more)
    if missing not in made:
        made[missing] = _free_name(f"{service[: _NAME - len('-observed-99')]}-observed", {*model.roles, *made.values()})
    return Proposal(service, missing, made[missing], True)


def _free_name(name: str, taken: set[str]) -> str:
    number = 1
    free = name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def _grantable(action: str) -> bool:
    return action in ACTIONS and ACTIONS[action].scope == "workspace"


def yaml_of(model: AccessModel, wanted: Iterable[Proposal]) -> Iterator[str]:
    """The lines of a proposal as a part of the model; a service's `roles` are its present ones and the added one."""
    rows = list(wanted)
    new = {row.role: row for row in rows if row.new}
    if new:
        yield "roles:"
    for name, row in new.items():
        services = [one.service for one in rows if one.role == name]
        yield f"  {name}:"
        yield f"    description: What {', '.join(services)} used while observed"
        yield "    actions:"
        yield from (f"      - {action}" for action in row.actions)
    if rows:
        yield "services:"
    for row in rows:
        yield f"  {row.service}:"
        comment = f" # '{row.role}' has {row.more} more actions than were used" if row.more else ""
        yield f"    roles: [{', '.join((*model.services[row.service].roles, row.role))}]{comment}"
