"""What a killed engine left of the local stack's state: locks that refuse every run, and a file that it was writing.

The engine's `file://` backend has one file per lock, which names its holder (pulumi 3.259, `pkg/backend/diy/lock.go`).
"""

import datetime
import json
import socket
from pathlib import Path

import psutil


def remove_abandoned(backend: Path) -> int:
    """Remove the locks whose engine ran on this machine and runs no more; returns how many there were.

    A lock of another machine, or one that cannot be read, stays: the engine says how to end it.
    """
    removed = 0
    for file in sorted(backend.glob(".pulumi/locks/**/*.json")):
        if _abandoned(file):
            file.unlink(missing_ok=True)
            removed += 1
    return removed


def restore_torn(backend: Path) -> int:
    """Put the engine's own copy back where it was killed while it wrote a stack's state; returns how many there were.

    The copy (`.bak`, pulumi 3.259, `pkg/backend/diy/state.go`) is of the step before: what that step began is found
    again by asking the doubles. A state that can be read, or has no copy that can, stays as it is.
    """
    restored = 0
    for copy in sorted(backend.glob(".pulumi/stacks/**/*.bak")):
        state = copy.with_suffix("")
        if _is_json(copy) and not _is_json(state):
            beside = state.with_suffix(".restored")
            beside.write_bytes(copy.read_bytes())
            beside.replace(state)
            restored += 1
    return restored


def _is_json(file: Path) -> bool:
    try:
        return isinstance(json.loads(file.read_bytes()), dict)
    except (OSError, ValueError):
        return False


def _abandoned(file: Path) -> bool:
    try:
        holder = json.loads(file.read_text(encoding="utf-8"))
        pid, locked = int(holder["pid"]), datetime.datetime.fromisoformat(holder["timestamp"])
        if holder["hostname"] != socket.gethostname():
            return False
    except (OSError, ValueError, TypeError, KeyError):
        return False
    try:
        # An id is used again after its process has ended: what began after the lock was made does not hold it.
        return psutil.Process(pid).create_time() > locked.timestamp()
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return True
