"""Whether the gateway is ready for requests, and why not. Told to everybody, so it counts and names nothing."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from lakelatch.envoy.runtime import Json


def problems(
    *, in_force: bool, keys: Mapping[str, Collection[Json]], switches_read: bool, audit_file: str | None
) -> list[str]:
    """What keeps the gateway from being ready; `keys` has what was had of each issuer.

    Services without a Databricks token are no reason: they are told so themselves, and the others work.
    """
    found = []
    if not in_force:
        found.append("the configuration is not in force yet")
    if missing := sum(not published for published in keys.values()):
        found.append(f"the keys of {missing} of {len(keys)} issuers were never had")
    if not switches_read:
        found.append("what operators switched cannot be read; what was switched before stays in force")
    if audit_file is not None and not can_grow(Path(audit_file)):
        found.append("the audit log cannot be written")
    return found


def can_grow(file: Path) -> bool:
    """Whether there is a file that can be written, and room for it."""
    try:
        return os.access(file, os.W_OK) and os.statvfs(file).f_bavail > 0
    except OSError:
        return False
