"""Hostile requests against a live Envoy: what a case does not say goes on does not, and each is refused on the record.

A table row tells decision and rule of every request that a case is. What goes on in spite of looking odd is proven to
be what was decided about: that method and path, once, with the Databricks token of that service and nothing else that
the client said of itself. What the parser refuses before it is a request is told so, and its line as well.
"""

from collections import Counter
from typing import Any

import pytest
from support.bypass import trial
from support.bypass.cases import CASES
from support.bypass.world import ME, STATEMENTS, Case

PROTOCOL_ERRORS = "http.gateway.downstream_cx_protocol_error"


def rows(cases: list[Case]) -> list[Any]:
    return [pytest.param(case, id=case.id.encode("unicode_escape").decode()) for case in cases]


@pytest.fixture(scope="module")
def outcomes(envoy: Any, raw: Any, world: Any, eventually: Any) -> dict[str, trial.Outcome]:
    return trial.put(CASES, envoy, raw, world, eventually)


def test_there_are_at_least_three_hundred_cases_and_most_are_refused() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
    kinds = Counter(all(end.startswith("deny") for end in case.ends) for case in CASES)
    assert kinds[True] >= 300


@pytest.mark.parametrize("case", rows(CASES))
def test_hostile_request(case: Case, outcomes: dict[str, trial.Outcome], world: Any) -> None:
    trial.judge(case, outcomes[case.id], world)


def test_connections_that_bring_no_request_are_counted(envoy: Any, raw: Any, world: Any, eventually: Any) -> None:
    """There is no request to write a line about; each such connection has ended, and its error is counted."""

    def errors() -> int:
        return int(envoy.admin(f"/stats?filter=^{PROTOCOL_ERRORS}$").rpartition(":")[2])

    cases, before = [case for case in CASES if not case.ends], errors()
    trial.put(cases, envoy, raw, world, eventually)
    assert cases
    assert errors() == before + len(cases)


@pytest.mark.parametrize("wide", [True, False], ids=["gateway", "service"])
def test_a_token_in_the_query_is_refused_where_everything_is_only_observed(
    make_envoy: Any, guarded: Any, entra: Any, raw: Any, wide: bool
) -> None:
    config = guarded()
    services = config.model_dump(mode="json")["services"]
    services["nightly"]["mode"] = "enforce" if wide else "observe"
    live = make_envoy()
    live.apply(guarded(services=services, mode="observe" if wide else "enforce"))
    live.start()
    token, before = entra.token("Nightly-1"), len(raw.requests)
    for path in (f"{ME}?access_token=x", f"{ME}?%61ccess%5Ftoken=x", f"{STATEMENTS}/a?access_token=x"):
        refused = live.request("GET", path, token)
        assert (refused.status_code, "query" in refused.json()["message"]) == (403, True)
    assert len(raw.requests) == before
    assert live.request("POST", STATEMENTS, token).status_code == 200
