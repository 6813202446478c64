"""Hostile requests against a live Envoy: nothing of them reaches the workspace, and each is refused on the record."""

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from support.bypass import places, requests, tokens
from support.bypass.world import ME, STATEMENTS, Case

HARMLESS = {"token: padded", "authorization: two blanks", "second authorization: empty"}
"""The token that is fine, written otherwise: Envoy reads it, and sends the service's Databricks token alone."""
CASES = [
    replace(case, reaches=f"GET {ME}") if case.id in HARMLESS else case
    for case in [*tokens.CASES, *places.CASES, *requests.CASES]
]
NUMBERS = itertools.count()


def test_there_are_at_least_three_hundred_cases() -> None:
    assert len({case.id for case in CASES}) == len(CASES) >= 300


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id.encode("unicode_escape").decode()) for case in CASES])
def test_hostile_request(case: Case, envoy: Any, raw: Any, world: Any, exchange: Any, eventually: Any) -> None:
    before, world.agent = len(raw.requests), f"bypass {next(NUMBERS)}!"
    lines = len(envoy.audit_lines())
    answer = exchange(envoy, case.make(world))
    seen = raw.requests[before:]
    if case.reaches:
        [request] = seen
        assert f"{request.method} {request.target}" == case.reaches
        assert request.values("authorization") == ["Bearer databricks-token-of-nightly"]
        assert world.token.encode() not in request.head
        return
    assert not seen
    assert world.token.encode() not in answer
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    assert status in (400, 401, 403, 431, 501), answer
    if body:
        told = json.loads(body)
        assert told.keys() == {"error_code", "message", "request_id"}
        assert isinstance(told["error_code"], str)

    def told_of() -> bool:
        new = envoy.audit_lines()[lines:]
        return any(line["decision"] == "deny" and line["status"] == status for line in new)

    assert eventually(told_of, 5)


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
