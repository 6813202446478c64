"""The command lines of programs, plugins and policy packs. Pure but for looking which files a plugin folder has."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lakelatch_engine.host.errors import HostError
from lakelatch_engine.host.options import Python

START = Path(__file__).with_name("start.py")
BAIL = 32
"""Exit code of a program that has already told the user what is wrong (`pulumi-language-python-exec`)."""


@dataclass(frozen=True)
class Invocation:
    """A process to start."""

    command: Sequence[str]
    environ: Mapping[str, str]
    folder: str | None
    """Working folder; None for the host's own."""


@dataclass(frozen=True)
class Program:
    """What the engine asks for when it runs a program (`RunRequest`)."""

    monitor: str
    engine: str
    project: str
    root: str
    stack: str
    folder: str
    entry_point: str
    dry_run: bool
    parallel: int
    organization: str
    arguments: Sequence[str]
    config: Mapping[str, str]
    secret_keys: Sequence[str]


def program(asked: Program, executor: str, python: Python, environ: Mapping[str, str]) -> Invocation:
    """Start a Pulumi program through the SDK's `pulumi-language-python-exec` script, which `start.py` runs.

    Configuration travels in the environment, where the SDK looks for it, and never on the command line: it has secrets.
    """
    named = {
        "monitor": asked.monitor,
        "engine": asked.engine,
        "project": asked.project,
        "root_directory": asked.root,
        "stack": asked.stack,
        "pwd": asked.folder,
        "dry_run": "true" if asked.dry_run else "false",
        "parallel": str(asked.parallel),
        "organization": asked.organization,
    }
    flags = [part for name, value in named.items() if value for part in (f"--{name}", value)]
    configuration = {
        "PULUMI_CONFIG": json.dumps(dict(asked.config)),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(asked.secret_keys)),
    }
    command = [python.executable, "-u", str(START), executor, *flags, asked.entry_point or ".", *asked.arguments]
    return Invocation(command, python.environment(environ) | configuration, None)


def check_program(folder: Path, entry_point: str) -> None:
    """Raise HostError when the program is a folder without `__main__.py`.

    Python would then run whatever `__main__` it finds on its import path: of an editable installation, for example.
    """
    place = folder / (entry_point or ".")
    if place.is_dir() and not (place / "__main__.py").is_file():
        raise HostError(
            f"there is no program: `{place}` has no `__main__.py`", hint="add it, or set `main` in Pulumi.yaml"
        )


def plugin(
    kind: str, folder: Path, arguments: Sequence[str], python: Python, environ: Mapping[str, str], working: str
) -> Invocation:
    """Start a plugin from its source folder.

    A policy pack (`analyzer`) runs through the SDK's `pulumi.policy` with its own folder as working folder; anything
    else is run as `__main__.py`, or without one as the installed package that `pyproject.toml` names. Raises HostError.
    """
    environ = python.environment(environ)
    if kind == "analyzer":
        command = [python.executable, "-u", "-m", "pulumi.policy", *arguments, str(folder)]
        return Invocation(command, environ, str(folder))
    if (folder / "__main__.py").is_file():
        return Invocation([python.executable, "-u", str(folder), *arguments], environ, working)
    name = package_name(folder)
    if name is None:
        raise HostError(
            f"the plugin in `{folder}` has neither a `__main__.py` nor a `pyproject.toml` that can be built",
            hint="add one of them",
        )
    return Invocation([python.executable, "-u", "-m", "pulumi.run.plugin", name, *arguments], environ, working)


def package_name(folder: Path) -> str | None:
    """The name in the folder's `pyproject.toml`, when it has a build backend too. Raises HostError for broken TOML."""
    try:
        content = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise HostError(f"`{folder / 'pyproject.toml'}` cannot be read: {error}") from error
    name = content.get("project", {}).get("name")
    return name if isinstance(name, str) and content.get("build-system", {}).get("build-backend") else None


def outcome(code: int) -> tuple[str, bool]:
    """The error text and the bail flag for a program's exit code (negative: the signal that ended it)."""
    if code == 0:
        return "", False
    if code == BAIL:
        return "", True
    if code < 0:
        return f"the program was ended by signal {-code}", False
    return f"the program exited with code {code}", False
