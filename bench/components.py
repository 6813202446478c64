"""The components against the same resources written by hand: what a preview costs, in time and in memory.

Each program runs as a process of its own, in turns with the other one: once on the real engine (`pulumi preview` of a
fresh stack, with the stand-in plugins) and once against the SDK's mocks, which leave out engine and plugins, so that
only the Python program is measured. Before anything is measured, both must register the same resources with the same
inputs; only the components themselves are more.

    python -m bench.components [--services 500] [--rounds 3]

A service in ten signs in by Entra and goes through the gateway, the others are CI jobs that go directly.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.component_programs import KINDS, PROGRAMS

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Run:
    """One run of one program."""

    seconds: float
    mebibytes: float
    """The program's own peak; on the engine without engine and plugins, which are the same for both."""
    loading: float = 0.0
    """Seconds of them that imports took, where that was measured."""


def peak() -> float:
    """This process's largest resident set so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def mocked(kind: str, services: int, out: Path, *, preview: bool) -> None:
    """Run a program against mocks and write down what it cost and what it registered. Runs in a process of its own."""
    import pulumi

    registered: dict[str, Any] = {}

    class Recorder(pulumi.runtime.Mocks):
        def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
            if not args.typ.startswith("lakelatch:"):
                registered[f"{args.typ} {args.name}"] = dict(args.inputs)
            made = {"clientId": f"client {args.name}", "objectId": "o", "applicationId": "a", "version": "v"}
            return "5581763342009999", {**made, **args.inputs}

        def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], None]:
            raise AssertionError(args.token)

    started = time.perf_counter()
    import pulumi_azuread  # noqa: F401
    import pulumi_databricks  # noqa: F401

    from lakelatch import DatabricksAccess  # noqa: F401

    loaded = time.perf_counter()
    pulumi.runtime.set_mocks(Recorder(), project="bench", stack="bench", preview=preview)
    pulumi.runtime.test(lambda: PROGRAMS[kind](services))()  # type: ignore[no-untyped-call]
    ended = time.perf_counter()
    found = {"loading": loaded - started, "seconds": ended - started, "mebibytes": peak(), "registered": registered}
    out.write_text(json.dumps(found))


def run_mocked(kind: str, services: int, *, preview: bool = True) -> tuple[Run, dict[str, Any]]:
    """A fresh interpreter against mocks; the time is the program's, its imports included."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = [sys.executable, "-m", "bench.components", "--mocked", kind, "--services", str(services)]
        command += ["--out", out.name, *(["--preview"] if preview else [])]
        subprocess.run(command, cwd=REPOSITORY, check=True)
        found = json.loads(Path(out.name).read_text())
    return Run(found["seconds"], found["mebibytes"], found["loading"]), found["registered"]


def same(services: int) -> int:
    """How many resources both programs register; they must be the same ones, with the same inputs.

    Not as a preview: there most generated values are unknown, and unknown equals unknown.
    """
    one, two = (run_mocked(kind, services, preview=False)[1] for kind in KINDS)
    differing = sorted(key for key in {*one, *two} if one.get(key) != two.get(key))
    if differing:
        key = differing[0]
        raise SystemExit(
            f"the programs differ in {len(differing)} resources, first {key}:"
            f" {str(one.get(key))[:500]} {str(two.get(key))[:500]}"
        )
    return len(one)


