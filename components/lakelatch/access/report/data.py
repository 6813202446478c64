"""What a report shows, as compact plain data: each fact once, everything else by its number.

Who may do what is told from `Reach`, which is made from what `decide()` asks. Identities with the same reach share it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lakelatch.access import summary
from lakelatch.access.actions import ACTIONS
from lakelatch.access.diff.of_model import of_model
from lakelatch.access.diff.pieces import plain
from lakelatch.access.diff.snapshot import Identity, Snapshot
from lakelatch.access.diff.words import demanded, telling
from lakelatch.access.model import AccessModel
from lakelatch.access.reach import Reach
from lakelatch.access.remedies import window
from lakelatch.access.rules import Rule
from lakelatch.access.summary import OWN_TOKEN
from lakelatch.access.terms import Terms

NUMBERS: Final = {name: number for number, name in enumerate(ACTIONS)}
"""Action to its number."""


@dataclass
class _Table:
    """Rows by number, each once."""

    rows: list[Any] = field(default_factory=list)
    _numbers: dict[Any, int] = field(default_factory=dict)

    def known(self, key: Any) -> int | None:
        return self._numbers.get(key)

    def number(self, key: Any, row: Any) -> int:
        if key not in self._numbers:
            self._numbers[key] = len(self.rows)
            self.rows.append(row)
        return self._numbers[key]


def data(model: AccessModel, source: str) -> dict[str, Any]:
    """Everything that the page shows; `source` is the model's name for readers.

    Rows are lists, in the order that `page.js` reads them in:

    - `actions`: name, access, risk, summary
    - `roles`: name, description, group, entitlements, grants
    - `terms`: sentences, all of which have to hold
    - `reaches`: parts of a role, a row of terms, and runs of actions' numbers as `first, count, first, count, …`
    - `who`: name, kind, workspace, how it comes, mode, roles, reach or none, assurance, trusts
    - `trusts`: who, by, issuer, audiences, subject, subject claim
    - `rules`: name, description, mode, whom it is about, actions, what it asks
    """
    snapshot = of_model(model)
    roles = {name: number for number, name in enumerate(model.roles)}
    trusts: dict[tuple[str, str], list[int]] = {}
    rows = list(summary.trusted(model))
    for number, row in enumerate(rows):
        kind = "people" if row.users else "service"
        for one in row.who.split(", "):
            trusts.setdefault((kind, one), []).append(number)
    reaches, terms = _Table(), _Table()
    who = list(_who(model, snapshot, roles, trusts, reaches, terms))
    return {
        "source": source,
        "gateway": model.gateway.host if model.gateway else None,
        "observed": bool(model.gateway and model.gateway.mode == "observe"),
        "lifetime": model.lifetimes.gateway_token_seconds,
        "actions": [[one.name, one.access, one.risk, one.summary] for one in ACTIONS.values()],
        "roles": list(_roles(model)),
        "terms": terms.rows,
        "reaches": reaches.rows,
        "who": who,
        "trusts": [
            [one.who, one.by, one.trust.issuer, list(one.trust.audiences), one.trust.subject, one.trust.subject_claim]
            for one in rows
        ],
        "rules": [_rule(*one) for one in summary.asked_rules(model)],
    }


def _who(
    model: AccessModel,
    snapshot: Snapshot,
    roles: dict[str, int],
    trusts: dict[tuple[str, str], list[int]],
    reaches: _Table,
    terms: _Table,
) -> Iterator[list[Any]]:
    identities = {name: identity for identity, name in snapshot.services.items()}
    of_people = {name: key for key, name in snapshot.people.items()}
    for name, service in model.services.items():
        identity = identities.get(name)
        reach = snapshot.reach(identity) if identity else None
        yield [
            name,
            "service",
            service.workspace,
            service.via,
            service.mode,
            [roles[role] for role in service.roles],
            _reach(reach, roles, reaches, terms),
            None,
            trusts.get(("service", name), []),
        ]
    for name, people in model.people.items():
        issuer, group = of_people[name]
        checked = snapshot.policy.people.get(issuer)
        reach = snapshot.reach(Identity(issuer, "", checked.groups_claim, (group,))) if checked else None
        held = [roles[role] for role in people.roles]
        told = _reach(reach, roles, reaches, terms)
        yield [
            name,
            "people",
            None,
            OWN_TOKEN,
            "enforce",
            held,
            told,
            people.assurance,
            trusts.get(("people", name), []),
        ]


def _reach(reach: Reach | None, roles: dict[str, int], reaches: _Table, terms: _Table) -> int | None:
    """The number of what somebody may do; None where the gateway does not check it."""
    if reach is None:
        return None
    key = (tuple(reach.subject.roles.items()), tuple(reach.terms), tuple(reach.terms.values()))
    if (known := reaches.known(key)) is not None:
        return known
    parts: dict[tuple[int, int], list[int]] = {}
    for action, asked in reach.terms.items():
        role = roles.get(reach.subject.grants.get(action, ""), -1)
        parts.setdefault((role, _terms(asked, terms)), []).append(NUMBERS[action])
    return reaches.number(key, [[role, asked, runs(sorted(rows))] for (role, asked), rows in sorted(parts.items())])


def _terms(asked: Terms, terms: _Table) -> int:
    told = sorted(plain(demanded(one)) for one in telling(asked))
    return terms.number(tuple(told), told)


def runs(numbers: Sequence[int]) -> list[int]:
    """Ascending numbers as `first, count, first, count, …`."""
    found: list[int] = []
    for number in numbers:
        if found and found[-2] + found[-1] == number:
            found[-1] += 1
        else:
            found += [number, 1]
    return found


def _roles(model: AccessModel) -> Iterator[list[Any]]:
    for name, role in model.roles.items():
        grants = [f"{', '.join(one.privileges)} on {' '.join(one.securable)}" for one in role.grants]
        group = role.group.name if role.group else None
        yield [name, role.description, group, list(role.entitlements), grants]


def _rule(name: str, rule: Rule, services: Iterable[str], groups: Iterable[str]) -> list[Any]:
    limit = rule.limit.model_dump(mode="json", exclude_unset=True) if rule.limit else {}
    asks = [
        f"only {window(rule)}" if rule.during else "",
        "refuses always" if rule.deny is True else f"refuses unless proven false: {rule.deny}" if rule.deny else "",
        f"refuses unless proven true: {rule.require}" if rule.require else "",
        *(f"at most or only: {key} {_listed(value)}" for key, value in limit.items()),
        f"only from {', '.join(rule.networks)}" if rule.networks else "",
    ]
    everybody = not (rule.for_.services or rule.for_.roles or rule.for_.environments)
    about = [] if everybody else [*services, *groups]
    return [name, rule.description, rule.mode, about, list(rule.for_.actions), [one for one in asks if one]]


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
