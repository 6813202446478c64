"""Which workload a subject belongs to: several subjects may be one workload's."""

import re
from typing import Final

_NAMES: Final = r"[A-Za-z0-9_.-]+"
REPOSITORY: Final = rf"repo:({_NAMES})(@\d+)?/({_NAMES})(@\d+)?(:.*)?"
"""Both forms of GitHub (OpenID Connect reference): by names, and since July 2026 by names and ids."""


def workload(subject: str, issuer: str) -> str:
    """The workload that a subject belongs to: the repository or project for CI, else the subject itself.

    The two forms of a GitHub repository are one.
    """
    if found := re.fullmatch(REPOSITORY, subject):
        return f"{issuer} repo:{found[1]}/{found[3]}".lower()
    if subject.startswith("project_path:"):
        return f"{issuer} {':'.join(subject.split(':')[:2])}"
    return f"{issuer} {subject}"
