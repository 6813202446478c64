"""Break the code in small ways, each on a copy, and name what no test noticed. Exit code 1 when that must not be."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import toml
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import WorkerOutcome

from lakelatch_mutants.suites import LEFT_OUT, SUITES, Suite

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("components", "gateway", "policies", "provider", "sandbox", "tools/engine")
SLOWEST_SECONDS = 120.0
"""A mutant that runs longer hangs, and hanging is noticed."""


@dataclass(frozen=True)
class Outcome:
    """What became of a suite's mutants."""

    suite: Suite
    killed: int
    survivors: tuple[str, ...]
    """Each as `file:line: - what stood there  + what nobody missed`."""


def copied(root: Path, target: Path) -> None:
    """The checkout's own files, as they are now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target / name)


def run(suite: Suite) -> Outcome:
    """Try every mutant of a suite, one after another, in a copy of the checkout."""
    with tempfile.TemporaryDirectory(prefix="lakelatch-mutants-") as name:
        folder = Path(name)
        copied(ROOT, folder)
        # the copy's rooms come before the installed ones
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(str(folder / room) for room in ROOMS)}
        environ["PYTHONDONTWRITEBYTECODE"] = "1"

        def cosmic(program: str, *arguments: str) -> None:
            command = [str(Path(sys.executable).with_name(program)), *arguments]
            done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
            if done.returncode != 0:
                raise SystemExit(f"{suite.name}: `{program} {arguments[0]}` failed:\n{done.stdout}{done.stderr}")

        (folder / "mutants.toml").write_text(toml.dumps(_config(suite)))
        cosmic("cosmic-ray", "baseline", "mutants.toml")
        cosmic("cosmic-ray", "init", "mutants.toml", "mutants.sqlite")
        cosmic("cr-filter-operators", "mutants.sqlite", "mutants.toml")
        cosmic("cr-filter-pragma", "mutants.sqlite")
        cosmic("cosmic-ray", "exec", "mutants.toml", "mutants.sqlite")
        with use_db(folder / "mutants.sqlite", WorkDB.Mode.open) as database:
            results = [result for _, result in database.results if result.worker_outcome != WorkerOutcome.SKIPPED]
        survivors = tuple(sorted(shown(str(result.diff)) for result in results if not result.is_killed))
        return Outcome(suite, len(results) - len(survivors), survivors)


def _config(suite: Suite) -> dict[str, Any]:
    tests = " ".join(suite.tests)
    return {
        "cosmic-ray": {
            "module-path": list(suite.modules),
            "timeout": SLOWEST_SECONDS,
            "excluded-modules": [],
            "test-command": f"{sys.executable} -m pytest -x -q -p no:cacheprovider -p no:xdist {tests}",
            "distributor": {"name": "local"},
            "filters": {"operators-filter": {"exclude-operators": list(LEFT_OUT)}},
        }
    }


def shown(diff: str) -> str:
    """A diff in one line: where, what stood there, what stands there now."""
    lines = diff.splitlines()
    changed = [f"{line[0]} {line[1:].strip()}" for line in lines if re.match(r"[-+](?![-+]{2} )", line)]
    hunk = next((position for position, line in enumerate(lines) if line.startswith("@@")), None)
    if hunk is None:
        return diff
    before = 0
    for line in lines[hunk + 1 :]:
        if line.startswith(("-", "+")):
            break
        before += 1
    first = re.match(r"@@ -(\d+)", lines[hunk])
    file = next((line.removeprefix("+++ b/") for line in lines if line.startswith("+++ b/")), "")
    return f"{file}:{int(first[1]) + before if first else 0}: {'  '.join(changed)}"


def report(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The page: each survivor in a line, then a line per suite."""
    for outcome in outcomes:
        yield from outcome.survivors
    for outcome in outcomes:
        total = outcome.killed + len(outcome.survivors)
        strict = " (none may survive)" if outcome.suite.strict else ""
        yield f"{outcome.suite.name}{strict}: {outcome.killed} of {total} mutants noticed"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suites that are named, or all."""
    parser = argparse.ArgumentParser(prog="make check-mutants", description=__doc__)
    parser.add_argument("suites", nargs="*", help="names of suites; all when none is given")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.suites) - {suite.name for suite in SUITES}:
        parser.error(f"no such suite: {', '.join(sorted(unknown))}; there are {', '.join(s.name for s in SUITES)}")
    wanted = [suite for suite in SUITES if not chosen.suites or suite.name in chosen.suites]
    with ThreadPoolExecutor(chosen.processes) as pool:
        outcomes = list(pool.map(run, wanted))
    print("\n".join(report(outcomes)))
    return 1 if any(outcome.survivors and outcome.suite.strict for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
