"""Locks that a killed engine left on the local stack's state: nobody takes them away, and they refuse every run.

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
