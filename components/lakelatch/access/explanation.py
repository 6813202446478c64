"""Why a service or person may or may not do something: the decision, every check on the way, and what would change it.

The decision is the one of `decisions.conclude`, asked twice: as if everything that is not known were met, and as if it
were not. Where both say the same, it is so; where not, what is not known decides.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from lakelatch.access.actions import ACTIONS, ALIASES
from lakelatch.access.asked import Asked, evidence
from lakelatch.access.decisions import Decision, conclude, no_group, unknown_identity
from lakelatch.access.evidence import judge
from lakelatch.access.model_policy import unknown_subject
from lakelatch.access.persons import Person
from lakelatch.access.policy import Policy, Subject
from lakelatch.access.remedies import grants, memberships, of_rules, shown
from lakelatch.access.steps import Step, group, no_role, steps_of

Verdict = Literal["allowed", "denied", "not known"]


@dataclass(frozen=True)
class Explanation:
    """The decision about a service or person and an action, and how it came about."""

    service: str | None
    """None for a person."""
    action: str | None
    verdict: Verdict
    decision: Decision
    """What is decided when nothing that is not known is met."""
    steps: tuple[Step, ...]
    unknown: tuple[str, ...]
    """Attributes that would decide, when it is not known."""
    changes: tuple[str, ...]
    """What would let it through, when it is not, or only because rules are observed."""
    person: Person | None = None
    """None for a service."""

    def plain(self) -> dict[str, Any]:
        """All of it as plain data, for other tools."""
        decided = {"rule": self.decision.rule, "observed": self.decision.observed, "message": self.decision.message}
        who = {"user": self.person.user, "groups": list(self.person.groups)} if self.person else {}
        return {
            "service": self.service,
            **who,
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
    who: str | Person,
    action: str | None,
    asked: Asked | None = None,
    roles: Mapping[str, Iterable[str]] | None = None,
) -> Explanation:
    """Explain the decision about an action of a service, by its name, or of a person.

    `action` is None for one that the catalogue does not know; `roles` are those that a service or group could be given,
    each with its actions; `asked` is what is told of the request. Whether Databricks takes the person for a user is not
    asked.

    Raises:
        KeyError: there is no such service.
        ValueError: what is told of the request is no attribute of it.

    """
    action = ALIASES.get(action, action) if action else None
    known = action if action in ACTIONS else None
    if isinstance(who, Person):
        return _of_person(policy, who, known, asked or Asked(), roles or {})
    subject = policy.subjects[who]
    return _explained(
        policy, subject, known, asked or Asked(), roles or {}, subject_known=subject.subject != unknown_subject(who)
    )


def _of_person(
    policy: Policy, who: Person, action: str | None, asked: Asked, roles: Mapping[str, Iterable[str]]
) -> Explanation:
    subject = who.subject
    if who.groups_attribute in asked.attributes:
        raise ValueError(f"`{who.groups_attribute}` is said by the groups; leave it out")
    told = {**asked.attributes, who.groups_attribute: list(who.groups)} if who.groups else asked.attributes
    asked = replace(asked, attributes=told)
    if action:  # so that a wrong attribute is told whatever the decision is
        evidence(subject, action, asked)
    if str(told.get("claims.sub", "")).lower() in policy.borne:
        step = Step("not met", "token", "its subject is no service's", "whoever bears a service's subject is no person")
        changes: tuple[str, ...] = ("a token of the person's own",)
        return Explanation(None, action, "denied", unknown_identity(), (step,), (), changes, who)
    if not subject.roles:
        nameless = () if action else grants(subject, None, roles)
        changes = (*nameless, *memberships(who.people, action))
        found = Explanation(
            None, action, "denied", no_group(who.people.groups_claim), (group(who, subject),), (), changes
        )
    else:
        found = _explained(policy, subject, action, asked, roles, subject_known=who.user is not None)
        changes = found.changes
        if action and action not in subject.grants:
            changes = (*changes, *memberships(who.people, action))
        found = replace(found, steps=(group(who, subject), *found.steps), changes=changes)
    return replace(found, person=who, decision=found.decision._replace(user=who.user))


def _explained(
    policy: Policy,
    subject: Subject,
    known: str | None,
    asked: Asked,
    roles: Mapping[str, Iterable[str]],
    *,
    subject_known: bool,
) -> Explanation:
    # Asked first, so that a wrong attribute is told whatever the decision is.
    found = evidence(subject, known, asked, subject_known=subject_known) if known else None
    if known is None or found is None or known not in subject.grants:
        decision = conclude(policy, subject, known, lambda _: False)
        verdict: Verdict = "allowed" if decision.allowed else "denied"
        changes = tuple(grants(subject, known, roles))
        return Explanation(subject.service, known, verdict, decision, (no_role(subject, known),), (), changes)
    judged = {one.rule: judge(one, found) for one in policy.checks(subject, known)}
    worst = conclude(policy, subject, known, lambda check: judged[check.rule].state == "met")
    best = conclude(policy, subject, known, lambda check: judged[check.rule].state != "not met")
    verdict = "not known" if best.allowed != worst.allowed else "allowed" if worst.allowed else "denied"
    refusing = [one for one in judged.values() if one.state != "met"]
    unknown = dict.fromkeys(name for one in refusing for part in shown(one) for name in part.unknown)
    role = Step("met", "role", f"role {subject.grants[known]!r} has {known!r}")
    return Explanation(
        subject.service,
        known,
        verdict,
        worst,
        (role, *(step for one in judged.values() for step in steps_of(one, policy.rules[one.check.rule]))),
        tuple(unknown),
        () if verdict == "allowed" and not worst.observed else tuple(of_rules(refusing, policy.rules)),
    )
