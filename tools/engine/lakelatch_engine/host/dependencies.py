"""`pulumi install`: make the project's virtual environment and install what it requires, with pip."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lakelatch_engine.host.errors import HostError
from lakelatch_engine.host.invocation import Invocation, package_name
from lakelatch_engine.host.options import Options, ambient


@dataclass(frozen=True)
class Step:
    """One command of an installation, and what it is for."""

    says: str
    asked: Invocation


def steps(options: Options, folder: Path, environ: Mapping[str, str], *, plugin: bool) -> Iterator[Step]:
    """What to run for the project in `folder`; each step is decided in its turn: the first makes what the next uses.

    Requirements come from `requirements.txt`. A plugin without one that is itself a package is installed from its
    folder, or its classes could not be imported. Raises HostError when the virtual environment's place is taken.
    """
    target = options.virtualenv
    if target is not None and not (target / "bin" / "python").is_file():
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise HostError(
                f"the project's `virtualenv` is `{target}`, which exists and is not a virtual environment",
                hint="remove it or name another folder",
            )
        command = [ambient(environ), "-m", "venv", str(target)]
        yield Step(f"creating the virtual environment `{target}`", Invocation(command, environ, str(folder)))
    if (folder / "requirements.txt").is_file():
        wanted = ["-r", "requirements.txt"]
    elif plugin and package_name(folder) is not None:
        wanted = ["-e", "."]
    else:
        return
    python = options.python(environ)
    command = [python.executable, "-m", "pip", "install", "--disable-pip-version-check", *wanted]
    asked = Invocation(command, python.environment(environ), str(folder))
    yield Step(f"installing {' '.join(wanted)} into `{target or python.executable}`", asked)
