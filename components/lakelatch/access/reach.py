"""What one identity may do, and on what terms: of the whole catalogue, for everybody of a policy.

Identities that rules tell apart by nothing share what was found out for the first of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from lakelatch.access.actions import ACTIONS
from lakelatch.access.asked import Asked, evidence
from lakelatch.access.checks import Check, check
from lakelatch.access.evidence import named
from lakelatch.access.policy import Policy, Subject, static_attributes
from lakelatch.access.terms import FREE, Terms, terms_of

_ANY: Final = next(iter(ACTIONS))
"""Stands for whichever action where that does not matter."""
_OF_ACTION: Final = ("action.", "body", "path", "request.method")
"""What is not the same for every action; attributes that begin so."""


@dataclass(frozen=True)
class Reach:
    """What one identity may do."""

    subject: Subject
    everything: bool
    """Whether nothing is refused to it, only told; not even what no action of the catalogue stands for."""
    terms: Mapping[str, Terms]
    """Action to its terms; what is refused always is not there."""


class _Asked(NamedTuple):
    """What enforced rules ask of an action of somebody."""

    checks: tuple[Check, ...]
    rules: tuple[str, ...]
    about: tuple[str, ...]
    """What of the identity their conditions speak of."""
    action: str
    """The action; empty where they ask the same of every action."""


@dataclass(frozen=True)
class Reaches:
    """Finds out what the identities of a policy may do."""

    policy: Policy
    _plans: dict[tuple[object, ...], list[tuple[_Asked | None, list[str]]]] = field(default_factory=dict, repr=False)
    _found: dict[tuple[object, ...], Terms | None] = field(default_factory=dict, repr=False)
    _whole: dict[tuple[object, ...], Mapping[str, Terms]] = field(default_factory=dict, repr=False)
    _names: dict[frozenset[str], tuple[str, ...]] = field(default_factory=dict, repr=False)

    def of(self, subject: Subject, *, known: bool = True) -> Reach:
        """What a service or person may do; `known` is whether the subject of its tokens is.

        A person's never is: there is no end of them.
        """
        if self.policy.observes(subject):
            return Reach(subject, True, dict.fromkeys(ACTIONS, FREE))
        rules = frozenset(self.policy.about(subject))
        given = _given(subject, known=known)
        key = (*subject.roles.items(), rules, known, *(given[name] for name in self._named(rules)))
        if key not in self._whole:
            found: dict[str, Terms] = {}
            for asked, actions in self._plan(subject, rules):
                terms = FREE if asked is None else self._terms(subject, asked, actions[0], given, known)
                if terms is not None:
                    found.update(dict.fromkeys(actions, terms))
            self._whole[key] = found
        return Reach(subject, False, self._whole[key])

    def _plan(self, subject: Subject, rules: frozenset[str]) -> list[tuple[_Asked | None, list[str]]]:
        """What somebody's roles grant, by what is asked of it: mostly few things of many actions."""
        key = (*subject.roles.items(), rules)
        if key not in self._plans:
            alike: dict[object, tuple[_Asked | None, list[str]]] = {}
            for action in subject.grants:
                asked = self._about(action, rules)
                alike.setdefault(asked and (asked.rules, asked.action), (asked, []))[1].append(action)
            self._plans[key] = list(alike.values())
        return self._plans[key]

    def _named(self, rules: frozenset[str]) -> tuple[str, ...]:
        """What of the identity rules speak of, whatever is asked."""
        if rules not in self._names:
            texts = (one.condition for name in rules for one in [check(name, self.policy.rules[name], _ANY)])
            self._names[rules] = _of_identity(texts)
        return self._names[rules]

    def _terms(
        self, subject: Subject, asked: _Asked, action: str, given: Mapping[str, str], known: bool
    ) -> Terms | None:
        key = (asked.rules, asked.action, known, *(given[name] for name in asked.about))
        if key not in self._found:
            settled = evidence(subject, action, Asked(), subject_known=known)
            self._found[key] = terms_of(asked.checks, self.policy.rules, action, settled, given)
        return self._found[key]

    def _about(self, action: str, rules: frozenset[str]) -> _Asked | None:
        checks = tuple(one for one in self.policy.asked(rules, action) if not one.observed)
        if not checks:
            return None
        names = {name for one in checks for name in named(one.condition)}
        about = _of_identity(one.condition for one in checks)
        of_action = any(name.startswith(_OF_ACTION) for name in names) or any(
            self.policy.rules[one.rule].limit is not None for one in checks
        )
        in_order = sorted(checks, key=lambda one: one.rule)
        return _Asked(tuple(in_order), tuple(one.rule for one in in_order), about, action if of_action else "")


def _of_identity(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({name for text in texts for name in named(text) if name.startswith("identity.")}))


def _given(subject: Subject, *, known: bool) -> dict[str, str]:
    """What is known of an identity before any request, as texts."""
    every = static_attributes(subject, _ANY)
    told = {name: str(value) for name, value in every.items() if name.startswith("identity.")}
    return told if known else told | {"identity.subject": ""}
