"""What a project says about its Python: `runtime.options` in Pulumi.yaml, PulumiPlugin.yaml or PulumiPolicy.yaml."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

from lakelatch_engine.host.errors import HostError

PLUGIN_VIRTUALENV = "venv"
"""Plugins without the option use this folder: they never run in whatever Python happens to be on PATH."""


@dataclass(frozen=True)
class Python:
    """An interpreter, and the virtual environment it belongs to when the project names one."""

    executable: str
    virtualenv: Path | None

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """`environ` with the virtual environment activated, as its `activate` script would."""
        if self.virtualenv is None:
            return dict(environ)
        kept = {name: value for name, value in environ.items() if name != "PYTHONHOME"}
        search = os.pathsep.join(filter(None, [str(self.virtualenv / "bin"), environ.get("PATH")]))
        return kept | {"PATH": search, "VIRTUAL_ENV": str(self.virtualenv)}


@dataclass(frozen=True)
class Options:
    """The options of one project, its folder resolved."""

    virtualenv: Path | None
    """Absolute folder of the virtual environment; None for the Python on PATH."""

    @classmethod
    def of(cls, root: Path, options: Mapping[str, Any], *, default: str | None = None) -> "Options":
        """Read the options of the project in folder `root`; `default` is the folder when none is named.

        Raises HostError for another toolchain than pip: to run in the wrong environment would be worse than not to run.
        """
        toolchain = options.get("toolchain") or "pip"
        if toolchain != "pip":
            raise HostError(
                f"`toolchain: {toolchain}` is not supported by the language host that comes with Lakelatch",
                hint="use `toolchain: pip` with a `virtualenv`, or install the official Pulumi CLI",
            )
        named = options.get("virtualenv") or default
        if named is not None and not isinstance(named, str):
            raise HostError("the `virtualenv` option is not a text", hint="give a folder, such as `virtualenv: venv`")
        return cls(virtualenv=None if named is None else root / named)

    def python(self, environ: Mapping[str, str]) -> Python:
        """The interpreter to run the project with. Raises HostError when it is not there."""
        if self.virtualenv is None:
            return Python(ambient(environ), None)
        executable = self.virtualenv / "bin" / "python"
        if executable.is_file():
            return Python(str(executable), self.virtualenv)
        state = "is not a virtual environment" if self.virtualenv.is_dir() else "does not exist"
        raise HostError(
            f"the project's `virtualenv` is `{self.virtualenv}`, which {state}",
            hint="run `pulumi install` in the project's folder to make it and install the dependencies",
        )


def ambient(environ: Mapping[str, str]) -> str:
    """The Python on PATH: $PULUMI_PYTHON_CMD, else `python3`, else `python`, as the vendor's host chooses."""
    own = environ.get("PULUMI_PYTHON_CMD")
    for name in [own] if own else ["python3", "python"]:
        if found := which(name, path=environ.get("PATH")):
            return found
    wanted = f"`{own}` (PULUMI_PYTHON_CMD)" if own else "`python3` or `python`"
    raise HostError(f"there is no {wanted} on PATH", hint="install Python, or set `runtime.options.virtualenv`")
