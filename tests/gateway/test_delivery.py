"""Files come into force one after the other, and all of them or none, whatever becomes of Envoy meanwhile."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from lakelatch.envoy.runtime import Files
from lakelatch_gateway import delivery
from lakelatch_gateway.errors import ConfigurationRefused

ROUTES, CLUSTERS = "http.gateway.rds.lakelatch", "cluster_manager.cds"


class Envoy:
    """Counts as it is told, a step further at each look."""

    def __init__(self, *steps: dict[str, int], dies: bool = False) -> None:
        self._steps, self._dies = list(steps), dies
        self.looks = 0

    @property
    def alive(self) -> bool:
        return not self._dies or len(self._steps) > 1

    async def counters(self, names: Iterable[str]) -> dict[str, int]:
        self.looks += 1
        step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        return {name: step[name] for name in names if name in step}


def serving(*envoys: Envoy) -> Any:
    left = list(envoys)

    async def one() -> Envoy:
        return left.pop(0)

    return one


@pytest.fixture
def paths(tmp_path: Path) -> Files:
    files = Files(PurePosixPath(tmp_path))
    for path in (files.clusters, files.routes):
        Path(path).write_text("before")
    return files


def contents(paths: Files) -> list[str]:
    return [Path(path).read_text() for path in (paths.clusters, paths.routes)]


async def test_routes_are_in_force_when_they_have_their_tokens_not_when_they_are_read(paths: Files) -> None:
    read, in_force = {f"{ROUTES}.update_success": 1}, {f"{ROUTES}.config_reload": 1}
    envoy = Envoy({}, read, read, read | in_force)
    await delivery.deliver(serving(envoy), paths, {paths.routes: "after"})
    assert envoy.looks == 4
    assert contents(paths) == ["before", "after"]


async def test_what_is_refused_leaves_every_file_as_it_was(paths: Files) -> None:
    taken = {f"{CLUSTERS}.update_success": 1}
    envoy = Envoy({}, taken, taken, taken | {f"{ROUTES}.update_rejected": 1})
    with pytest.raises(ConfigurationRefused, match=r"refused `routes\.json`"):
        await delivery.deliver(serving(envoy), paths, {paths.clusters: "after", paths.routes: "after"})
    assert contents(paths) == ["before", "before"]


async def test_envoy_that_dies_meanwhile_has_refused_nothing(paths: Files) -> None:
    first = Envoy({}, {}, dies=True)
    second = Envoy({}, {f"{ROUTES}.config_reload": 1})
    await delivery.deliver(serving(first, second), paths, {paths.routes: "after"})
    assert contents(paths) == ["before", "after"]


async def test_files_of_which_two_have_died_are_refused(paths: Files) -> None:
    with pytest.raises(ConfigurationRefused):
        await delivery.deliver(serving(*(Envoy({}, {}, dies=True) for _ in range(2))), paths, {paths.routes: "after"})
    assert contents(paths) == ["before", "before"]
