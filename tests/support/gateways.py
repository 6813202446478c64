"""A gateway as a process of its own, `lakelatch gateway run` as users run it, for as long as a block lasts."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lakelatch.envoy.config import GatewayConfig


@dataclass(frozen=True)
class RunningGateway:
    """Where it is."""

    config: GatewayConfig
    pid: int

    @property
    def url(self) -> str:
        return self.config.host


@contextlib.contextmanager
def running_gateway(config: GatewayConfig, folder: Path) -> Iterator[RunningGateway]:
    """Run a gateway with this configuration; `folder` has to be short enough for sockets."""
    version = folder / "config" / "one"
    version.mkdir(parents=True)
    (version / "gateway.json").write_text(config.file())
    (folder / "config" / "current").symlink_to(version.name)
    command = [sys.executable, "-c", "from lakelatch.cli import main; main()", "gateway", "run", "--json"]
    command += ["--config-dir", str(folder / "config"), "--state-dir", str(folder / "state"), "--workers", "1"]
    with (folder / "log.jsonl").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline(), (folder / "log.jsonl").read_text()
        yield RunningGateway(config, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        process.stdout.close()
