"""Processes that outlive the command which started them: known by id and start time, so that no other is ever ended."""

import contextlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from lakelatch_sandbox.errors import SandboxError
from lakelatch_sandbox.files import write_public

POLL_SECONDS = 0.05


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class Daemon:
    """A `lakelatch` command in the background that says on its first output line, in JSON, that it serves."""

    def __init__(self, name: str, logs: Path) -> None:
        self.name = name
        self._record = logs / f"{name}.pid"
        self._output = logs / f"{name}.out"
        self._log = logs / f"{name}.log"

    def process(self) -> psutil.Process | None:
        """The running process, or None."""
        try:
            record = json.loads(self._record.read_text())
            process = psutil.Process(record["pid"])
            # An id is used again after its process has ended; a start time is not.
            alive = process.create_time() == record["created"] and process.status() != psutil.STATUS_ZOMBIE
        except (FileNotFoundError, psutil.NoSuchProcess):
            return None
        return process if alive else None

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], *, timeout_seconds: float = 60
    ) -> dict[str, Any]:
        """Start it when it does not run, and wait until it serves; returns what it said.

        `command` begins with the path of a program and holds no path that depends on the folder one stands in.

        Raises:
            SandboxError: when it ends first or does not serve in time; names its log and quotes the last lines.

        """
        if self.process() is None:
            self._output.unlink(missing_ok=True)
            # What a daemon says first may hold the doubles' credentials, for whoever starts it.
            with open(self._output, "wb", opener=_private) as output, self._log.open("ab") as log:
                streams = [
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, output.fileno(), 1),
                    (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
                ]
                # In a session of its own, so that a Ctrl-C meant for `up` does not reach it.
                pid = os.posix_spawn(command[0], [*command], environment, file_actions=streams, setsid=True)
            record = {"pid": pid, "created": psutil.Process(pid).create_time()}
            write_public(self._record, json.dumps(record).encode())
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            if (said := self._said()) is not None:
                return said
            if self.process() is None:
                raise SandboxError(f"the {self.name} ended before it served:\n{self._tail()}", hint=f"see {self._log}")
            time.sleep(POLL_SECONDS)
        raise SandboxError(
            f"the {self.name} did not serve within {timeout_seconds:.0f} s:\n{self._tail()}", hint=f"see {self._log}"
        )

    def stop(self, *, timeout_seconds: float = 20) -> bool:
        """End it, and then what it started and left behind; False when it did not run."""
        process = self.process()
        if process is None:
            return False
        children = process.children(recursive=True)
        process.terminate()
        _wait([process], timeout_seconds)
        for orphan in _left(children):
            orphan.terminate()
        _wait(children, timeout_seconds / 4)
        for straggler in _left([process, *children]):
            straggler.kill()
        _wait([process, *children], timeout_seconds / 4)
        self._record.unlink(missing_ok=True)
        return True

    def _said(self) -> dict[str, Any] | None:
        first, newline, _ = self._output.read_text().partition("\n")
        return json.loads(first) if newline else None

    def _tail(self, lines: int = 15) -> str:
        said = self._log.read_text(errors="replace").splitlines()[-lines:] if self._log.exists() else []
        return "\n".join(f"  {line}" for line in said)


def _left(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; one that has ended and was not yet asked for its exit code runs no more."""
    left = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                left.append(process)
    return left


def _wait(processes: Sequence[psutil.Process], seconds: float) -> None:
    """Wait until none of them runs, or the time is over."""
    deadline = time.monotonic() + seconds
    while _left(processes) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
