"""The access report of a large model: how long it takes to be written, and to be open in a browser."""

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from lakelatch.access.actions import GRANTABLE
from lakelatch.access.model import AccessModel
from lakelatch.access.report.data import data
from lakelatch.access.report.page import page

SERVICES: Final = 1_000
ROUNDS: Final = 5


def model(*, rules: bool) -> str:
    """A thousand services, each with the whole catalogue."""
    rows: dict[str, Any] = {
        "account": {"id": "0d26daa6-5e44-4c97-a497-ef015f91254a", "host": "https://accounts.azuredatabricks.net"},
        "workspaces": {"analytics": {"id": "4029384756102938", "host": "https://adb-1.18.azuredatabricks.net"}},
        "issuers": {"okta": {"type": "okta", "url": "https://acme.okta.com/oauth2/aus1", "audience": "api"}},
        "roles": {"everything": {"actions": list(GRANTABLE)}},
        "services": {},
        "gateway": {
            "host": "https://databricks.example.com",
            "workspace": "analytics",
            "signing_key_file": "/var/lib/lakelatch/signing-key.pem",
        },
    }
    for number in range(SERVICES):
        workload = {"client_id": f"0oa{number}"}
        row = {"issuer": "okta", "workspace": "analytics", "roles": ["everything"], "workload": workload}
        rows["services"][f"service-{number}"] = row
    if rules:
        rows["rules"] = {
            "small": {"for": {"actions": ["statement_execution.execute_statement"]}, "limit": {"row_limit": 1000}},
            "own": {"for": {"actions": ["jobs.*"]}, "require": "identity.service != 'service-7'"},
            "office": {"networks": ["10.0.0.0/8"], "during": {"days": ["sat", "sun"]}},
        }
    return json.dumps(rows)


def seconds(text: str) -> tuple[float, str]:
    """The median time from a model's text to the page, and the page."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = page(data(AccessModel.read(text), "stacks/access.yaml"))
        times.append(time.perf_counter() - began)
    return statistics.median(times), found


DRAWN: Final = "performance.getEntriesByType('navigation')[0].loadEventEnd"
"""Milliseconds from the address to a page whose script has drawn the first list."""


def opening(text: str) -> float:
    """The median of seconds that a browser takes until the page can be used."""
    from support.browser import browser  # what the tests open it with: `make bench` has them on the path

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, browser(Path(folder)) as found:
        file = Path(folder) / "report.html"
        file.write_text(text, encoding="utf-8")
        times = []
        for _ in range(ROUNDS):
            found.open(file)
            found.settle()
            times.append(found.run(DRAWN) / 1000)
            if found.run("document.querySelectorAll('ul.rows > li').length") != 100:
                raise AssertionError("the list was not drawn")
        return float(statistics.median(times))


def compare() -> str:
    """The Markdown table."""
    lines = ["| services, actions | rules | report | page | open in Chromium |", "|---|---|---|---|---|"]
    for rules in (False, True):
        taken, text = seconds(model(rules=rules))
        size, opened = len(text.encode()) / 1e6, opening(text)
        what = f"{SERVICES:,}, {len(GRANTABLE):,} each"
        lines.append(f"| {what} | {3 if rules else 0} | {taken:.2f} s | {size:.2f} MB | {opened:.2f} s |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(compare())
