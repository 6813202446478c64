"""Shared by the engine's tests: a fake runner, a place for projects, and the real engine."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lakelatch_engine.commands import Finished
from lakelatch_engine.engine import Engine, install


@dataclass
class FakeRunner:
    """Answers commands from a table of words that must occur in them; the last entry that fits wins."""

    answers: list[tuple[str, Finished | Callable[[Sequence[str], Path | None], Finished]]] = field(default_factory=list)
    calls: list[list[str]] = field(default_factory=list)
    environments: list[Mapping[str, str]] = field(default_factory=list)

    def on(self, words: str, answer: Finished | Callable[[Sequence[str], Path | None], Finished]) -> None:
        self.answers.insert(0, (words, answer))

    def __call__(
        self,
        command: Sequence[str],
        *,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:
        self.calls.append(list(command))
        self.environments.append(dict(environ or {}))
        for words, answer in self.answers:
            if words in " ".join(command):
                finished = answer if isinstance(answer, Finished) else answer(command, folder)
                if on_line is not None:
                    for line in finished.output.splitlines():
                        on_line(line)
                return finished
        raise AssertionError(f"unexpected command: {list(command)}")


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The engine of this machine: found, or built now."""
    return install(environ=os.environ, home=Path.home(), say=lambda line: print(line, file=sys.stderr))


@dataclass(frozen=True)
class Workspace:
    """A project in a temporary folder, with its own engine home and file backend; nothing reaches the network."""

    folder: Path
    pulumi: str
    environ: Mapping[str, str]

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *arguments: str, code: int = 0, **environ: str) -> str:
        """Run `pulumi`; its whole output. `code` is the exit code that it must have (-1: any but 0)."""
        finished = subprocess.run(
            [self.pulumi, *arguments, "--non-interactive", "--color=never"],
            cwd=self.folder,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
        )
        output = finished.stdout + finished.stderr
        assert (finished.returncode != 0) if code == -1 else (finished.returncode == code), output
        return output


@pytest.fixture
def workspace(engine: Engine, tmp_path: Path) -> Workspace:
    folder = tmp_path / "project"
    state = tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    environ = {
        **inherited,
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": "correct horse",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
    }
    return Workspace(folder, engine.path, environ)
