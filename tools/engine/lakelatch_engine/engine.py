"""The one question of this room: which `pulumi` to run."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import which
from typing import Literal

from lakelatch_engine import build, cache, commands, layout, recipe
from lakelatch_engine.commands import Runner
from lakelatch_engine.versions import MINIMUM_PULUMI, Version


@dataclass(frozen=True)
class Engine:
    """A Pulumi CLI that can run Python programs."""

    path: str
    """The `pulumi` executable; its folder also holds (or PATH has) the Python language host."""
    version: str
    origin: Literal["path", "built"]
    """`path`: found on PATH; `built`: made here from the published Go modules."""

    def as_dict(self) -> dict[str, str]:
        """What `lakelatch engine path --json` prints."""
        return asdict(self)


def on_path(
    run: Runner, environ: Mapping[str, str], say: Callable[[str], None], minimum: Version = MINIMUM_PULUMI
) -> Engine | None:
    """The `pulumi` on PATH, when it is new enough and has a Python language host; says why it is passed over."""
    search = environ.get("PATH")
    path = which("pulumi", path=search)
    if path is None:
        return None
    finished = run([path, "version"], environ={**environ, "PULUMI_SKIP_UPDATE_CHECK": "true"})
    version = Version.found_in(finished.output) if finished.code == 0 else None
    if version is None:
        say(f"`{path}` is passed over: it does not tell its version")
    elif version < minimum:
        say(f"`{path}` is passed over: it is {version}, and {minimum} or newer is needed")
    elif not _has_python_host(path, search):
        say(f"`{path}` is passed over: there is no `{layout.HOST}` beside it")
    else:
        return Engine(path, str(version), "path")
    return None


def _has_python_host(pulumi: str, search: str | None) -> bool:
    return (Path(pulumi).resolve().parent / layout.HOST).is_file() or which(layout.HOST, path=search) is not None


def find(
    *,
    environ: Mapping[str, str],
    home: Path,
    say: Callable[[str], None],
    run: Runner = commands.run,
    python: str = sys.executable,
) -> Engine | None:
    """The engine that is there without any work: on PATH, or built before; None when it must be built."""
    if ready := on_path(run, environ, say):
        return ready
    wanted = recipe.load()
    root = cache.root(environ, home)
    folder = root / "build" / wanted.key
    return _engine(folder, root, wanted, python, say) if folder.is_dir() else None


def install(
    *,
    environ: Mapping[str, str],
    home: Path,
    say: Callable[[str], None],
    run: Runner = commands.run,
    python: str = sys.executable,
    clock: Callable[[], float] = time.monotonic,
) -> Engine:
    """The engine, built now when there is none yet. `say` gets lines of progress. Raises EngineError."""
    if ready := find(environ=environ, home=home, say=say, run=run, python=python):
        return ready
    wanted = recipe.load()
    root = cache.root(environ, home)
    return _engine(build.built(wanted, root, run, environ, say, clock), root, wanted, python, say)


def _engine(folder: Path, root: Path, wanted: recipe.Recipe, python: str, say: Callable[[str], None]) -> Engine:
    place = layout.laid_out(folder, root, python, say)
    return Engine(str(place / "pulumi"), str(wanted.version), "built")
