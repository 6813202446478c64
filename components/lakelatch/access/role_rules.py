"""What must hold between roles, groups and people."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING

from lakelatch.access.actions import ACTIONS, GRANTABLE, GROUPS, expand
from lakelatch.access.validation import Location, one_of

if TYPE_CHECKING:
    from lakelatch.access.consistency import Contradiction
    from lakelatch.access.model import AccessModel
    from lakelatch.access.roles import Group, Role


def contradictions(model: "AccessModel") -> Iterator["Contradiction"]:
    """Everything that does not hold between roles, groups and people."""
    for name, role in model.roles.items():
        yield from _role(model, name, role)
    yield from _people(model)
    yield from _groups(model)
    yield from _cycles(model)


def _role(model: "AccessModel", name: str, role: "Role") -> Iterator["Contradiction"]:
    at: Location = ("roles", name)
    if not role.actions and role.group is None:
        yield at, "has neither actions nor a group, so it would give nothing", "list `actions`, or name a `group`"
    for index, action in enumerate(role.actions):
        if not expand(action):
            yield (*at, "actions", index), *_no_action(action)
    for key in ("entitlements", "grants"):
        if getattr(role, key) and role.group is None:
            wrong = "has nobody to hold them"
            yield (*at, key), wrong, "give the role a group: `group: {create: <name>}` or `group: {adopt: <name>}`"
    if role.workspace is not None and role.workspace not in model.workspaces:
        yield (*at, "workspace"), f"names {role.workspace!r}, which is not there", one_of(model.workspaces)
    elif role.group is not None and model.workspace_of(name) is None:
        wrong = "is missing, and the model has several workspaces"
        yield (*at, "workspace"), wrong, f"say where the group has its rights; {one_of(model.workspaces)}"
    seen: set[tuple[str, str]] = set()
    for index, grant in enumerate(role.grants):
        kind, securable = grant.securable
        if grant.securable in seen:
            wrong = f"names the {kind} {securable!r} a second time"
            yield (*at, "grants", index), wrong, "list all its privileges in one entry"
        seen.add(grant.securable)
    if len(set(role.entitlements)) != len(role.entitlements):
        yield (*at, "entitlements"), "names an entitlement a second time", "keep one"


def _no_action(name: str) -> tuple[str, str]:
    """What is wrong with an entry that names no action that a role can have, and what would be right."""
    if name in ACTIONS:
        wrong = f"names the action {name!r} of the account's API, which no gateway lets through"
        return wrong, "leave it out; a gateway stands before one workspace"
    near = get_close_matches(name, (*GRANTABLE, *GROUPS), n=3)
    like = f", such as {' or '.join(repr(one) for one in near)}" if near else ""
    right = (
        f"it must be one of the action reference{like}, `service.*` for one of its services, or {' or '.join(GROUPS)}"
    )
    return f"names the action {name!r}, which the catalogue does not have", right


def _people(model: "AccessModel") -> Iterator["Contradiction"]:
    seen: dict[tuple[str, str], str] = {}
    for name, people in model.people.items():
        at: Location = ("people", name)
        with_users = [issuer for issuer, row in model.issuers.items() if row.users is not None]
        if people.issuer not in model.issuers:
            yield (*at, "issuer"), f"names the issuer {people.issuer!r}, which is not there", one_of(with_users)
        elif people.issuer not in with_users:
            wrong = f"names {people.issuer!r}, which has no `users`, so none of its people could sign in"
            yield (*at, "issuer"), wrong, f"give the issuer `users`, or name another: {one_of(with_users)}"
        yield from unknown_roles(model, at, people.roles)
        for index, role in enumerate(people.roles):
            if role in model.roles and model.roles[role].group is None:
                wrong = f"names the role {role!r}, which has no group that these people could join"
                yield (*at, "roles", index), wrong, "give the role a group"
        first = seen.setdefault((people.issuer, people.identity_provider_group), name)
        if first != name:
            wrong = f"is the group of {first!r} as well"
            yield (*at, "identity_provider_group"), wrong, "put the roles of both into one entry"


def unknown_roles(model: "AccessModel", at: Location, roles: tuple[str, ...]) -> Iterator["Contradiction"]:
    """Roles that are not there, or are named twice."""
    for index, role in enumerate(roles):
        if role not in model.roles:
            yield (*at, "roles", index), f"names the role {role!r}, which is not there", one_of(model.roles)
        elif role in roles[:index]:
            yield (*at, "roles", index), f"names the role {role!r} a second time", "keep one"


def _all_groups(model: "AccessModel") -> Iterator[tuple[Location, "Group"]]:
    for name, role in model.roles.items():
        if role.group is not None:
            yield ("roles", name, "group"), role.group
    for name, people in model.people.items():
        yield ("people", name, "group"), people.group


def _groups(model: "AccessModel") -> Iterator["Contradiction"]:
    """One entry per group: two that make it would meet, and two that give it entitlements would undo each other."""
    first: dict[str, Location] = {}
    for at, group in _all_groups(model):
        holder = first.setdefault(group.name, at)
        if holder != at:
            wrong = f"is the group {group.name!r}, which {holder[0]}.{holder[1]} has already"
            yield at, wrong, "give each its own group; people get a role's rights by naming the role"


def _cycles(model: "AccessModel") -> Iterator["Contradiction"]:
    """A group that would be a member of itself, over however many steps."""
    above: dict[str, set[str]] = {}
    for people in model.people.values():
        groups = (model.roles[role].group for role in people.roles if role in model.roles)
        above.setdefault(people.group.name, set()).update(group.name for group in groups if group is not None)
    for name, people in model.people.items():
        reached: set[str] = set()
        waiting = sorted(above[people.group.name])
        while waiting:
            group = waiting.pop()
            if group not in reached:
                reached.add(group)
                waiting += sorted(above.get(group, ()))
        if people.group.name in reached:
            wrong = f"would make the group {people.group.name!r} a member of itself"
            yield ("people", name, "roles"), wrong, "use a group of its own for the role"
