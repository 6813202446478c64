"""How components refuse wrong arguments: all at once, each with its path, without a traceback from the program."""

from collections.abc import Sequence
from typing import Any

import pulumi

from lakelatch.access.model import AccessModel
from lakelatch.errors import Finding, ModelError

LARGEST_EXACT_INTEGER = 2**53
"""Numbers travel to plugins as doubles (protobuf Struct): above this an id would silently become another one."""


class ArgumentError(ModelError, pulumi.RunError):
    """Raised when a component's arguments do not hold; the engine shows its text alone."""


def require(component: str, name: str, findings: Sequence[Finding]) -> None:
    """Refuse to build a component when there is any finding.

    Raises:
        ArgumentError: with every finding.

    """
    if findings:
        raise ArgumentError(f"{component} {name!r}", findings)


def read_model(text: str, source: str, overlay: dict[str, Any] | None = None) -> AccessModel:
    """An access model for a program.

    Raises:
        ArgumentError: with every finding.

    """
    try:
        return AccessModel.read(text, source, overlay)
    except ModelError as error:
        raise ArgumentError(error.source, error.findings) from None


def service_principal_number(identifier: str) -> int:
    """The numeric id of a Databricks service principal, as its federation policies want it.

    Raises:
        ArgumentError: when it is no number, or one that a plugin would round to another principal's.

    """
    if not identifier.isdecimal():
        found, expected = "is not the numeric id of a service principal", "pass `ServiceIdentity.service_principal_id`"
    elif int(identifier) > LARGEST_EXACT_INTEGER:
        found, expected = "is above 2^53 and would be rounded", "it cannot be managed; make another service principal"
    else:
        return int(identifier)
    raise ArgumentError("FederationTrust", [Finding("service_principal_id", found, expected)])
