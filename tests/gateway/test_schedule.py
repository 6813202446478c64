"""When tokens are refreshed, used and tried again, as tables: no clock runs here."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelatch.envoy.runtime import Unavailable
from lakelatch_gateway.schedule import Lease, State, failed, succeeded

OUTAGE = Unavailable("no answer", transient=True)
REFUSAL = Unavailable("refused", transient=False)
chances = st.floats(0, 1)


@pytest.mark.parametrize(
    ("life", "chance", "due"),
    [(3600, 0.0, 1602), (3600, 0.5, 1780), (3600, 1.0, 1958), (600, 0.5, 280), (60, 1.0, 11), (1, 0.0, 1)],
    ids=["early", "half", "late", "short life", "life of a minute", "life of a second"],
)
def test_refresh_is_due_at_about_half_of_the_time_a_token_can_be_used(life: Any, chance: Any, due: Any) -> None:
    assert succeeded(Lease("t", 0, life), chance=chance).attempt_at == pytest.approx(due)


@pytest.mark.parametrize(
    ("now", "usable"), [(0, True), (3559, True), (3560, False), (3571, False), (3601, False)], ids=str
)
def test_token_is_used_until_forty_seconds_before_its_end(now: Any, usable: Any) -> None:
    state = succeeded(Lease("t", 0, 3600), chance=0.5)
    assert (state.unavailable(now) is None) == usable


@pytest.mark.parametrize(
    ("reason", "waits"), [(OUTAGE, [1, 2, 4, 8, 16, 32, 60, 60]), (REFUSAL, [5, 10, 20, 40, 60, 60])], ids=str
)
def test_waits_grow_to_a_limit(reason: Any, waits: Any) -> None:
    state, seen = State(), []
    for _ in waits:
        state = failed(state, reason, now=100, chance=1.0)
        seen.append(state.attempt_at - 100)
    assert seen == waits


def test_failure_keeps_the_old_token_and_its_reason_counts_only_when_that_has_died() -> None:
    state = failed(succeeded(Lease("t", 0, 3600), chance=0.5), REFUSAL, now=1800, chance=0.5)
    assert state.unavailable(1801) is None
    assert state.unavailable(3560) == REFUSAL


def test_success_forgets_failures() -> None:
    state = failed(State(), OUTAGE, now=0, chance=0)
    assert state.failures == 1
    assert succeeded(Lease("t", 0, 3600), chance=0).failures == 0


@given(st.floats(1, 1e6), chances, st.integers(0, 2000), chances, st.floats(0, 1e6))
def test_waking_never_misses_the_end_of_a_token_and_never_spins(
    life: Any, chance: Any, failures: Any, again: Any, now: Any
) -> None:
    state = succeeded(Lease("t", 0, life), chance=chance)
    state = State(state.lease, OUTAGE, failures, state.attempt_at)
    state = failed(state, OUTAGE, now=now, chance=again)
    assert now + 0.5 <= state.attempt_at <= now + 60
    wake = state.wake_at(now)
    assert wake > now
    if state.unavailable(now) is None:
        assert wake <= life - 40


def test_a_lease_does_not_show_its_token() -> None:
    assert "secret" not in repr(State(lease=Lease("secret", 0, 1)))
