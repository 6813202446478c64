"""What would let through what is refused: roles that would, and requests or rules that would have to be others."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from lakelatch.access.checks import OPAQUE
from lakelatch.access.evidence import Judgement, Part
from lakelatch.access.policy import People, Subject
from lakelatch.access.rules import DAYS, Rule

ROLES_NAMED: Final = 6
"""Roles that are offered; of more, `access show` has the list."""


def grants(subject: Subject, action: str | None, roles: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Roles that would grant an action, None for one that the catalogue does not know."""
    its, it = ("its", "it") if subject.service else ("their", "one of their groups")
    if action is None:
        yield "name an action of the catalogue; the action reference has every method and path"
        return
    for role in subject.roles:
        yield f"add '{action}' to {its} role '{role}'"
    others = [role for role, actions in roles.items() if role not in subject.roles and action in actions]
    for role in others[:ROLES_NAMED]:
        yield f"give {it} the role '{role}', which has '{action}'"


def memberships(people: People, action: str | None) -> Iterator[str]:
    """Groups whose members may do something; an action of None: groups of which any will do."""
    able = {role for role, actions in people.roles.items() if action is None or action in actions}
    found = [(group, role) for group, roles in people.groups.items() for role in roles if role in able]
    for group, role in found[:ROLES_NAMED]:
        has = f", which has '{action}'" if action else ""
        yield f"membership in the group '{group}', by the role '{role}'{has}"
    if not found:
        yield "membership in a group of the model's `people`, and a role of that group with the action"


def of_rules(refusing: Iterable[Judgement], rules: Mapping[str, Rule]) -> Iterator[str]:
    """What would meet the rules that are not met, or not known to be."""
    for one in refusing:
        rule = rules[one.check.rule]
        for part in shown(one) if not one.check.observed else ():
            yield from (f"rule '{one.check.rule}': {text}" for text in _change(part, rule))


def _change(part: Part, rule: Rule) -> Iterator[str]:
    if part.state == "not known":
        yield f"tell {all_of(part.unknown)}, which decides it"
    elif part.key == "during":
        yield f"a request at another time than {window(rule)}"
    elif part.state == "met":
        return
    elif part.asked == OPAQUE:
        yield f"take the action out of `for`, or `{part.key}` out of the rule"
    elif part.key == "body":
        yield "a JSON body without a member twice, not encoded, of at most 1 MiB"
    else:
        yield f"a request of which `{part.asked}` holds, or another `{part.key}`"


def all_of(names: Iterable[str]) -> str:
    """Names as a part of a sentence."""
    return " and ".join(f"`{name}`" for name in names)


def window(rule: Rule) -> str:
    """When a rule is in force, in words."""
    assert rule.during is not None, "a check has `unless` for a window alone"  # noqa: S101
    during = rule.during
    days = "every day" if set(during.days) == set(DAYS) else ", ".join(during.days)
    return f"{days} {during.start} to {during.end} ({during.timezone})"


def shown(judgement: Judgement) -> list[Part]:
    """The parts that tell something: that a body is clear goes without saying, unless it is not."""
    return [part for part in judgement.parts if part.key != "body" or part.state == "not met"]
