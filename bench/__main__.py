"""`make bench`: every comparison, each side by side in one run, written to bench/RESULTS.md.

With names of sections (`python -m bench model`) only those are run, and printed instead of written.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import components, decisions, gateway, growth, model, policies, report, sandbox
from lakelatch_gateway.envoy_process import find_envoy

RESULTS = Path(__file__).with_name("RESULTS.md")

HEAD = """# Results

Ratios of two things measured in turns in the same run, by `make bench`. Rates are this machine's; ratios carry over.

Machine: {cores} cores, {system}; {envoy}.
"""


@dataclass(frozen=True)
class Section:
    """One comparison."""

    title: str
    says: str
    """What is compared, for readers of the page."""
    run: Callable[[], str]


SECTIONS = {
    "gateway": Section(
        "The gateway against plain Envoy",
        "What token check, decision, token swap and audit line cost per request, and what a team would write instead. "
        "Each proxy has one core, all are in front of the same upstream.",
        gateway.compare,
    ),
    "growth": Section(
        "The gateway's cost as it grows",
        "Services, and actions that each may do, from few to many: whole gateways, all under load in turns.",
        growth.compare,
    ),
    "decisions": Section(
        "The reference decision",
        "One Python process, 1,000 services; what simulators and tests ask.",
        decisions.compare,
    ),
    "components": Section(
        "The components against the same resources by hand",
        "What `DatabricksAccess` costs a preview. Both programs register the same resources with the same inputs, "
        "which is checked first.",
        components.compare,
    ),
    "model": Section(
        "Reading a large access model",
        "Text in, judged model out: YAML, structure, and what must hold together.",
        model.compare,
    ),
    "report": Section(
        "The access report",
        "From a model's text to the page, and from its address to a page that can be used, in headless Chromium. "
        "The page has everybody and the whole catalogue, and draws what is looked at.",
        report.compare,
    ),
    "policies": Section(
        "The policy pack against policies that do nothing",
        "What all checks cost a preview, beside what Pulumi's SDK takes for as many registered policies anyway.",
        policies.compare,
    ),
    "sandbox": Section(
        "Token exchange in the sandbox",
        "The double verifies every token (RS256), matches the policy, mints and audits; its process has one core.",
        sandbox.compare,
    ),
}


def main(names: list[str]) -> None:
    """Run the sections that are named and print them; without names run all and write the page."""
    if unknown := set(names) - SECTIONS.keys():
        raise SystemExit(f"no such section: {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    said = subprocess.run([find_envoy(os.environ), "--version"], capture_output=True, text=True, check=True).stdout
    page = [
        HEAD.format(
            cores=os.cpu_count(),
            system=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
            envoy="Envoy " + said.split("version:")[1].split("/")[1],
        )
    ]
    for name, section in SECTIONS.items():
        if not names or name in names:
            print(f"measuring: {section.title}", file=sys.stderr)
            page.append(f"## {section.title}\n\n{section.says}\n\n{section.run()}\n")
    text = "\n".join(page)
    if not names:
        RESULTS.write_text(text)
    print(text)


if __name__ == "__main__":
    main(sys.argv[1:])
