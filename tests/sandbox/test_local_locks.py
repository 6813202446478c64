"""Proves that only a lock whose engine is gone for certain is taken away."""

import datetime
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from lakelatch_sandbox.local import locks

NOW = datetime.datetime.now(datetime.UTC)
BEFORE_THIS_PROCESS = datetime.datetime.fromtimestamp(psutil.Process().create_time() - 60, datetime.UTC)


def lock(backend: Path, pid: int, made: datetime.datetime = NOW, hostname: str = socket.gethostname()) -> Path:
    """A lock as the engine writes it, with its nine digits of a second."""
    timestamp = f"{made:%Y-%m-%dT%H:%M:%S.%f}789Z"
    return written(backend, {"pid": pid, "username": "me", "hostname": hostname, "timestamp": timestamp})


def written(backend: Path, content: Any) -> Path:
    file = backend / ".pulumi" / "locks" / "organization" / "lakelatch" / "local" / "5f43ecd7.json"
    file.parent.mkdir(parents=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def ended() -> int:
    """The id of a process that was."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


def test_without_a_lock(tmp_path: Path) -> None:
    assert locks.remove_abandoned(tmp_path) == 0


def test_a_lock_of_an_ended_process_goes(tmp_path: Path) -> None:
    file = lock(tmp_path, ended())
    assert locks.remove_abandoned(tmp_path) == 1
    assert not file.exists()


def test_a_lock_whose_id_another_process_has_now_goes(tmp_path: Path) -> None:
    file = lock(tmp_path, os.getpid(), BEFORE_THIS_PROCESS)
    assert locks.remove_abandoned(tmp_path) == 1
    assert not file.exists()


def test_a_lock_of_a_running_process_stays(tmp_path: Path) -> None:
    file = lock(tmp_path, os.getpid())
    assert locks.remove_abandoned(tmp_path) == 0
    assert file.exists()


def test_a_lock_of_another_machine_stays(tmp_path: Path) -> None:
    file = lock(tmp_path, ended(), hostname="elsewhere.example.com")
    assert locks.remove_abandoned(tmp_path) == 0
    assert file.exists()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param("[1]", id="a list"),
        pytest.param({"pid": 1}, id="no host"),
        pytest.param({"pid": "x", "hostname": socket.gethostname(), "timestamp": "2026-01-01T00:00:00Z"}, id="no id"),
        pytest.param({"pid": 1, "hostname": socket.gethostname(), "timestamp": "now"}, id="no time"),
    ],
)
def test_a_lock_that_cannot_be_read_stays(content: Any, tmp_path: Path) -> None:
    file = written(tmp_path, content)
    assert locks.remove_abandoned(tmp_path) == 0
    assert file.exists()


WHOLE, BEFORE = b'{"version": 3, "checkpoint": 2}', b'{"version": 3, "checkpoint": 1}'
TORN = [
    pytest.param(b"", BEFORE, 1, BEFORE, id="empty"),
    pytest.param(WHOLE[:9], BEFORE, 1, BEFORE, id="half of it"),
    pytest.param(None, BEFORE, 1, BEFORE, id="moved away, and none written yet"),
    pytest.param(WHOLE, BEFORE, 0, WHOLE, id="whole"),
    pytest.param(b"", b"{", 0, b"", id="no copy that can be read"),
    pytest.param(b"", None, 0, b"", id="no copy"),
]


@pytest.mark.parametrize(("state", "copy", "restored", "expected"), TORN)
def test_a_state_that_a_killed_engine_was_writing_is_the_one_before(
    tmp_path: Path, state: bytes | None, copy: bytes | None, restored: int, expected: bytes
) -> None:
    folder = tmp_path / ".pulumi" / "stacks" / "lakelatch"
    folder.mkdir(parents=True)
    for name, content in (("local.json", state), ("local.json.bak", copy)):
        if content is not None:
            (folder / name).write_bytes(content)
    assert locks.restore_torn(tmp_path) == restored
    assert (folder / "local.json").read_bytes() == expected
    assert {file.name for file in folder.iterdir()} <= {"local.json", "local.json.bak"}
