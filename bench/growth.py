"""How the gateway's cost grows with services and actions, and what each of its parts costs.

Processor time per request, in alternating slices on one core, as in `bench.gateway`; beside it how long Envoy takes to
start, how long a changed policy takes to be in force, and memory.
"""

import copy
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench.gateway import ACTIONS, Setup, gateway, secrets
from bench.machine import staying_on
from bench.proxies import LOAD_CORE, PROXY_CORE, Slice, certificate, envoy, free_ports, measure, upstream
from lakelatch.access.actions import GRANTABLE
from lakelatch.envoy.compiler import text

SIZES = ((10, 20), (1_000, 20), (10, len(GRANTABLE)), (1_000, len(GRANTABLE)))
"""Services, and actions that each may do."""
TWENTY = (*ACTIONS, *(name for name in GRANTABLE if name.startswith("jobs.")))[:20]
CALLERS = 50
"""Services that send requests: as many in each size, so that caches are as full."""


@dataclass
class Proxy:
    """One gateway under load."""

    name: str
    port: int
    pid: int
    tokens: list[str]
    started: float
    folder: Path
    setup: Setup
    slices: list[Slice] = field(default_factory=list)

    @property
    def cost(self) -> float:
        return statistics.median(one.microseconds for one in self.slices)

    @property
    def megabytes(self) -> float:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        raise SystemExit("no memory figure")


Change = Callable[[dict[str, Any]], None]


@contextmanager
def proxy(
    home: Path, name: str, workspace: str, ca_file: Path, size: tuple[int, int], change: Change | None = None
) -> Iterator[Proxy]:
    """A gateway of a size; `change` takes something out of its connection manager."""
    services, count = size
    folder = home / name.replace(" ", "-")
    folder.mkdir()
    [port] = free_ports(1)
    actions = TWENTY if count == 20 else GRANTABLE
    setup = gateway(folder, port, workspace, ca_file, services, actions)
    if change is not None:
        listeners = folder / "listeners.json"
        document = json.loads(listeners.read_text())
        change(document["resources"][0]["filter_chains"][0]["filters"][0]["typed_config"])
        listeners.write_text(text(document))
    with secrets(setup):
        began = time.monotonic()
        with envoy(setup.bootstrap, port, PROXY_CORE) as pid:
            yield Proxy(name, port, pid, setup.tokens[:CALLERS], time.monotonic() - began, folder, setup)


def alternate(proxies: list[Proxy], rounds: int, seconds: float, script: Path) -> None:
    """Load each in turns, after a first second that counts for nothing."""
    with staying_on(LOAD_CORE):
        for one in proxies:
            measure(one.port, [one.pid], one.tokens, 1, script)
        for _ in range(rounds):
            for one in proxies:
                one.slices.append(measure(one.port, [one.pid], one.tokens, seconds, script))


def in_force(one: Proxy) -> float:
    """Seconds from a written policy to its being in force: every service loses a role's name and gets another."""
    admin = httpx.Client(
        transport=httpx.HTTPTransport(uds=one.setup.compiled.files.admin_socket), base_url="http://envoy"
    )
    counter = "http.gateway.rds.lakelatch.config_reload"

    def reloads() -> int:
        lines = admin.get("/stats", params={"filter": f"^{counter}$"}).text.splitlines()
        return int(lines[0].split(": ")[1]) if lines else 0

    before = reloads()
    path = Path(one.setup.compiled.files.routes)
    beside = path.with_suffix(".new")
    beside.write_text(path.read_text().replace("role:reader", "role:another"))
    began = time.monotonic()
    os.replace(beside, path)
    while reloads() == before:
        time.sleep(0.005)
    admin.close()
    return time.monotonic() - began


@contextmanager
def backend() -> Iterator[tuple[Path, str, Path]]:
    """A folder, an upstream and the file that vouches for it."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ll-bench-")))
        certificate_file, key_file = certificate(home)
        [port] = free_ports(1)
        stack.enter_context(envoy(upstream(home, port, certificate_file, key_file), port, LOAD_CORE))
        yield home, f"https://127.0.0.1:{port}", certificate_file


def sizes(rounds: int = 5, seconds: float = 2.0) -> str:
    """The table of sizes."""
    with backend() as (home, workspace, ca_file), ExitStack() as stack:
        proxies = [
            stack.enter_context(proxy(home, f"{services} services, {actions} actions", workspace, ca_file, size))
            for size in SIZES
            for services, actions in [size]
        ]
        alternate(proxies, rounds, seconds, home / "load.lua")
        first = proxies[0].cost
        lines = [
            "| gateway | CPU µs/request | ratio | start s | policy in force s | memory MB |",
            "|---|---|---|---|---|---|",
        ]
        for one in proxies:
            lines.append(
                f"| {one.name} | {one.cost:.1f} | {one.cost / first:.2f} | {one.started:.2f} | {in_force(one):.2f}"
                f" | {one.megabytes:.0f} |"
            )
    return "\n".join([*lines, "", f"Medians of {rounds} alternating slices; {CALLERS} services call, or all ten."])


def _without(name: str) -> Change:
    def change(manager: dict[str, Any]) -> None:
        manager["http_filters"] = [one for one in manager["http_filters"] if one["name"] != name]

    return change


PARTS: dict[str, Change] = {
    "audit line": lambda manager: manager.update(access_log=[]),
    "headers of clients dropped": lambda manager: manager.update(
        early_header_mutation_extensions=[
            _only_last(one) for one in copy.deepcopy(manager["early_header_mutation_extensions"])
        ]
    ),
    "gate for operators": _without("lakelatch.gate"),
    "authorization": _without("lakelatch.authorization"),
    "token swap": _without("lakelatch.credentials"),
    "inspection, switched off": _without("lakelatch.inspection"),
}
"""Part to what takes it out. Authentication and the action's name cannot be taken out: the rest is built on them."""


def _only_last(extension: dict[str, Any]) -> dict[str, Any]:
    """The mutation that marks a request as nobody's is needed to route it."""
    extension["typed_config"]["mutations"] = extension["typed_config"]["mutations"][-1:]
    return extension


def parts(rounds: int = 5, seconds: float = 2.0) -> str:
    """The table of parts: what the whole costs less without each."""
    with backend() as (home, workspace, ca_file), ExitStack() as stack:
        whole = stack.enter_context(proxy(home, "whole", workspace, ca_file, SIZES[0]))
        rest = [
            stack.enter_context(proxy(home, name, workspace, ca_file, SIZES[0], change))
            for name, change in PARTS.items()
        ]
        alternate([whole, *rest], rounds, seconds, home / "load.lua")
        lines = ["| part | CPU µs/request |", "|---|---|", f"| whole gateway | {whole.cost:.1f} |"]
        lines += [f"| {one.name} | {whole.cost - one.cost:+.1f} |" for one in rest]
    return "\n".join(
        [
            *lines,
            "",
            f"Medians of {rounds} alternating slices; each part is what the whole costs less without it. Two Envoys"
            " with one configuration differ by up to 10 µs as well, so this tells no more than the order of size."
            " Counted in instructions, which are steadier, the parts stand in decision 11.",
        ]
    )


def compare() -> str:
    """Both tables."""
    return f"{sizes()}\n\n### What each part costs\n\n{parts()}"


if __name__ == "__main__":
    print({"sizes": sizes, "parts": parts}.get(sys.argv[1] if len(sys.argv) > 1 else "", compare)())
