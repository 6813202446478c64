"""What is installed in a project's environment: Pulumi SDKs with the plugins they need, and packages."""

import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakelatch_engine.host.errors import HostError
from lakelatch_engine.host.options import Python

PROBE = Path(__file__).with_name("probe.py")


@dataclass(frozen=True)
class Plugin:
    """A provider plugin that an installed SDK needs."""

    name: str
    version: str
    """Semantic version with a leading `v`; empty when it cannot be told."""
    server: str
    parameterization: Mapping[str, str] | None
    """Name, version and base64 value of a parameterized package (a bridged Terraform provider), else None."""


def ask(python: Python, question: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """Put a question (`plugins`, `packages`, `about`) to the project's interpreter. Raises HostError when it fails."""
    finished = subprocess.run(
        [python.executable, "-I", str(PROBE), question],
        env=python.environment(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        reason = finished.stderr.strip().splitlines()[-1:] or [f"exit code {finished.returncode}"]
        raise HostError(f"`{python.executable}` could not list what is installed: {reason[0]}")
    answer: dict[str, Any] = json.loads(finished.stdout)
    return answer


def plugins(found: Iterable[Mapping[str, Any]]) -> list[Plugin]:
    """The plugins among the `pulumi-plugin.json` files that the probe found, in its order, each once."""
    wanted: dict[tuple[str, str], Plugin] = {}
    for entry in found:
        described = entry["plugin"]
        if not described.get("resource"):
            continue
        name = described.get("name") or str(entry["module"]).removeprefix("pulumi_").replace("_", "-")
        version = described.get("version") or semantic(entry["installed"]) or ""
        if version and not version.startswith("v"):
            version = f"v{version}"
        plugin = Plugin(name, version, described.get("server") or "", described.get("parameterization"))
        wanted.setdefault((name, version), plugin)
    return list(wanted.values())


_PEP440 = re.compile(
    r"(?P<release>\d+(?:\.\d+){0,2})(?:(?P<pre>a|b|rc)(?P<number>\d+))?(?:\.(?P<post>post\d+))?(?:\.(?P<dev>dev\d+))?",
    re.ASCII,
)


def semantic(version: str) -> str | None:
    """A PEP 440 version as a semantic one, as the vendor's host translates it; None when there is no such form.

    `1.2` → `1.2.0`, `1.2.3a4` → `1.2.3-alpha.4`, `1.2.3.post1.dev2` → `1.2.3+post1dev2`.
    """
    match = _PEP440.fullmatch(version)
    if match is None:
        return None
    release = match["release"] + ".0" * (2 - match["release"].count("."))
    names = {"a": "alpha", "b": "beta", "rc": "rc"}
    pre = f"-{names[match['pre']]}.{match['number']}" if match["pre"] else ""
    build = (match["post"] or "") + (match["dev"] or "")
    return release + pre + (f"+{build}" if build else "")


def dependencies(packages: Iterable[Mapping[str, Any]], *, transitive: bool) -> list[tuple[str, str]]:
    """Name and version of each package, sorted; without `transitive` only those that no other one requires."""
    listed = list(packages)
    needed = set() if transitive else {_normal(_required(text)) for entry in listed for text in entry["requires"]}
    return sorted((entry["name"], entry["version"]) for entry in listed if _normal(entry["name"]) not in needed)


def _required(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    return match[0] if match else ""


def _normal(name: str) -> str:
    """PEP 503: runs of `-`, `_` and `.` are one `-`, case does not count."""
    return re.sub(r"[-_.]+", "-", name).lower()
