"""A difference as plain data, for other tools: nothing is drawn together or left out."""

from dataclasses import asdict
from typing import Any

from lakelatch.access.actions import ACTIONS
from lakelatch.access.diff.actions import ActionChange
from lakelatch.access.diff.difference import Change, Difference
from lakelatch.access.diff.words import fingerprint, verdict
from lakelatch.access.terms import Demand
from lakelatch.access.trusts import Trust


def as_json(found: Difference) -> dict[str, Any]:
    """All of it; `effect` is `more`, `other` or `less`."""
    return {
        "summary": verdict(found),
        "actions": [_action(change) for change in found.actions],
        "round_the_gateway": [
            _row(change, who=change.who, kind=change.kind, change=change.change) for change in found.round_it
        ],
        "trusts": [
            _row(
                change,
                who=change.who,
                by=change.by,
                change=change.change,
                old=_trust(change.old),
                new=_trust(change.new),
            )
            for change in found.trusts
        ],
        "rights": [_row(change, change=change.change, **asdict(change.right)) for change in found.rights],
        "lifetimes": [_row(change, what=change.what, old=change.old, new=change.new) for change in found.lifetimes],
        "settings": [_row(change, what=change.what, old=change.old, new=change.new) for change in found.settings],
        "not_seen": list(found.unseen),
    }


def _trust(trust: Trust | None) -> dict[str, Any] | None:
    """Of pinned keys only what tells them apart: whoever pastes a private one must not find it here again."""
    if trust is None:
        return None
    return asdict(trust) | {"jwks_json": trust.jwks_json and fingerprint(trust.jwks_json)}


def _row(of: Change, **rest: Any) -> dict[str, Any]:
    return {"effect": of.effect, "risk": of.risk, **rest}


def _action(change: ActionChange) -> dict[str, Any]:
    return _row(
        change,
        who=change.who,
        kind=change.kind,
        issuer=change.identity.issuer,
        subject=change.identity.subject or None,
        groups=list(change.identity.groups),
        change=change.change,
        actions=[{"name": name, "access": ACTIONS[name].access, "risk": ACTIONS[name].risk} for name in change.actions],
        must_hold_now=[_demand(one) for one in change.added],
        need_not_hold_any_more=[_demand(one) for one in change.dropped],
    )


def _demand(demand: Demand) -> dict[str, Any]:
    return {"during": demand.hours or None, "key": demand.key, "asked": demand.asked, "with": dict(demand.given)}
