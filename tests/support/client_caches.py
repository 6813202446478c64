"""What clients in other languages need on this machine: their programs, and packages in the user's cache.

`python -m support.client_caches` in `tests/` fetches them beforehand, with progress; tests fetch what is missing.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parent.parent / "clients"
CACHE = Path(os.environ.get("LAKELATCH_CACHE") or Path.home() / ".cache" / "lakelatch") / "test-clients"
DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
"""Resolves and copies what a `pom.xml` names."""
FETCH_SECONDS = 600
"""43 MB from Maven Central and 130 small packages from npm, over a slow line."""


def need(*programs: str) -> None:
    """Fail, with what to do, when a program is not there."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.fail(f'`{program}` is not on PATH: see "What tests need" in CONTRIBUTING.md', pytrace=False)


def node_modules() -> Path:
    """The folder with the Node driver, as `package-lock.json` has it; fetched once for each lock."""
    need("node", "npm")
    source = CLIENTS / "node"

    def fetch(folder: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, folder)
        # not `npm ci`: it misses optional packages of other systems, which npm itself leaves out of the lock
        _run("npm", "install", "--no-save", "--omit=optional", "--no-audit", "--no-fund", "--prefix", str(folder))

    return _cached("node", (source / "package-lock.json").read_bytes(), fetch) / "node_modules"


def jdbc_classes() -> Path:
    """The folder with the JDBC driver and the compiled client; fetched and compiled once for each version of both."""
    need("java", "javac", "mvn")
    pom, client = CLIENTS / "jdbc" / "pom.xml", CLIENTS / "jdbc" / "Client.java"

    def fetch(folder: Path) -> None:
        goal = f"{DEPENDENCY_PLUGIN}:copy-dependencies"
        _run("mvn", "--batch-mode", "-f", str(pom), goal, f"-DoutputDirectory={folder}")
        _run("javac", "-cp", str(folder / "*"), "-d", str(folder), str(client))

    return _cached("jdbc", pom.read_bytes() + client.read_bytes(), fetch)


def _cached(kind: str, key: bytes, fetch: Callable[[Path], None]) -> Path:
    """The folder for this key; another process sees it whole or not at all."""
    folder = CACHE / f"{kind}-{hashlib.sha256(key).hexdigest()[:16]}"
    if folder.exists():
        return folder
    making = folder.with_name(f"{folder.name}.{os.getpid()}")
    making.mkdir(parents=True)
    try:
        fetch(making)
        if not folder.exists():
            making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return folder


def _run(*command: str) -> None:
    print("$", " ".join(command), file=sys.stderr, flush=True)
    ran = subprocess.run(command, stdout=sys.stderr, timeout=FETCH_SECONDS)
    assert ran.returncode == 0, f"`{command[0]}` ended with status {ran.returncode}; its output is above"


if __name__ == "__main__":
    for ready in (node_modules(), jdbc_classes()):
        print(f"ready: {ready}")
