"""A small project of its own on the real engine: private home, state in a folder, nothing asked of the network."""

import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from lakelatch_sandbox.local.engine import OFFLINE
from lakelatch_sandbox.plugins import install


@cache
def _engine(lakelatch: Path) -> Path:
    """Where the engine is: the same for every project of a run."""
    found = subprocess.run([lakelatch, "engine", "path"], capture_output=True, text=True, check=True)
    return Path(found.stdout.strip())


class EngineProject:
    """A program in a stack `test`, run as by hand; `home` has the stand-in plugins."""

    def __init__(
        self,
        folder: Path,
        name: str,
        program: str,
        *,
        providers: Mapping[str, Path] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder / "project"
        for made in (self.folder, folder / "backend", folder / "home"):
            made.mkdir()
        install(folder / "home")
        bin_folder = Path(sys.executable).parent
        self.name = name
        self.pulumi = _engine(bin_folder / "lakelatch")
        options = {"toolchain": "pip", "virtualenv": str(bin_folder.parent)}
        project: dict[str, Any] = {"name": name, "runtime": {"name": "python", "options": options}}
        if providers:
            project["plugins"] = {"providers": [{"name": key, "path": str(path)} for key, path in providers.items()]}
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(project))
        (self.folder / "__main__.py").write_text(program)
        self.environment = {
            **os.environ,
            **OFFLINE,
            "PATH": f"{self.pulumi.parent}:{bin_folder}:{os.environ['PATH']}",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "for this test alone",
            **(environment or {}),
        }
        self.run("stack", "init", "test")

    def configure(self, **config: str) -> None:
        """Settings of the stack as its file keeps them: half a second less for each than `pulumi config set`."""
        file = self.folder / "Pulumi.test.yaml"
        kept = (yaml.safe_load(file.read_text()) if file.exists() else None) or {}
        kept["config"] = {**kept.get("config", {}), **{f"{self.name}:{key}": value for key, value in config.items()}}
        file.write_text(yaml.safe_dump(kept))

    def run(self, *arguments: str, succeeds: bool = True) -> str:
        """Run `pulumi` and return what it said; whether it succeeds is part of what a test claims."""
        done = subprocess.run(
            [self.pulumi, *arguments, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode == 0) == succeeds, done.stdout + done.stderr
        return done.stdout + done.stderr
