"""Who gains or loses which action, or may do it on other terms: from what `decide()` decides from, and nothing else.

Empty if and only if both policies decide alike about every action of the catalogue for every identity of both; where
conditions in CEL are written differently, white space apart, they count as different.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from lakelatch.access.action import Risk
from lakelatch.access.actions import ACTIONS
from lakelatch.access.diff.effects import Effect, risk_of_actions
from lakelatch.access.diff.snapshot import Identity, Snapshot
from lakelatch.access.terms import FREE, Demand, Terms, looser

Change = Literal["gains", "loses", "wider", "narrower", "other terms"]


@dataclass(frozen=True)
class ActionChange:
    """What changes alike for some actions of one identity."""

    who: str
    """Name of the service, or of the people."""
    kind: str
    """`service` or `people`."""
    identity: Identity
    bearer: str
    """The subject where a service is another identity than before, for people the claim: each is told by itself.
    Otherwise empty."""
    change: Change
    actions: tuple[str, ...]
    added: tuple[Demand, ...] = ()
    """What has to hold of a request now and did not before."""
    dropped: tuple[Demand, ...] = ()
    """What had to hold of a request and need not any more."""
    everything: bool = False
    """Whether it is that nothing is refused any more, or that it is again."""

    @property
    def effect(self) -> Effect:
        """What it means for who can do what; terms that cannot be compared may let something through."""
        return {"gains": "more", "wider": "more", "other terms": "other"}.get(self.change, "less")  # type: ignore[return-value]

    @property
    def risk(self) -> Risk:
        """How much is at stake."""
        return risk_of_actions(self.actions)


def action_changes(old: Snapshot, new: Snapshot) -> Iterator[ActionChange]:
    """Every change of what the gateway lets through, identity by identity."""
    told: dict[Identity, set[str]] = {}
    for identity in dict.fromkeys((*old.identities(), *new.identities())):
        told[identity] = set()
        for change in _of(identity, old, new):
            told[identity] |= set(change.actions)
            yield change
    for pair in dict.fromkeys((*old.pairs(), *new.pairs())):
        known = {action for one in pair.groups for action in told.get(pair._replace(groups=(one,)), ())}
        yield from _of(pair, old, new, known)


def _of(
    identity: Identity, old: Snapshot, new: Snapshot, known: frozenset[str] | set[str] = frozenset()
) -> Iterator[ActionChange]:
    before, after = old.reach(identity), new.reach(identity)
    was: Mapping[str, Terms] = before.terms if before else {}
    now: Mapping[str, Terms] = after.terms if after else {}
    if was == now:
        return
    rows: dict[tuple[Change, tuple[Demand, ...], tuple[Demand, ...]], list[str]] = {}
    for action in ACTIONS:
        one, other = was.get(action), now.get(action)
        if one != other and action not in known:
            rows.setdefault(_change(one, other), []).append(action)
    everything = (before is not None and before.everything) != (after is not None and after.everything)
    who, kind, bearer = _named(identity, old, new)
    for (change, added, dropped), actions in rows.items():
        yield ActionChange(who, kind, identity, bearer, change, tuple(actions), added, dropped, everything)


@lru_cache(maxsize=4096)
def _change(was: Terms | None, now: Terms | None) -> tuple[Change, tuple[Demand, ...], tuple[Demand, ...]]:
    added, dropped = (
        tuple(sorted((now or FREE) - (was or FREE), key=str)),
        tuple(sorted((was or FREE) - (now or FREE), key=str)),
    )
    if was is None:
        return "gains", added, ()
    if now is None:
        return "loses", (), ()
    if looser(now, was):
        return "wider", added, dropped
    return ("narrower" if looser(was, now) else "other terms"), added, dropped


def _named(identity: Identity, old: Snapshot, new: Snapshot) -> tuple[str, str, str]:
    if identity.subject:
        name = new.services.get(identity) or old.services[identity]
        there = [side.policy.subjects[name] for side in (old, new) if name in side.policy.subjects]
        moved = len({(one.issuer, one.subject) for one in there}) > 1
        return name, "service", identity.subject if moved else ""
    names = [
        new.people.get((identity.issuer, group)) or old.people.get((identity.issuer, group)) or group
        for group in identity.groups
    ]
    claims = {
        side.policy.people[identity.issuer].groups_claim for side in (old, new) if identity.issuer in side.policy.people
    }
    return " and ".join(names), "people", f"claim {identity.claim}" if len(claims) > 1 else ""
