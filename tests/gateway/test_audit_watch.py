"""When the gate closes because audit lines do not get to the disk, and when it opens: a table of looks."""

from typing import Any

import pytest

from lakelatch_gateway.audit.watch import (
    BUFFERED_CEILING_BYTES,
    FREE_FLOOR_BYTES,
    HOLD_SECONDS,
    STEADY_SECONDS,
    Look,
    Standing,
    judge,
)


def look(at: float = 0.0, **seen: Any) -> Look:
    return Look(at, **{"free": 1 << 40, "envoy_failed": 0, "envoy_buffered": 0, **seen})


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ({}, None),
        ({"free": FREE_FLOOR_BYTES}, None),
        ({"free": FREE_FLOOR_BYTES - 1}, "less than 64 MiB are free"),
        ({"gateway": "the gateway cannot write"}, "the gateway cannot write"),
        ({"envoy_failed": 1}, "Envoy could not write"),
        ({"envoy_failed": None, "envoy_buffered": None}, None),
        ({"envoy_buffered": BUFFERED_CEILING_BYTES}, None),
        ({"envoy_buffered": BUFFERED_CEILING_BYTES + 1}, "more than 4 MiB of audit lines"),
        ({"envoy_closed": True}, "restart the gateway"),
    ],
    ids=str,
)
def test_one_look_is_enough_to_close(seen: dict[str, Any], reason: str | None) -> None:
    standing = judge(Standing(), look(**seen))
    assert (standing.reason is None) == (reason is None)
    assert (reason or "") in (standing.reason or "")


def passed(*looks: Look, start: Standing | None = None) -> list[bool]:
    """Whether the gate is open after each look."""
    standing, told = start or Standing(), []
    for one in looks:
        standing = judge(standing, one)
        told.append(standing.reason is None)
    return told


def test_it_opens_when_all_was_well_for_the_hold() -> None:
    first = HOLD_SECONDS[0]
    looks = [
        look(0, envoy_failed=3),
        look(1, envoy_failed=3),
        look(first, envoy_failed=3),
        look(first + 1, envoy_failed=3),
    ]
    assert passed(*looks) == [False, False, False, True]


def test_failure_meanwhile_begins_the_hold_anew() -> None:
    counts = [(0, 1), (1, 1), (4, 2), (5, 2), (9, 2), (10, 2)]
    assert passed(*(look(at, envoy_failed=count) for at, count in counts)) == [False] * 5 + [True]


def test_envoy_that_was_started_again_counts_from_zero() -> None:
    assert passed(look(0, envoy_failed=0), look(1, envoy_failed=0)) == [True, True]
    before = Standing(envoy_failed=5)
    assert passed(look(0, envoy_failed=0), start=before) == [True]
    assert passed(look(0, envoy_failed=2), start=before) == [False]


def test_envoy_that_cannot_be_asked_changes_nothing() -> None:
    standing = judge(Standing(envoy_failed=5), look(envoy_failed=None))
    assert standing == Standing(envoy_failed=5)


def closed_for(standing: Standing, at: float) -> tuple[Standing, float]:
    """Close it at a time, and see after how long without a failure it opens."""
    standing = judge(standing, look(at, gateway="full"))
    began = now = at + 0.5
    while standing.reason is not None:
        standing = judge(standing, look(now))
        now += 0.5
    return standing, now - 0.5 - began


def test_hold_doubles_when_it_closes_again_soon_and_begins_anew_after_a_steady_while() -> None:
    standing, at, holds = Standing(), 0.0, []
    for _ in range(9):
        standing, hold = closed_for(standing, at)
        holds.append(hold)
        at = standing.changed_at + 1
    assert holds == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert closed_for(standing, standing.changed_at + STEADY_SECONDS)[1] == 5
