"""On what terms somebody may do an action: what has to hold of a request beside who sends it, in one form.

Made from the checks that `decide()` asks. What is settled by identity and action alone is settled here; what depends on
the request stays, as demands. Where two policies have the same terms, they decide alike about every request. Bounds,
networks and hours are brought into one form, so that for them the reverse holds as well; conditions in CEL are compared
as they are written, but for white space.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from lakelatch.access.checks import Check, check
from lakelatch.access.evidence import Evidence, Part, judge, named
from lakelatch.access.expressions import one_form
from lakelatch.access.hours import ALWAYS, hours
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


def terms_of(
    checks: Sequence[Check], rules: Mapping[str, Rule], action: str, known: Evidence, given: Mapping[str, str]
) -> Terms | None:
    """What checks ask of requests for an action, together; None where none fulfils it.

    `known` is what identity and action settle, `given` what conditions may know of the identity, for readers.
    """
    by_hours: dict[str, list[Check]] = {}
    for one in checks:
        by_hours.setdefault(hours(rules[one.rule].during), []).append(one)
    always = by_hours.pop(ALWAYS, [])
    found = _demands(ALWAYS, always, rules, action, known, given)
    if any(demand.key == NEVER for demand in found):
        return None
    for when, some in by_hours.items():
        inside = _demands(when, [*always, *some], rules, action, known, given)
        found += [demand for demand in inside if not any(one.implies(demand) for one in found)]
    return frozenset(found)


def _demands(
    when: str,
    checks: Sequence[Check],
    rules: Mapping[str, Rule],
    action: str,
    known: Evidence,
    given: Mapping[str, str],
) -> list[Demand]:
    """What checks ask of a request at a time when all of them are in force."""
    merged, bounds = _merged(checks, rules, action)
    if merged is None:
        return [Demand(when, NEVER, "false")]
    parts = [part for part in judge(merged, known).parts if part.state != "met"]
    if any(part.state == "not met" for part in parts):
        return [Demand(when, NEVER, "false")]
    told = [
        Demand(when, _key(part.key), _asked(part), bounds.get(part.key), _given(part.asked, given))
        for part in parts
        if part.key != "networks" or not _everywhere(merged.networks)
    ]
    return list(dict.fromkeys(told))


def _given(text: str, given: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, given[name]) for name in sorted(named(text)) if name in given)


def _asked(part: Part) -> str:
    return one_form(part.asked) if part.key in ("deny", "require") else part.asked


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
