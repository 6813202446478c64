"""The folder a user runs: `pulumi` with the language hosts beside it, for one Python interpreter.

The engine looks for language hosts beside the file it was started from, so each interpreter gets a folder with a hard
link to each built executable (a symbolic link would lead the engine back to the build folder).
"""

import hashlib
import os
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

from lakelatch_engine import cache
from lakelatch_engine.build import SCRIPTS
from lakelatch_engine.recipe import PROGRAMS

HOST = "pulumi-language-python"


def shim(python: str) -> str:
    """The language host's executable: starts this package's host with the interpreter that has it installed.

    `-P` keeps the project's folder off the import path, `-X utf8` reads its files as UTF-8 whatever the locale.
    """
    host = f"{shlex.quote(python)} -P -X utf8 -m lakelatch_engine.host"
    command = f'exec {host} --use-executor "${{0%/*}}/{HOST}-exec" "$@"'
    return f"#!/bin/sh\n{command}\n"


def laid_out(build: Path, root: Path, python: str, say: Callable[[str], None]) -> Path:
    """The folder for this build and interpreter; made when it is not there yet. Its `pulumi` is ready to run."""
    digest = hashlib.sha256(shim(python).encode()).hexdigest()[:8]
    target = root / f"{build.name}-{digest}"
    if not target.is_dir():
        with cache.locked(root / f"{target.name}.lock", lambda: say("another process is laying out the engine")):
            if not target.is_dir():
                cache.publish(target, lambda draft: _make(draft, build, python))
    return target


def _make(draft: Path, build: Path, python: str) -> None:
    for program in PROGRAMS:
        name = program.rpartition("/")[2]
        _link(build / name, draft / name)
    for name in (*(Path(script).name for script in SCRIPTS), "LICENSE"):
        shutil.copy2(build / name, draft / name)
    host = draft / HOST
    host.write_text(shim(python), encoding="utf-8")
    host.chmod(0o755)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copy2(source, target)
