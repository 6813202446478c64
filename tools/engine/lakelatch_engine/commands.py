"""The seam to other programs: run one, collect or follow what it prints."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Finished:
    """How a command ended: its exit code (negative for a signal) and its standard output."""

    code: int
    output: str


class Runner(Protocol):
    """Runs a command to its end."""

    def __call__(
        self,
        command: Sequence[str],
        *,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:
        """Run `command`; with `on_line`, output and errors are both handed over line by line and `output` has them all.

        Without it, errors are discarded. A command that cannot be started ends with code 127.
        """
        ...


def run(
    command: Sequence[str],
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Finished:
    """Run a real command; see `Runner`. The command is ended when this call is interrupted."""
    errors = subprocess.DEVNULL if on_line is None else subprocess.STDOUT
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=None if environ is None else dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            errors="replace",
        )
    except OSError as error:
        return Finished(127, str(error.strerror or error))
    lines: list[str] = []
    try:
        assert process.stdout is not None  # noqa: S101 - asked for above
        with process.stdout:
            for line in process.stdout:
                lines.append(line)
                if on_line is not None:
                    on_line(line.rstrip("\n"))
        return Finished(process.wait(), "".join(lines))
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
