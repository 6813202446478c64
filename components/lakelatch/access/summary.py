"""Who can do what, as rows: what the report, the table and other tools show of a model."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lakelatch.access.actions import expand
from lakelatch.access.model import AccessModel
from lakelatch.access.trusts import Trust, account_trusts, principal_trust, workload_trust

OWN_TOKEN = "own token"  # noqa: S105 - words, not a secret
"""How people come: their own token, exchanged by the account-wide trust of their issuer."""

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

    @property
    def checked(self) -> bool:
        """Whether the gateway checks the actions; where not, only the group's rights count."""
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


def rights(model: AccessModel) -> Iterator[Right]:
    """Every role of everybody, in the model's order: services, then people."""
    for name, service in model.services.items():
        for role in service.roles:
            yield _right(model, name, "service", service.workspace, service.via, role)
    for name, people in model.people.items():
        for role in people.roles:
            yield _right(model, name, "people", model.workspace_of(role), OWN_TOKEN, role, people.assurance)


def trusted(model: AccessModel) -> Iterator[Trusted]:
    """Every trust that stands for somebody: a service's at Databricks and at the gateway, people's account-wide."""
    for name, service in model.services.items():
        if service.via == "gateway":
            yield Trusted(name, GATEWAY, workload_trust(model, name))
        yield Trusted(name, DATABRICKS, principal_trust(model, name)[1])
    for issuer, trust in account_trusts(model):
        people = [name for name, row in model.people.items() if row.issuer == issuer]
        yield Trusted(", ".join(people) or f"users of {issuer}", ACCOUNT, trust)


def ways_round(model: AccessModel) -> list[str]:
    """Who goes round the gateway, so that nothing checks their actions."""
    return list(dict.fromkeys(right.who for right in rights(model) if not right.checked))


def plain(model: AccessModel) -> dict[str, Any]:
    """All of it as plain data, for other tools; the keys are those of the rows."""
    return {
        "rights": [
            {**_fields(right), "checked": right.checked, "every_action": right.every_action} for right in rights(model)
        ],
        "trusts": [{"who": row.who, "by": row.by, **_fields(row.trust)} for row in trusted(model)],
        "ways_round": ways_round(model),
    }


def _fields(row: Right | Trust) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def _right(
    model: AccessModel, who: str, kind: str, workspace: str | None, via: str, name: str, assurance: str | None = None
) -> Right:
    role = model.roles[name]
    grants = (f"{', '.join(grant.privileges)} on {' '.join(grant.securable)}" for grant in role.grants)
    group = role.group.name if role.group else None
    return Right(who, kind, workspace, via, name, role.actions, group, role.entitlements, tuple(grants), assurance)
