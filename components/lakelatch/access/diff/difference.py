"""The difference between two snapshots: every change, with what is at stake first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol, TypeVar

from lakelatch.access.action import Risk
from lakelatch.access.diff.actions import ActionChange, action_changes
from lakelatch.access.diff.effects import EFFECTS, RISKS, Effect, risk_of_right
from lakelatch.access.diff.snapshot import MEMBER, Life, Right, Setting, Snapshot
from lakelatch.access.diff.trusts import TrustChange, trust_changes


class Change(Protocol):
    """What every change can say of itself."""

    @property
    def effect(self) -> Effect:
        """What it means for who can do what."""

    @property
    def risk(self) -> Risk:
        """How much is at stake."""


@dataclass(frozen=True)
class RightChange:
    """Something of a Databricks group that somebody gains or loses with their membership."""

    right: Right
    change: Literal["gains", "loses"]

    @property
    def effect(self) -> Effect:
        """What it means for who can do what."""
        return "more" if self.change == "gains" else "less"

    @property
    def risk(self) -> Risk:
        """How much is at stake."""
        return risk_of_right(self.right.what)


@dataclass(frozen=True)
class RoundChange:
    """Somebody who goes round the gateway now, or no longer."""

    kind: str
    """`service` or `people`."""
    who: str
    change: Literal["begins", "ends"]
    risk: Risk = "high"

    @property
    def effect(self) -> Effect:
        """What it means for who can do what."""
        return "more" if self.change == "begins" else "less"


@dataclass(frozen=True)
class ValueChange:
    """A lifetime or a setting that is another; None where there is none."""

    what: str
    old: str | None
    new: str | None
    effect: Effect
    risk: Risk


@dataclass(frozen=True)
class Difference:
    """Everything that changes, section by section; in each, what lets somebody do more comes first, by its risk."""

    actions: tuple[ActionChange, ...]
    round_it: tuple[RoundChange, ...]
    trusts: tuple[TrustChange, ...]
    rights: tuple[RightChange, ...]
    lifetimes: tuple[ValueChange, ...]
    settings: tuple[ValueChange, ...]
    unseen: tuple[str, ...] = ()
    """What could not be read of one side or the other."""

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """All of them."""
        return (*self.actions, *self.round_it, *self.trusts, *self.rights, *self.lifetimes, *self.settings)

    def count(self, effect: Effect) -> int:
        """How many there are with an effect."""
        return sum(change.effect == effect for change in self.changes)

    @property
    def grows(self) -> bool:
        """Whether somebody may do something that they could not before, or other than before."""
        return any(change.effect != "less" for change in self.changes)


def difference(old: Snapshot, new: Snapshot) -> Difference:
    """Compare two snapshots."""
    return Difference(
        _ordered(action_changes(old, new)),
        _ordered(_round(old, new)),
        _ordered(trust_changes(old.trusts, new.trusts)),
        _ordered(_rights(old, new)),
        _ordered(_lives(old.lives, new.lives)),
        _ordered(_settings(old.settings, new.settings)),
        tuple(dict.fromkeys((*old.unseen, *new.unseen))),
    )


_C = TypeVar("_C", bound=Change)


def _ordered(changes: Iterable[_C]) -> tuple[_C, ...]:
    return tuple(sorted(changes, key=lambda one: (EFFECTS.index(one.effect), RISKS.index(one.risk))))


def _round(old: Snapshot, new: Snapshot) -> Iterator[RoundChange]:
    yield from (RoundChange(*who, "begins") for who in sorted(new.round_it - old.round_it))
    yield from (RoundChange(*who, "ends") for who in sorted(old.round_it - new.round_it))


def _rights(old: Snapshot, new: Snapshot) -> Iterator[RightChange]:
    """A right that comes from another group than before is the same right."""
    before, after = ({_key(right): right for right in side.rights} for side in (old, new))
    yield from (RightChange(right, "gains") for key, right in after.items() if key not in before)
    yield from (RightChange(right, "loses") for key, right in before.items() if key not in after)


def _key(right: Right) -> tuple[str, ...]:
    group = right.group if right.what == MEMBER else ""
    return right.who, right.kind, right.what, group, right.workspace


def _lives(old: Iterable[Life], new: Iterable[Life]) -> Iterator[ValueChange]:
    before, after = {one.what: one for one in old}, {one.what: one for one in new}
    for what in dict.fromkeys((*before, *after)):
        was, now = before.get(what), after.get(what)
        if was == now:
            continue
        grows = now is not None and (was is None or _seconds(now) > _seconds(was))
        endless = now is not None and now.seconds is None
        old_life, new_life = (None if one is None else _told(one.seconds) for one in (was, now))
        yield ValueChange(what, old_life, new_life, "more" if grows else "less", "high" if endless else "medium")


def _seconds(life: Life) -> float:
    return float("inf") if life.seconds is None else life.seconds


def _told(seconds: int | None) -> str:
    if seconds is None:
        return "for ever"
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length and seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _settings(old: Iterable[Setting], new: Iterable[Setting]) -> Iterator[ValueChange]:
    before, after = {one.what: one for one in old}, {one.what: one for one in new}
    for what in dict.fromkeys((*before, *after)):
        was, now = before.get(what), after.get(what)
        if was is None or now is None or was == now:
            continue  # what comes or goes with somebody is told of them
        effect: Effect = "other"
        if was.looseness is not None and now.looseness is not None and was.looseness != now.looseness:
            effect = "more" if now.looseness > was.looseness else "less"
        risky = what.startswith(("assurance", "mode", "gateway"))
        yield ValueChange(what, was.value, now.value, effect, "high" if risky else "medium")
