"""The bypass suite bites: a configuration that is broken in one place is seen by the cases that are about it."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pytest
from support.bypass import trial
from support.bypass.breakages import AUTHENTICATION, BREAKAGES, ROUTES, Breakage
from support.bypass.cases import CASES
from support.bypass.world import Case, World

from lakelatch.envoy.runtime import Files

BY_ID = {case.id: case for case in CASES}
RELOADS: Final = {
    AUTHENTICATION: "extension_config_discovery.http_filter.lakelatch.authentication.config_reload",
    ROUTES: "http.gateway.rds.lakelatch.config_reload",
}
"""Files that Envoy takes anew while it runs to where it counts that they are in force."""


def goes_wrong(case: Case, outcome: trial.Outcome, world: World) -> bool:
    try:
        trial.judge(case, outcome, world)
    except AssertionError:
        return True
    return False


def break_in(live: Any, breakage: Breakage, world: World) -> tuple[Path, str]:
    """Break one file; gives its path and what was there before."""
    path = Path(getattr(Files(PurePosixPath(live.folder)), breakage.file))
    before = path.read_text()
    content = json.loads(before)
    breakage.change(content, world)
    assert content != json.loads(before), "nothing was broken"
    live.replace(str(path), json.dumps(content))
    return path, before


@pytest.fixture
def broken(
    envoy: Any, make_envoy: Any, guarded: Any, world: World, eventually: Any
) -> Callable[[Breakage], AbstractContextManager[Any]]:
    """A live Envoy with one thing broken: the module's own where it takes the file anew, else one for this."""

    def taken(name: str) -> int:
        return int(envoy.admin(f"/stats?filter={RELOADS[name]}").rpartition(":")[2])

    def replace(breakage: Breakage, change: Callable[[], Any]) -> Any:
        before = taken(breakage.file)
        changed = change()
        eventually(lambda: taken(breakage.file) > before)
        return changed

    @contextmanager
    def make(breakage: Breakage) -> Iterator[Any]:
        if breakage.file not in RELOADS:
            live = make_envoy()
            live.apply(guarded())
            break_in(live, breakage, world)
            live.start()
            yield live
            return
        path, before = replace(breakage, lambda: break_in(envoy, breakage, world))
        yield envoy
        replace(breakage, lambda: envoy.replace(str(path), before))

    return make


@pytest.mark.parametrize("breakage", [pytest.param(one, id=one.id) for one in BREAKAGES])
def test_breakage_is_seen(breakage: Breakage, broken: Any, raw: Any, world: World, eventually: Any) -> None:
    cases = [BY_ID[name] for name in breakage.seen_by]
    with broken(breakage) as live:
        outcomes = trial.put(cases, live, raw, world, eventually, patience=0.1)
    assert [case.id for case in cases if not goes_wrong(case, outcomes[case.id], world)] == []


def test_nothing_goes_wrong_where_nothing_is_broken(envoy: Any, raw: Any, world: World, eventually: Any) -> None:
    """Also not any more, where something was."""
    cases = [BY_ID[name] for name in dict.fromkeys(name for one in BREAKAGES for name in one.seen_by)]
    outcomes = trial.put(cases, envoy, raw, world, eventually)
    assert [case.id for case in cases if goes_wrong(case, outcomes[case.id], world)] == []
