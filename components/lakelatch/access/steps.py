"""What is asked on the way to a decision, in words: by a token's groups, by roles and by rules."""

from collections.abc import Iterator
from dataclasses import dataclass

from lakelatch.access.checks import OPAQUE
from lakelatch.access.evidence import Judgement, Part, State
from lakelatch.access.persons import Person
from lakelatch.access.policy import Subject
from lakelatch.access.remedies import all_of, shown, window
from lakelatch.access.rules import Rule


@dataclass(frozen=True)
class Step:
    """One thing that was asked on the way to the decision."""

    state: State
    of: str
    """`token`, `group`, `role`, or `rule:` and its name."""
    asked: str
    told: str = ""
    """What is to be known about it: why it is not met, or what would decide it."""
    observed: bool = False
    """Only told, not enforced."""


def group(who: Person, subject: Subject) -> Step:
    """Whether a group of a person is one of the gateway's."""
    listed = ", ".join(repr(group) for group in who.groups) or "none"
    if not subject.roles:
        asked = f"a group that the token names (`{who.groups_attribute}`) is one of the gateway's"
        return Step("not met", "group", asked, f"its groups: {listed}")
    counted = ", ".join(repr(group) for group in who.groups if group in who.people.groups)
    return Step("met", "group", f"{counted} is one of the gateway's; roles: {', '.join(subject.roles)}")


def no_role(subject: Subject, action: str | None) -> Step:
    """No role grants an action, None for one that the catalogue does not know."""
    if action is None:
        return Step("not met", "role", "the catalogue knows the action", "no role can have what it does not know")
    listed = ", ".join(repr(role) for role in subject.roles) or "none"
    whose, their = ("it", "its") if subject.service else ("their groups", "their")
    return Step("not met", "role", f"a role of {whose} has {action!r}", f"{their} roles: {listed}")


def steps_of(judgement: Judgement, rule: Rule) -> Iterator[Step]:
    """What a rule asks, part by part."""
    check = judgement.check
    of = f"rule:{check.rule}"
    for part in shown(judgement):
        if part.key == "during":
            # In force is no reason to refuse: the rest of the rule is asked then.
            state: State = "met" if part.state == "not met" else part.state
            words = {"met": "not in force; it is", "not met": "in force", "not known": "in force or not; it is"}
            yield Step(state, of, f"{words[part.state]} {window(rule)}", _told(part), check.observed)
        else:
            yield Step(part.state, of, _words(part), _told(part), check.observed)
    if not judgement.parts:
        yield Step("met", of, "asks nothing of this action", "", check.observed)


def _words(part: Part) -> str:
    if part.opaque or part.asked == OPAQUE:
        return part.key
    match part.key:
        case "networks":
            return part.asked
        case "body":
            return "the body can mean one thing only"
    return f"{part.key}: {part.asked}"


def _told(part: Part) -> str:
    if part.state == "not known":
        return f"tell {all_of(part.unknown)}"
    if part.opaque:
        return "requests for this action do not show it, so all of them are refused"
    if part.asked == OPAQUE:
        return "refuses always"
    return ""
