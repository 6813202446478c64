"""A difference in words: sentences of plain pieces and pieces to the letter, for a terminal and for Markdown alike."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from lakelatch.access.action import Risk
from lakelatch.access.actions import ACTIONS, GRANTABLE
from lakelatch.access.diff.actions import ActionChange
from lakelatch.access.diff.difference import Difference, RightChange, RoundChange, ValueChange
from lakelatch.access.diff.effects import RISKS, Effect, risk_of_actions
from lakelatch.access.diff.pieces import Exact, Piece, joined
from lakelatch.access.diff.snapshot import MEMBER
from lakelatch.access.diff.trusts import TrustChange
from lakelatch.access.terms import Demand
from lakelatch.access.trusts import Trust

LATER: Final = "known after `pulumi up`"


@dataclass(frozen=True)
class Sentence:
    """One change in words."""

    effect: Effect
    risk: Risk
    pieces: tuple[Piece, ...]
    details: tuple[tuple[Piece, ...], ...] = ()
    """Lines that belong below it."""


@dataclass(frozen=True)
class Section:
    """What is said of one kind of change."""

    title: str
    sentences: tuple[Sentence, ...]


def sections(found: Difference) -> list[Section]:
    """All that changed, with nothing left out; sections without a change are not there."""
    rows = (
        ("What the gateway lets through", _actions(found.actions)),
        ("Round the gateway", map(_round, found.round_it)),
        ("Whose tokens are trusted", map(_trust, found.trusts)),
        ("Rights at Databricks", _rights(found.rights)),
        ("Lifetimes", map(_value, found.lifetimes)),
        ("Other settings", map(_value, found.settings)),
    )
    return [Section(title, said) for title, told in rows if (said := tuple(told))]


def verdict(found: Difference) -> str:
    """The whole in a line."""
    if not found.changes:
        return "no access changes"
    more, other, less = (found.count(effect) for effect in ("more", "other", "less"))
    counts = ((more, "more"), (other, "other"), (less, "less"))
    listed = ", ".join(f"{count} to {word} access" for count, word in counts if count)
    noun = "change" if len(found.changes) == 1 else "changes"
    return f"{len(found.changes)} {noun}: {listed}"


_VERBS: Final = {
    "gains": ("may now do", ""),
    "loses": ("may no longer do", ""),
    "wider": ("may do", " on fewer or looser terms"),
    "narrower": ("may do", " on more or tighter terms"),
    "other terms": ("may do", " on other terms"),
}


def _actions(changes: Iterable[ActionChange]) -> Iterator[Sentence]:
    """What changes alike for several is said once."""
    alike: dict[tuple[object, ...], list[ActionChange]] = {}
    for change in changes:
        what = (change.bearer, change.change, change.actions, change.added, change.dropped, change.everything)
        alike.setdefault((change.kind, *what), []).append(change)
    for rows in alike.values():
        one = rows[0]
        said: list[tuple[Piece, ...]] = []
        if one.everything and one.change == "gains":
            said.append(("nothing is refused to it any more (", Exact("mode: observe"), ")"))
        said += [(f"{risk} risk: ", *joined(names)) for risk, names in _by_risk(one.actions)]
        said += [("must hold now: ", *demanded(demand)) for demand in telling(one.added)]
        said += [("need not hold any more: ", *demanded(demand)) for demand in telling(one.dropped)]
        verb, terms = _VERBS[one.change]
        count = f"{len(one.actions)} action{'s' if len(one.actions) != 1 else ''}"
        bearer = (" as ", Exact(one.bearer)) if one.bearer else ()
        who = (*joined(_titled(row.who, row.kind) for row in rows), *bearer)
        yield Sentence(one.effect, one.risk, (*who, f" {verb} {count}{terms}"), tuple(said))


def _titled(who: str, kind: str) -> str:
    """As `access show` calls them: a service and people may have one name."""
    return f"{who} (people)" if kind == "people" else who


def telling(demands: Iterable[Demand]) -> Iterator[Demand]:
    """Without that a body means one thing only, where something else is asked of the body."""
    demands = tuple(demands)
    of_body = {one.hours for one in demands if one.key != "body" and "body" in one.asked}
    return (one for one in demands if one.key != "body" or one.hours not in of_body)


def _by_risk(actions: Iterable[str]) -> Iterator[tuple[Risk, list[str]]]:
    """Actions by their risk, the highest first; where all of a service are there, they are drawn together."""
    rest, drawn = set(actions), {}
    for service in {ACTIONS[name].service for name in rest}:
        whole = {name for name in _SERVICES.get(service, ()) if name.startswith(f"{service}.")}
        if len(whole) > 1 and whole <= rest:
            rest -= whole
            drawn[f"{service}.*"] = risk_of_actions(whole)
    drawn |= {name: ACTIONS[name].risk for name in rest}
    for risk in RISKS:
        if names := sorted(name for name, one in drawn.items() if one == risk):
            yield risk, names


def demanded(demand: Demand) -> tuple[Piece, ...]:
    """What has to hold of a request."""
    when = (" (asked only ", demand.hours, ")") if demand.hours else ()
    given = tuple(piece for name, value in demand.given for piece in (", with ", Exact(f"{name} = {value or '?'}")))
    if demand.key == "never":
        return ("no request at all", *when)
    return (Exact(demand.asked), *given, *when)


def _round(change: RoundChange) -> Sentence:
    said = "goes round the gateway now: nothing checks its actions, only the rights of its groups count"
    if change.change == "ends":
        said = "no longer goes round the gateway"
    return Sentence(change.effect, change.risk, (Exact(_titled(change.who, change.kind)), f" {said}"))


def _trust(change: TrustChange) -> Sentence:
    verb = {
        "added": "takes tokens now that stand for ",
        "removed": "no longer takes tokens that stand for ",
        "loosened": "takes more tokens that stand for ",
        "tightened": "takes fewer tokens that stand for ",
        "changed": "takes other tokens that stand for ",
    }[change.change]
    details: list[tuple[Piece, ...]] = []
    if change.old and change.new:
        pairs = zip(_parts(change.old), _parts(change.new), strict=True)
        details += [(f"{name}: ", Exact(was), " → ", Exact(now)) for (name, was), (_, now) in pairs if was != now]
    else:
        details += [(f"{name}: ", Exact(value)) for name, value in _parts(change.new or change.old) if value]
    return Sentence(change.effect, change.risk, (f"{change.by} {verb}", Exact(change.who)), tuple(details))


def _parts(trust: Trust | None) -> Iterator[tuple[str, str]]:
    """Keys are told by where they are, or by that they are pinned; a set of keys is nothing that people read."""
    assert trust is not None, "a change has a side"  # noqa: S101
    yield "issuer", trust.issuer
    yield "audience", " or ".join(trust.audiences) or LATER
    yield "subject", trust.subject or "whoever the claim names, or " + LATER
    yield "subject claim", trust.subject_claim
    yield "keys", trust.jwks_uri or (f"pinned, {fingerprint(trust.jwks_json)}" if trust.jwks_json else "")


def fingerprint(text: str) -> str:
    """What tells a set of keys from another, and shows none of it."""
    return f"SHA-256 {sha256(text.encode()).hexdigest()[:16]}"


def _rights(changes: Iterable[RightChange]) -> Iterator[Sentence]:
    alike: dict[tuple[object, ...], list[RightChange]] = {}
    for change in changes:
        alike.setdefault((change.change, change.right.what, change.right.group, change.right.workspace), []).append(
            change
        )
    for rows in alike.values():
        right, who = rows[0].right, joined(_titled(row.right.who, row.right.kind) for row in rows)
        verb = ": now also " if rows[0].change == "gains" else ": no longer "
        group = (" the group ", Exact(right.group), *((" in ", Exact(right.workspace)) if right.workspace else ()))
        if right.what == MEMBER:
            said: tuple[Piece, ...] = ("members of", *group, verb, *who)
        else:
            said = (Exact(right.what), verb, *who, ", by", *group)
        yield Sentence(rows[0].effect, rows[0].risk, said)


def _value(change: ValueChange) -> Sentence:
    was, now = (Exact(value) if value is not None else "nothing" for value in (change.old, change.new))
    return Sentence(change.effect, change.risk, (Exact(change.what), ": ", was, " → ", now))


_SERVICES: Final[dict[str, list[str]]] = {}
for _name in GRANTABLE:
    _SERVICES.setdefault(ACTIONS[_name].service, []).append(_name)
