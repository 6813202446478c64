"""Proves that the local stack starts, finds and ends its own processes, and never one that is not its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from lakelatch_sandbox.errors import SandboxError
from lakelatch_sandbox.local.processes import Daemon

SERVES = "import sys, time; print('{\"ready\": true}', flush=True); print('a line', file=sys.stderr); time.sleep(120)"
WITH_CHILD = (
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(120)']);" + SERVES
)
FAILS = "import sys; print('the port is taken', file=sys.stderr); sys.exit(1)"
SILENT = "import time; time.sleep(120)"


def command(script: str) -> list[str]:
    return [sys.executable, "-c", script]


@pytest.fixture
def daemon(tmp_path: Path):  # type: ignore[no-untyped-def]
    made = Daemon("double", tmp_path)
    yield made
    made.stop()


def test_start_waits_for_the_first_line_and_start_again_finds_it(daemon: Daemon) -> None:
    assert daemon.process() is None
    assert daemon.start(command(SERVES), os.environ) == {"ready": True}
    first = daemon.process()
    assert first is not None
    assert daemon.start(command(FAILS), os.environ) == {"ready": True}
    assert daemon.process() == first


def test_what_it_says_first_is_private(daemon: Daemon, tmp_path: Path) -> None:
    daemon.start(command(SERVES), os.environ)
    assert (tmp_path / "double.out").stat().st_mode & 0o077 == 0


def test_stop_ends_it_and_what_it_started(daemon: Daemon) -> None:
    daemon.start(command(WITH_CHILD), os.environ)
    process = daemon.process()
    assert process is not None
    family = [process, *process.children()]
    assert len(family) == 2
    assert daemon.stop() is True
    assert not [member for member in family if member.is_running() and member.status() != psutil.STATUS_ZOMBIE]
    assert daemon.stop() is False


def test_one_that_ends_first_is_told_with_its_last_words(daemon: Daemon) -> None:
    with pytest.raises(SandboxError, match="the port is taken") as caught:
        daemon.start(command(FAILS), os.environ)
    assert "double.log" in str(caught.value.hint)


def test_one_that_never_serves_is_given_up(daemon: Daemon) -> None:
    with pytest.raises(SandboxError, match="did not serve within"):
        daemon.start(command(SILENT), os.environ, timeout_seconds=0.2)


def test_a_process_that_got_the_same_id_later_is_not_ours(daemon: Daemon, tmp_path: Path) -> None:
    """An old record that names a living stranger: it is neither found nor ended."""
    stranger = subprocess.Popen(command(SILENT))
    try:
        (tmp_path / "double.pid").write_text(json.dumps({"pid": stranger.pid, "created": 1.0}))
        assert daemon.process() is None
        assert daemon.stop() is False
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
