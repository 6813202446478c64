"""On what terms somebody may do an action: what has to hold of a request beside who sends it, in one form.

Made from the checks that `decide()` asks. What is settled by identity and action alone is settled here; what depends on
the request stays, as demands. Where two policies have the same terms, they decide alike about every request. Bounds,
networks and hours are brought into one form, so that for them the reverse holds as well; conditions in CEL are compared
as they are written.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

from lakelatch.access.actions import ACTIONS
from lakelatch.access.asked import Asked, evidence
from lakelatch.access.checks import Check, check
from lakelatch.access.evidence import judge, named
from lakelatch.access.hours import ALWAYS, hours
from lakelatch.access.policy import Policy, Subject
from lakelatch.access.rules import Limit, Rule, Selector

Bound = int | frozenset[str] | None


class Demand(NamedTuple):
    """One thing that has to hold of a request."""

    hours: str
    """When, as `hours` writes it; empty means always."""
    key: str
    """`networks`, `condition`, `limit.row_limit`, or `body` for one that means one thing only."""
    asked: str
    """What has to hold; for `never`, nothing could."""
    bound: Bound = None
    """Of a limit, how much, or which; of networks, which."""
    given: tuple[tuple[str, str], ...] = ()
    """What of the identity the condition speaks of, with its values."""

    def implies(self, other: "Demand") -> bool:
        """Whether whatever fulfils this fulfils the other too; a denial may be missed for texts of CEL."""
        if self.hours not in (ALWAYS, other.hours):
            return False
        if self.key == NEVER or self[1:] == other[1:]:
            return True
        if self.key != other.key or self.bound is None or other.bound is None:
            return False
        if isinstance(self.bound, int) and isinstance(other.bound, int):
            return self.bound <= other.bound
        if isinstance(self.bound, frozenset) and isinstance(other.bound, frozenset):
            return _covered(self.bound, other.bound) if self.key == "networks" else self.bound <= other.bound
        return False


NEVER: Final = "never"
"""Key of a demand that nothing fulfils."""

Terms = frozenset[Demand]
"""All of it has to hold; nothing means that every request is let through."""
FREE: Final[Terms] = frozenset()
"""Every request is let through."""


def looser(one: Terms, other: Terms) -> bool:
    """Whether every request that the other lets through is let through by this one; told when it is sure."""
    return all(any(strict.implies(demand) for strict in other) for demand in one)


@dataclass(frozen=True)
class Reach:
    """What one identity may do."""

    policy: Policy
    subject: Subject
    known: bool = True
    """Whether its subject is; a person's never is, of whom there is no end."""

    @property
    def everything(self) -> bool:
        """Whether nothing is refused to it, only told; not even what no action of the catalogue stands for."""
        return self.policy.observes(self.subject)

    @cached_property
    def terms(self) -> Mapping[str, Terms]:
        """Action to its terms; what is refused always is not there."""
        if self.everything:
            return dict.fromkeys(ACTIONS, FREE)
        found = {action: self._terms(action) for action in self.subject.grants}
        return {action: terms for action, terms in found.items() if terms is not None}

    def _terms(self, action: str) -> Terms | None:
        enforced = [one for one in self.policy.checks(self.subject, action) if not one.observed]
        if not enforced:
            return FREE
        by_hours: dict[str, list[Check]] = {}
        for one in enforced:
            by_hours.setdefault(hours(self.policy.rules[one.rule].during), []).append(one)
        always = by_hours.pop(ALWAYS, [])
        found = self._demands(ALWAYS, always, action)
        if any(demand.key == NEVER for demand in found):
            return None
        for when, checks in by_hours.items():
            inside = self._demands(when, [*always, *checks], action)
            found += [demand for demand in inside if not any(one.implies(demand) for one in found)]
        return frozenset(found)

    def _demands(self, when: str, checks: Sequence[Check], action: str) -> list[Demand]:
        """What the checks ask together, of a request at a time when all of them are in force."""
        merged, bounds = _merged(checks, self.policy.rules, action)
        if merged is None:
            return [Demand(when, NEVER, "false")]
        known = evidence(self.subject, action, Asked(), subject_known=self.known)
        parts = [part for part in judge(merged, known).parts if part.state != "met"]
        if any(part.state == "not met" for part in parts):
            return [Demand(when, NEVER, "false")]
        told = [
            Demand(when, _key(part.key), part.asked, bounds.get(part.key), self._given(part.asked))
            for part in parts
            if part.key != "networks" or not _everywhere(merged.networks)
        ]
        return list(dict.fromkeys(told))

    def _given(self, text: str) -> tuple[tuple[str, str], ...]:
        about = [name for name in named(text) if name.startswith("identity.")]
        known = self.policy.known(self.subject, next(iter(ACTIONS))) if about else {}
        return tuple((name, "" if self._hidden(name) else str(known.get(name))) for name in sorted(about))

    def _hidden(self, name: str) -> bool:
        return name == "identity.subject" and not self.known


