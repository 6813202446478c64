"""Why a service may or may not do something: the decision, every check on the way to it, and what would change it.

The decision is the one of `decisions.conclude`, asked twice: as if everything that is not known were met, and as if it
were not. Where both say the same, it is so; where not, what is not known decides.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from lakelatch.access.actions import ACTIONS, ALIASES
from lakelatch.access.asked import Asked, evidence
from lakelatch.access.checks import OPAQUE
from lakelatch.access.decisions import Decision, conclude
from lakelatch.access.evidence import Judgement, Part, State, judge
from lakelatch.access.model_policy import unknown_subject
from lakelatch.access.policy import Policy, Subject
from lakelatch.access.remedies import all_of, grants, of_rules, shown, window
from lakelatch.access.rules import Rule

Verdict = Literal["allowed", "denied", "not known"]


@dataclass(frozen=True)
class Step:
    """One thing that was asked on the way to the decision."""

    state: State
    of: str
    """`role`, or `rule:` and its name."""
    asked: str
    told: str = ""
    """What is to be known about it: why it is not met, or what would decide it."""
    observed: bool = False
    """Only told, not enforced."""


@dataclass(frozen=True)
class Explanation:
    """The decision about a service and an action, and how it came about."""

    service: str
    action: str | None
    verdict: Verdict
    decision: Decision
    """What is decided when nothing that is not known is met."""
    steps: tuple[Step, ...]
    unknown: tuple[str, ...]
    """Attributes that would decide, when it is not known."""
    changes: tuple[str, ...]
    """What would let it through, when it is not, or only because rules are observed."""

    def plain(self) -> dict[str, Any]:
        """All of it as plain data, for other tools."""
        decided = {"rule": self.decision.rule, "observed": self.decision.observed, "message": self.decision.message}
        return {
            "service": self.service,
            "action": self.action,
            "verdict": self.verdict,
            "allowed": self.verdict == "allowed",
            **decided,
            "checks": [asdict(step) for step in self.steps],
            "unknown": list(self.unknown),
            "changes": list(self.changes),
        }


def explain(
    policy: Policy,
    service: str,
    action: str | None,
    asked: Asked | None = None,
    roles: Mapping[str, Iterable[str]] | None = None,
) -> Explanation:
    """Explain the decision about an action of a service, None for one that the catalogue does not know.

    `roles` are those that a service could be given, each with its actions; `asked` is what is told of the request.

    Raises:
        KeyError: there is no such service.
        ValueError: what is told of the request is no attribute of it.

    """
    subject = policy.subjects[service]
    action = ALIASES.get(action, action) if action else None
    known = action if action in ACTIONS else None
    # Asked first, so that a wrong attribute is told whatever the decision is.
    told, subject_known = asked or Asked(), subject.subject != unknown_subject(service)
    found = evidence(subject, known, told, subject_known=subject_known) if known else None
    if known is None or found is None or known not in subject.grants:
        decision = conclude(policy, subject, known, lambda _: False)
        verdict: Verdict = "allowed" if decision.allowed else "denied"
        return Explanation(
            service,
            known,
            verdict,
            decision,
            (_no_role(subject, known),),
            (),
            tuple(grants(subject, known, roles or {})),
        )
    judged = {one.rule: judge(one, found) for one in policy.checks(subject, known)}
    worst = conclude(policy, subject, known, lambda check: judged[check.rule].state == "met")
    best = conclude(policy, subject, known, lambda check: judged[check.rule].state != "not met")
    verdict = "not known" if best.allowed != worst.allowed else "allowed" if worst.allowed else "denied"
    refusing = [one for one in judged.values() if one.state != "met"]
    unknown = dict.fromkeys(name for one in refusing for part in shown(one) for name in part.unknown)
    role = Step("met", "role", f"role {subject.grants[known]!r} has {known!r}")
    return Explanation(
        service,
        known,
        verdict,
        worst,
        (role, *(step for one in judged.values() for step in _steps(one, policy.rules[one.check.rule]))),
        tuple(unknown),
        () if verdict == "allowed" and not worst.observed else tuple(of_rules(refusing, policy.rules)),
    )


def _no_role(subject: Subject, action: str | None) -> Step:
    if action is None:
        return Step("not met", "role", "the catalogue knows the action", "no role can have what it does not know")
    listed = ", ".join(repr(role) for role in subject.roles) or "none"
    return Step("not met", "role", f"a role of it has {action!r}", f"its roles: {listed}")


def _steps(judgement: Judgement, rule: Rule) -> Iterator[Step]:
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
