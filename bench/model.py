"""How long a large access model takes to read: text in, judged model out."""

import statistics
import time

from lakelatch.access.model import AccessModel

HEAD = """
account: {id: 0d26daa6-5e44-4c97-a497-ef015f91254a, host: https://accounts.azuredatabricks.net}
workspaces:
  analytics: {id: "4029384756102938", host: https://adb-4029384756102938.18.azuredatabricks.net}
issuers:
  github: {type: github}
roles:
  deployer:
    workspace: analytics
    actions: [current_user.me]
    group: {create: lakelatch-deployer}
services:
"""

SERVICE = """  service-{number}:
    issuer: github
    via: direct
    workspace: analytics
    roles: [deployer]
    workload:
      repository: acme/repository-{number}
      environment: production
"""


def text(services: int) -> str:
    """A model of that many services."""
    return HEAD + "".join(SERVICE.format(number=number) for number in range(services))


def seconds(services: int, rounds: int = 5) -> float:
    """The median time of reading it."""
    model = text(services)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        read = AccessModel.read(model)
        times.append(time.perf_counter() - start)
        if len(read.services) != services:
            raise AssertionError("services were lost")
    return statistics.median(times)


def compare() -> str:
    """The Markdown table."""
    one, ten = seconds(1_000), seconds(10_000)
    return (
        "| services | text | time | per service |\n|---|---|---|---|\n"
        f"| 1,000 | {len(text(1_000)) / 1e6:.2f} MB | {one:.2f} s | {one / 1_000 * 1e6:.0f} µs |\n"
        f"| 10,000 | {len(text(10_000)) / 1e6:.2f} MB | {ten:.2f} s | {ten / 10_000 * 1e6:.0f} µs |"
    )
