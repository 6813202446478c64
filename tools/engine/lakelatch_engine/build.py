"""Build the Pulumi CLI from its published Go modules, once per recipe and user."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from lakelatch_engine import cache, golang
from lakelatch_engine.commands import Runner
from lakelatch_engine.errors import EngineError
from lakelatch_engine.recipe import Recipe, go_environment

SCRIPTS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")
"""Files of the SDK module that belong beside the CLI: the starter of Python programs, and dynamic providers."""

REPORT_EVERY = 10.0
"""Seconds between two lines of progress."""


class Progress:
    """Turns the chatter of `go build` into a line now and then; keeps the last lines for an error."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float], total: int | None = None) -> None:
        self._say = say
        self._clock = clock
        self._total = total
        self._count = 0
        self._next = clock() + REPORT_EVERY
        self.tail: list[str] = []

    def line(self, text: str) -> None:
        """Take one line of output."""
        self.tail = [*self.tail[-19:], text]
        self._count += 1
        if self._clock() < self._next:
            return
        self._next = self._clock() + REPORT_EVERY
        of = f" of at most {self._total}" if self._total else ""
        self._say(f"  {self._count}{of}: {text.split(' ', 2)[-1] if text.startswith('go: ') else text}")


def built(
    recipe: Recipe,
    root: Path,
    run: Runner,
    environ: Mapping[str, str],
    say: Callable[[str], None],
    clock: Callable[[], float],
) -> Path:
    """The folder that holds the built programs and the SDK's scripts; builds it when it is not there yet.

    Raises EngineError when no Go can be had or the build fails.
    """
    target = root / "build" / recipe.key
    if target.is_dir():
        return target
    waiting = f"another process is building Pulumi {recipe.version}; waiting for it"
    with cache.locked(root / "build" / f"{recipe.key}.lock", lambda: say(waiting)):
        if not target.is_dir():
            go = golang.find(root, run, environ, say)
            started = clock()
            say(f"building Pulumi {recipe.version} with Go {go.version} ({go.origin}); this takes minutes, once")
            cache.publish(target, lambda draft: _make(recipe, draft, go.path, run, go_environment(environ), say, clock))
            say(f"built Pulumi {recipe.version} in {clock() - started:.0f} s")
    return target


def _make(
    recipe: Recipe,
    draft: Path,
    go: str,
    run: Runner,
    environ: Mapping[str, str],
    say: Callable[[str], None],
    clock: Callable[[], float],
) -> None:
    module = draft / "module"
    module.mkdir()
    (module / "go.mod").write_bytes(recipe.go_mod)
    (module / "go.sum").write_bytes(recipe.go_sum)

    def step(what: str, command: list[str], total: int | None = None) -> str:
        progress = Progress(say, clock, total)
        finished = run(command, environ=environ, folder=module, on_line=progress.line)
        if finished.code != 0:
            detail = "\n".join(f"  {line}" for line in progress.tail) or f"  exit code {finished.code}"
            raise EngineError(f"{what} failed:\n{detail}", hint=_hint(detail))
        return finished.output

    say("fetching the modules")
    listed = step("fetching the Go modules of the Pulumi CLI", recipe.packages_command(go))
    total = sum(1 for line in listed.splitlines() if not line.startswith("go: "))
    say(f"compiling {total} packages")
    step("compiling the Pulumi CLI", recipe.build_command(go, draft), total)
    sdk = Path(step("locating the Pulumi SDK", recipe.sdk_command(go)).splitlines()[-1].strip())
    for script in SCRIPTS:
        _copy(sdk / script, draft / Path(script).name, 0o755)
    _copy(sdk / "LICENSE", draft / "LICENSE", 0o644)
    shutil.rmtree(module)


def _copy(source: Path, target: Path, mode: int) -> None:
    """Copy a file out of the module cache, whose files are read-only."""
    try:
        target.write_bytes(source.read_bytes())
    except OSError as error:
        raise EngineError(f"the Pulumi SDK module lacks `{source.name}`: {error.strerror}") from error
    target.chmod(mode)


def _hint(detail: str) -> str:
    if "no space left" in detail:
        return "free some disk space: the build needs about 3 GB for modules and compiled packages"
    if "missing go.sum entry" in detail or "updates to go.mod needed" in detail:
        return "the module files do not fit together; restore go.mod and go.sum"
    if "dial tcp" in detail or "no such host" in detail or "Forbidden" in detail or "Not Found" in detail:
        return "a Go module proxy must be reachable (GOPROXY), or install the Pulumi CLI and put it on PATH"
    return "install the Pulumi CLI and put it on PATH, or try again"
