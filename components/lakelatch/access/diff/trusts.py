"""Whose tokens are taken that were not, and the other way round."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from lakelatch.access.action import Risk
from lakelatch.access.diff.effects import Effect
from lakelatch.access.summary import ACCOUNT, GATEWAY, Trusted
from lakelatch.access.trusts import Trust

TrustKind = Literal["added", "removed", "loosened", "tightened", "changed"]


@dataclass(frozen=True)
class TrustChange:
    """One trust that is there or not, or takes other tokens than before."""

    who: str
    by: str
    """Who trusts."""
    change: TrustKind
    old: Trust | None
    new: Trust | None

    @property
    def effect(self) -> Effect:
        """Whether more tokens are taken; a changed trust takes others."""
        return {"added": "more", "loosened": "more", "changed": "other"}.get(self.change, "less")  # type: ignore[return-value]

    @property
    def risk(self) -> Risk:
        """The gateway checks every action of those whom it trusts, Databricks none; a pull request is anybody's."""
        trust = self.new or self.old
        if self.by == ACCOUNT or (trust and trust.subject and trust.subject.endswith(":pull_request")):
            return "high"
        return "medium" if self.by == GATEWAY else "high"


def trust_changes(old: Iterable[Trusted], new: Iterable[Trusted]) -> Iterator[TrustChange]:
    """Every change of whose tokens stand for somebody."""
    before, after = _by_place(old), _by_place(new)
    for place in dict.fromkeys((*before, *after)):
        gone = [trust for trust in before.get(place, []) if trust not in after.get(place, [])]
        come = [trust for trust in after.get(place, []) if trust not in before.get(place, [])]
        for index in range(max(len(gone), len(come))):
            was = gone[index] if index < len(gone) else None
            now = come[index] if index < len(come) else None
            who, by = place[0], place[1]
            yield TrustChange(who, by, _kind(was, now), was, now)


def _by_place(rows: Iterable[Trusted]) -> dict[tuple[str, str], list[Trust]]:
    found: dict[tuple[str, str], list[Trust]] = {}
    for row in rows:
        # An account's trust is for whoever its issuer names; that the model's people are more or fewer changes nothing.
        who = f"every user of {row.trust.issuer}" if row.by == ACCOUNT else row.who
        found.setdefault((who, row.by), []).append(row.trust)
    return found


def _kind(was: Trust | None, now: Trust | None) -> TrustKind:
    if was is None:
        return "added"
    if now is None:
        return "removed"
    if _takes(now, was):
        return "loosened"
    return "tightened" if _takes(was, now) else "changed"


def _takes(one: Trust, other: Trust) -> bool:
    """Whether a trust takes every token that the other takes."""
    same = ("issuer", "subject", "subject_claim", "jwks_uri", "jwks_json")
    alike = all(getattr(one, key) == getattr(other, key) for key in same)
    return alike and bool(other.audiences) and set(one.audiences) >= set(other.audiences)
