"""What a change means for who can do what, and how much is at stake: what a diff is ordered by."""

from collections.abc import Iterable
from typing import Final, Literal

from lakelatch.access.action import Risk
from lakelatch.access.actions import ACTIONS

Effect = Literal["more", "other", "less"]
"""Whether somebody may do something that they could not, something else, or only less."""

EFFECTS: Final[tuple[Effect, ...]] = ("more", "other", "less")
RISKS: Final[tuple[Risk, ...]] = ("high", "medium", "low")

_WHOLE: Final = ("ALL_PRIVILEGES", "MANAGE")
_READING: Final = ("ACCESS", "BROWSE", "EXECUTE", "READ_", "SELECT", "USE_")
"""Privileges, or what they begin with, after which nothing is other than before."""


def risk_of_actions(actions: Iterable[str]) -> Risk:
    """The highest of some actions, as the catalogue says."""
    return highest(ACTIONS[name].risk for name in actions)


def highest(risks: Iterable[Risk]) -> Risk:
    """The highest of some; low when there are none."""
    return RISKS[min((RISKS.index(risk) for risk in risks), default=len(RISKS) - 1)]


def risk_of_right(what: str) -> Risk:
    """What is at stake with something that a group has: entitlements, privileges, or whatever else the group holds."""
    privilege = what.partition(" on ")[0]
    if privilege in _WHOLE or what == "entitlement allow-cluster-create":
        return "high"
    if what.startswith("entitlement ") or privilege.startswith(_READING):
        return "low"
    return "medium"
