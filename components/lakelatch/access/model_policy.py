"""From an access model to what decisions are made from: the one way, before and at a deployment."""

from collections.abc import Iterable, Mapping

from lakelatch.access.model import AccessModel
from lakelatch.access.people import People as PeopleRow
from lakelatch.access.policy import People, Policy, Subject
from lakelatch.access.trusts import workload_trust


def policy_of(model: AccessModel, subjects: Mapping[str, str] | None = None) -> Policy:
    """Who may do what through the model's gateway; `subjects` has those that were made at creation, by service.

    Roles and rules are in the order of their names: a delivered configuration keeps no other, and the order of a
    model's files has no meaning. A subject that is not known yet is a text that no token can have; such a service is
    found by its name alone.
    """
    known = subjects or {}
    found = {}
    for name, service in model.gateway_services().items():
        trust = workload_trust(model, name)
        environment = model.workspaces[service.workspace].environment
        subject = trust.subject or known.get(name) or unknown_subject(name)
        roles = dict(sorted(model.actions(name).items()))
        found[name] = Subject(name, trust.issuer, subject, environment, roles, service.mode)
    mode = model.gateway.mode if model.gateway else "enforce"
    people = {one.issuer: one for one in people_of(model).values()}
    return Policy(found, dict(sorted(model.rules.items())), mode, people)


def people_of(model: AccessModel) -> dict[str, People]:
    """The people who may call the model's gateway, by the name of their issuer.

    A group that has to have signed in with an `assurance` is not among them: nothing here proves it.
    """
    rows: dict[str, list[PeopleRow]] = {}
    for row in model.people.values():
        if model.gateway is not None and row.assurance is None:
            rows.setdefault(row.issuer, []).append(row)
    return {issuer: found for issuer, group in sorted(rows.items()) if (found := _people(model, issuer, group)).roles}


def issuers_of_people(model: AccessModel) -> dict[str, str]:
    """Name of each issuer whose people may call the model's gateway, to its `iss`."""
    return {name: people.issuer for name, people in people_of(model).items()}


def _people(model: AccessModel, issuer: str, rows: Iterable[PeopleRow]) -> People:
    gateway, users = model.gateway, model.issuers[issuer].users
    assert gateway is not None, "people call a gateway"  # noqa: S101
    assert users is not None, "people have an issuer with `users`"  # noqa: S101
    groups = {row.identity_provider_group: _roles_here(model, row.roles) for row in rows}
    groups = {group: roles for group, roles in sorted(groups.items()) if roles}
    roles = {
        role: model.actions_of((role,))[role] for role in sorted({role for some in groups.values() for role in some})
    }
    environment = model.workspaces[gateway.workspace].environment
    return People(model.issuers[issuer].issuer, groups, roles, users.groups_claim, environment)


def _roles_here(model: AccessModel, roles: Iterable[str]) -> tuple[str, ...]:
    """Those that let something through at the gateway; one of another workspace does not."""
    gateway = model.gateway
    here = (role for role in sorted(roles) if gateway and model.workspace_of(role) in (None, gateway.workspace))
    return tuple(role for role in here if model.roles[role].actions)


def unknown_subject(service: str) -> str:
    """What stands for a subject that is made at creation; the blanks keep it apart from every real one."""
    return f"subject of {service}, known after `pulumi up`"
