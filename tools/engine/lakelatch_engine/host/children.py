"""The processes that the host has started: none outlives it.

They stay in the host's process group, which the engine kills when the host does not stop in time. The engine also
sends SIGINT to that group to stop the host; a Python program would answer with a KeyboardInterrupt traceback over the
real error, so children are started with SIGINT ignored (POSIX: an ignored signal stays ignored across exec, and Python
then installs no handler) and are ended by SIGTERM from here.
"""

import subprocess
import threading
from typing import IO

from lakelatch_engine.host.errors import HostError
from lakelatch_engine.host.invocation import Invocation

GRACE = 3.0
"""Seconds between SIGTERM and SIGKILL: the engine gives the host 5."""

_QUIET = ("/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh")


class Children:
    """Starts processes and ends those that are left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def start(self, asked: Invocation, *, piped: bool = False) -> subprocess.Popen[bytes]:
        """Start a process; with `piped`, its output and errors can be read, else they are the host's own.

        Raises HostError when it cannot be started, or when the host is already stopping.
        """
        stream: int | IO[bytes] | None = subprocess.PIPE if piped else None
        with self._lock:
            if self._closed:
                raise HostError("the language host is stopping")
            try:
                process = subprocess.Popen(
                    [*_QUIET, *asked.command],
                    env=dict(asked.environ),
                    cwd=asked.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=stream,
                )
            except OSError as error:
                raise HostError(f"`{asked.command[0]}` could not be started: {error.strerror}") from error
            self._running.add(process)
        return process

    def wait(self, process: subprocess.Popen[bytes]) -> int:
        """Wait for a process to end by itself or by `end`; its exit code, negative for a signal."""
        code = process.wait()
        with self._lock:
            self._running.discard(process)
        return code

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """End one process: SIGTERM, and SIGKILL when it does not heed that in time."""
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def end_all(self) -> None:
        """End all that run and refuse new ones."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            if process.poll() is None:
                process.terminate()
        for process in running:
            self.end(process)
