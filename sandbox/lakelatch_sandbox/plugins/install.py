"""Puts the stand-ins where the engine looks first once `PULUMI_IGNORE_AMBIENT_PLUGINS=true`: a private PULUMI_HOME."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

from lakelatch_sandbox.plugins.sdk import Sdk

NAMES: Final = ("azuread", "databricks")


def install(pulumi_home: Path, python: Path = Path(sys.executable)) -> dict[str, str]:
    """Install the stand-ins and return their versions by name; doing it again changes nothing that is right already.

    The versions are those that the installed SDKs ask for. Stand-ins of other versions, left from an earlier SDK, go.
    """
    versions = {name: Sdk(f"pulumi_{name}").version for name in NAMES}
    plugins = pulumi_home / "plugins"
    plugins.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, version in versions.items():
        folder = plugins / f"resource-{name}-v{version}"
        for other in plugins.glob(f"resource-{name}-v*"):
            if other.name != folder.name and other.is_dir():
                shutil.rmtree(other)
        folder.mkdir(exist_ok=True)
        _launcher(folder / f"pulumi-resource-{name}", name, python)
        (plugins / f"{folder.name}.partial").unlink(
            missing_ok=True
        )  # the engine's mark of an install that was cut short
    return versions


def _launcher(path: Path, name: str, python: Path) -> None:
    text = f'#!/bin/sh\nexec {shlex.quote(str(python))} -m lakelatch_sandbox.plugins.run {name} "$@"\n'
    if path.exists() and path.read_text() == text and os.access(path, os.X_OK):
        return
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text)
    beside.chmod(0o755)
    beside.replace(path)
