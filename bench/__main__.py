"""`make bench`: every comparison, each side by side in one run, written to bench/RESULTS.md."""

import os
import platform
import subprocess
from pathlib import Path

from bench import gateway
from lakelatch_gateway.envoy_process import find_envoy

RESULTS = Path(__file__).with_name("RESULTS.md")

TEXT = """# Results

Ratios of two things measured in turns in the same run, by `make bench`. Rates are this machine's; ratios carry over.

Machine: {cores} cores, {system}; {envoy}.

## The gateway against plain Envoy

What token check, decision, token swap and audit line cost per request. Both proxies are Envoy with one worker pinned to
one core, in front of the same upstream.

{table}
"""


def main() -> None:
    """Run every comparison and write the page."""
    said = subprocess.run([find_envoy(os.environ), "--version"], capture_output=True, text=True, check=True).stdout
    page = TEXT.format(
        cores=os.cpu_count(),
        system=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        envoy="Envoy " + said.split("version:")[1].split("/")[1],
        table=gateway.compare(),
    )
    RESULTS.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
