"""The shape of every check of a lifetime."""

from pulumi_policy import Severity

from lakelatch_policies.check import MANDATORY, Check, Judge, Remedy
from lakelatch_policies.reading import (
    limit,
)


def lifetime(
    name: str,
    what: str,
    most: int,
    after: str,
    steps: str,
    judges: dict[str, Judge],
    remedies: dict[str, Remedy] | None = None,
    severity: Severity = Severity.HIGH,
) -> Check:
    """A check that something lives no longer than its setting `max_seconds`, which is `most` unless set."""
    says = f"{what[0].upper()}{what[1:]} within the limit."
    return Check(
        name,
        says,
        MANDATORY,
        severity,
        after,
        steps,
        judges,
        limit(most, "life"),
        remedies or {},
    )
