"""Version numbers as `pulumi version` and `go version` print them, and the oldest ones that will do."""

import re
from typing import NamedTuple, Self


class Version(NamedTuple):
    """Major, minor and patch number; what follows them (a pre-release, a build) is not compared."""

    major: int
    minor: int
    patch: int

    @classmethod
    def found_in(cls, text: str) -> Self | None:
        """The first version in `text` (`v3.259.0`, `go version go1.26.8 linux/amd64`, `1.27`), or None."""
        match = re.search(r"(?<![\d.])(?:v|go)?(\d+)\.(\d+)(?:\.(\d+))?", text, re.ASCII)
        return cls(int(match[1]), int(match[2]), int(match[3] or 0)) if match else None

    def __str__(self) -> str:
        """`3.259.0`, as tags and folders write it."""
        return f"{self.major}.{self.minor}.{self.patch}"


MINIMUM_PULUMI = Version(3, 249, 0)
"""The oldest `pulumi` that is used: `pulumi policy analyze --file`, which judges a state file with the policy pack and
no provider, came with 3.249. Older steps that are relied on: Python policy packs run through the language host (3.169),
stack tags on a file backend (3.211), packs that no longer hang at their end (3.222)."""

MINIMUM_GO = Version(1, 26, 0)
"""The `go` directive of the Pulumi CLI that is built here."""