class Engine:
    """A project for each program, with a home of its own for the stand-in plugins."""

    def __init__(self, folder: Path, services: int) -> None:
        from lakelatch_sandbox.local.engine import OFFLINE
        from lakelatch_sandbox.plugins import install

        bin_folder = Path(sys.executable).parent
        path = subprocess.run([bin_folder / "lakelatch", "engine", "path"], capture_output=True, text=True, check=True)
        self.pulumi, self.folder = Path(path.stdout.strip()), folder
        (folder / "home").mkdir()
        (folder / "backend").mkdir()
        install(folder / "home")
        self.environment = {
            **os.environ,
            **OFFLINE,
            "PATH": f"{self.pulumi.parent}:{bin_folder}:{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "for this comparison alone",
        }
        for kind in KINDS:
            project = self._project(kind)
            project.mkdir()
            options = {"toolchain": "pip", "virtualenv": str(bin_folder.parent)}
            plugins = {"providers": [{"name": "lakelatch-native", "path": str(REPOSITORY / "provider")}]}
            described = {"name": project.name, "runtime": {"name": "python", "options": options}, "plugins": plugins}
            (project / "Pulumi.yaml").write_text(json.dumps(described))
            program = (
                "import atexit, pathlib\n"
                "from bench.component_programs import PROGRAMS\nfrom bench.components import peak\n"
                "atexit.register(lambda: pathlib.Path('peak').write_text(str(peak())))\n"
                f"PROGRAMS[{kind!r}]({services})\n"
            )
            (project / "__main__.py").write_text(program)
            self._pulumi(kind, "stack", "init", "bench")

    def preview(self, kind: str) -> Run:
        """One preview of a stack that has nothing yet."""
        started = time.perf_counter()
        self._pulumi(kind, "preview", "--suppress-progress", "--json")
        seconds = time.perf_counter() - started
        return Run(seconds, float((self._project(kind) / "peak").read_text()))

    def _project(self, kind: str) -> Path:
        return self.folder / kind.replace(" ", "-")

    def _pulumi(self, kind: str, *arguments: str) -> None:
        command = [str(self.pulumi), *arguments, "--non-interactive"]
        done = subprocess.run(command, cwd=self._project(kind), env=self.environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{arguments[0]} of {kind} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def rows(what: str, runs: dict[str, list[Run]]) -> list[str]:
    """Two lines of the table: medians, and the ratio of the medians with its range over the rounds."""
    lines = []
    for kind in ("by hand", "components"):
        seconds = statistics.median(run.seconds for run in runs[kind])
        memory = statistics.median(run.mebibytes for run in runs[kind])
        times = [one.seconds / other.seconds for one, other in zip(runs[kind], runs["by hand"], strict=True)]
        ratio = f"{statistics.median(times):.2f} ({min(times):.2f} to {max(times):.2f})"
        more = memory / statistics.median(run.mebibytes for run in runs["by hand"])
        lines.append(f"| {what}, {kind} | {seconds:.1f} s | {ratio} | {memory:.0f} MiB | {more:.2f} |")
    return lines


def growth(rounds: int, few: int = 50, many: int = 1000) -> str:
    """What one more service costs, among few and among many; loading and what a stack has anyway are taken off."""
    counts: dict[int, list[float]] = {0: [], few: [], many: []}
    for _ in range(rounds):
        for count, seconds in counts.items():
            run = run_mocked("components", count)[0]
            seconds.append(run.seconds - run.loading)
    empty = statistics.median(counts[0])
    cost = {count: (statistics.median(counts[count]) - empty) / count for count in (few, many)}
    return (
        f"One more service costs the program {cost[few] * 1000:.1f} ms among {few}, {cost[many] * 1000:.1f} ms among"
        f" {many}: {cost[many] / cost[few]:.2f} times."
    )


def imports(rounds: int = 7) -> str:
    """What `import lakelatch` costs against `import pulumi`, each in a fresh interpreter."""
    statements = ("import pulumi", "import lakelatch", "from lakelatch import DatabricksAccess")
    times: dict[str, list[float]] = {statement: [] for statement in statements}
    for _ in range(rounds):
        for statement in statements:
            script = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
            done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
            times[statement].append(float(done.stdout))
    base = statistics.median(times[statements[0]])
    lines = ["| statement | time | ratio |", "|---|---|---|"]
    for statement in statements:
        seconds = statistics.median(times[statement])
        lines.append(f"| `{statement}` | {seconds * 1000:.0f} ms | {seconds / base:.2f} |")
    return "\n".join(lines)


def compare(services: int = 500, rounds: int = 3) -> str:
    """Run everything and return Markdown."""
    count = same(services)
    runs: dict[str, dict[str, list[Run]]] = {what: {kind: [] for kind in KINDS} for what in ("engine", "mocks")}
    with tempfile.TemporaryDirectory(prefix="ll-bench-") as folder:
        engine = Engine(Path(folder), services)
        for _ in range(rounds):
            for kind in KINDS:
                runs["engine"][kind].append(engine.preview(kind))
                runs["mocks"][kind].append(run_mocked(kind, services)[0])
    lines = [
        "| | time | ratio | the program's memory | ratio |",
        "|---|---|---|---|---|",
        *rows("`pulumi preview`", runs["engine"]),
        *rows("program alone (mocks)", runs["mocks"]),
        "",
        f"{services} services, {count} resources in both programs, the same with the same inputs; medians of {rounds}"
        " runs in turns. The engine runs with stand-in plugins.",
        "",
        growth(rounds),
        "",
        imports(),
    ]
    return "\n".join(lines)


def main() -> None:
    """Compare as the arguments say and print the tables."""
    parser = argparse.ArgumentParser(description="Compare the components with resources written by hand.")
    parser.add_argument("--services", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mocked", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--preview", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.mocked:
        mocked(options.mocked, options.services, options.out, preview=options.preview)
    else:
        print(compare(options.services, options.rounds))


if __name__ == "__main__":
    main()