def _key(key: str) -> str:
    """To refuse what is proven and to require its opposite is the same."""
    return "condition" if key in ("deny", "require") else key


def _merged(
    checks: Sequence[Check], rules: Mapping[str, Rule], action: str
) -> tuple[Check | None, Mapping[str, Bound]]:
    """Checks as one, with the bounds of its limits and networks by their keys; None when nothing can meet it."""
    conditions = [one for each in checks for one in each.conditions if not one.key.startswith("limit.")]
    bounds: dict[str, Bound] = {}
    for limit in (rules[each.rule].limit for each in checks):
        for key in Limit.model_fields if limit is not None else ():
            value = getattr(limit, key)
            if value not in (None, ()):
                bounds[key] = _both(bounds.get(key), value)
    networks: tuple[str, ...] = ()
    for each in checks:
        if each.networks:
            networks = _common(networks, each.networks) if networks else _collapsed(each.networks)
            if not networks:
                return None, {}
    if any(bound == frozenset() for bound in bounds.values()):
        return None, {}
    if bounds:
        whole = Limit.model_construct(set(bounds), **{key: _plain(key, bound) for key, bound in bounds.items()})
        rule = Rule.model_construct({"limit"}, limit=whole, for_=Selector(actions=(action,)))
        conditions += check("", rule, action).conditions
    told: dict[str, Bound] = {f"limit.{key}": bound for key, bound in bounds.items()}
    if networks:
        told["networks"] = frozenset(networks)
    return Check("", tuple(dict.fromkeys(conditions)), "", networks), told


def _both(one: Bound, value: Any) -> Bound:
    """The stricter of two bounds: the smaller number, or what both have."""
    if isinstance(value, int):
        return value if not isinstance(one, int) else min(one, value)
    other = frozenset(str(entry) for entry in value)
    return one & other if isinstance(one, frozenset) else other


def _plain(key: str, bound: Bound) -> Any:
    if not isinstance(bound, frozenset):
        return bound
    return tuple(sorted(map(int, bound))) if key == "jobs" else tuple(sorted(bound))


def _collapsed(networks: Iterable[str]) -> tuple[str, ...]:
    """The same addresses in as few networks as can be, in order."""
    rows = [ipaddress.ip_network(one) for one in networks]
    four = ipaddress.collapse_addresses(one for one in rows if isinstance(one, ipaddress.IPv4Network))
    six = ipaddress.collapse_addresses(one for one in rows if isinstance(one, ipaddress.IPv6Network))
    return (*map(str, four), *map(str, six))


def _common(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    """The addresses that are in both."""
    pairs = [(ipaddress.ip_network(a), ipaddress.ip_network(b)) for a in one for b in other]
    same = [(a, b) for a, b in pairs if a.version == b.version and a.overlaps(b)]
    return _collapsed(str(a if a.prefixlen >= b.prefixlen else b) for a, b in same)


def _covered(one: Iterable[str], other: frozenset[str]) -> bool:
    return frozenset(_common(one, other)) == frozenset(one)


def _everywhere(networks: tuple[str, ...]) -> bool:
    return networks == ("0.0.0.0/0", "::/0")
