"""Who can do what, as rows: what the report, the table and other tools show of a model."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lakelatch.access.actions import expand
from lakelatch.access.model import AccessModel
from lakelatch.access.model_policy import people_of, policy_of
from lakelatch.access.persons import Person
from lakelatch.access.policy import Policy, Subject, concerns
from lakelatch.access.rules import Rule
from lakelatch.access.trusts import Trust, account_trusts, principal_trust, workload_trust

OWN_TOKEN = "own token"  # noqa: S105 - words, not a secret
"""How people come: their own token, exchanged by the account-wide trust of their issuer, at the gateway or without."""

GATEWAY, DATABRICKS, ACCOUNT = "the gateway", "Databricks", "the Databricks account"
"""Who trusts a token."""


@dataclass(frozen=True)
class Right:
    """One role of one service or group of people."""

    who: str
    kind: str
    """`service` or `people`."""
    workspace: str | None
    """Where; None for a role that gives nothing at Databricks."""
    via: str
    """`gateway`, `direct`, or `own token` for people."""
    role: str
    actions: tuple[str, ...]
    """What the gateway lets through, as the role says it; see `checked`."""
    group: str | None
    """The Databricks group that has the rights."""
    entitlements: tuple[str, ...]
    grants: tuple[str, ...]
    """Unity Catalog privileges, as in `USE_SCHEMA, SELECT on schema main.sales`."""
    assurance: str | None = None
    """How surely people must have signed in."""
    at_gateway: bool = False
    """Whether the gateway lets through what the role says: also to people, who can go round it."""

    @property
    def checked(self) -> bool:
        """Whether the gateway checks the actions always; where not, only the group's rights count without it."""
        return self.via == "gateway"

    @property
    def every_action(self) -> tuple[str, ...]:
        """The actions one by one."""
        return tuple(dict.fromkeys(action for pattern in self.actions for action in expand(pattern)))


@dataclass(frozen=True)
class Trusted:
    """Whose tokens stand for somebody."""

    who: str
    by: str
    """Who trusts: the gateway, Databricks for a service principal, or the Databricks account for its users."""
    trust: Trust
    users: bool = False
    """Whether the subject is any user's, not one service's."""


def rights(model: AccessModel) -> Iterator[Right]:
    """Every role of everybody, in the model's order: services, then people."""
    for name, service in model.services.items():
        for role in service.roles:
            right = _right(model, name, "service", service.workspace, service.via, role)
            yield replace(right, at_gateway=right.checked)
    for name, people in model.people.items():
        here = roles_at_gateway(model, name)
        for role in people.roles:
            right = _right(model, name, "people", model.workspace_of(role), OWN_TOKEN, role)
            yield replace(right, assurance=people.assurance, at_gateway=role in here)


def roles_at_gateway(model: AccessModel, people: str) -> tuple[str, ...]:
    """The roles by which the gateway lets a group of people through."""
    row = model.people[people]
    found = people_of(model).get(row.issuer)
    return found.groups.get(row.identity_provider_group, ()) if found else ()


def trusted(model: AccessModel) -> Iterator[Trusted]:
    """Every trust that stands for somebody: services' at Databricks, people's account-wide, and both at the gateway."""
    for name, service in model.services.items():
        if service.via == "gateway":
            yield Trusted(name, GATEWAY, workload_trust(model, name))
        yield Trusted(name, DATABRICKS, principal_trust(model, name)[1])
    for issuer, trust in account_trusts(model):
        people = [name for name, row in model.people.items() if row.issuer == issuer]
        if here := [name for name in people if roles_at_gateway(model, name)]:
            yield Trusted(", ".join(here), GATEWAY, trust, users=True)
        yield Trusted(", ".join(people) or f"users of {issuer}", ACCOUNT, trust, users=True)


def ways_round(model: AccessModel) -> list[str]:
    """Who goes round the gateway, so that nothing checks their actions."""
    return list(dict.fromkeys(right.who for right in rights(model) if not right.checked))


def asked_rules(model: AccessModel) -> Iterator[tuple[str, Rule, list[str], list[str]]]:
    """Every rule in the order in which they are asked, each with the services and groups of people it is about."""
    policy = policy_of(model)
    groups = {name: _group(model, policy, name) for name in _people_at_gateway(model)}
    for name, rule in policy.rules.items():
        services = [one.name for one in policy.subjects.values() if concerns(rule.for_, one)]
        yield name, rule, services, [group for group, one in groups.items() if concerns(rule.for_, one)]


def _people_at_gateway(model: AccessModel) -> list[str]:
    return [name for name in model.people if roles_at_gateway(model, name)]


def _group(model: AccessModel, policy: Policy, name: str) -> Subject:
    """Somebody who is in this group alone."""
    row = model.people[name]
    people = policy.people[model.issuers[row.issuer].issuer]
    return Person(people, (row.identity_provider_group,)).subject


def observed(model: AccessModel) -> list[str]:
    """The services, and groups of people at the gateway, to which nothing is refused yet, only told."""
    policy = policy_of(model)
    people = [name for name in _people_at_gateway(model) if policy.observes(_group(model, policy, name))]
    return [*(one.name for one in policy.subjects.values() if policy.observes(one)), *people]


def plain(model: AccessModel) -> dict[str, Any]:
    """All of it as plain data, for other tools; the keys are those of the rows."""
    return {
        "rights": [
            {**_fields(right), "checked": right.checked, "every_action": right.every_action} for right in rights(model)
        ],
        "trusts": [{"who": row.who, "by": row.by, "users": row.users, **_fields(row.trust)} for row in trusted(model)],
        "ways_round": ways_round(model),
        "rules": [
            {
                "rule": name,
                "services": services,
                "people": people,
                **rule.model_dump(mode="json", by_alias=True, exclude_unset=True),
            }
            for name, rule, services, people in asked_rules(model)
        ],
        "observed": observed(model),
    }


def _fields(row: Right | Trust) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def _right(model: AccessModel, who: str, kind: str, workspace: str | None, via: str, name: str) -> Right:
    role = model.roles[name]
    grants = (f"{', '.join(grant.privileges)} on {' '.join(grant.securable)}" for grant in role.grants)
    group = role.group.name if role.group else None
    return Right(who, kind, workspace, via, name, role.actions, group, role.entitlements, tuple(grants))
