"""Policy: an Entra secret says when it ends in the way that is sent to Entra.

The azuread plugin (6.10.0, seen on the wire) ignores `end_date_relative` while state shows it, so that the secret lives
as long as Entra's default says.
"""

from typing import Final

from pulumi_policy import (
    EnforcementLevel,
    PolicyComplianceFramework,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)
from pulumi_policy.proxy import UnknownValueError

TYPES: Final = frozenset(
    {
        "azuread:index/applicationPassword:ApplicationPassword",
        "azuread:index/servicePrincipalPassword:ServicePrincipalPassword",
    }
)
FRAMEWORK: Final = PolicyComplianceFramework(
    name="Microsoft Graph",
    version="v1.0",
    reference="Microsoft Graph, application: addPassword, `endDateTime`",
    specification="A secret without an end that Graph was told lives as long as Graph's default says.",
)
URL: Final = "docs/reference/policies.md#entra-secret-end-date"


def report_relative_end(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
    """Report an end date that does not arrive, whatever its value, known or not."""
    if args.resource_type not in TYPES:
        args.not_applicable("not a secret of Entra")
    try:
        relative = args.props.get("endDateRelative") is not None
    except UnknownValueError:
        relative = True
    if relative:
        report_violation("endDateRelative: is not sent to Entra, which then takes its own default; set `endDate`", None)


RELATIVE_END: Final = ResourceValidationPolicy(
    name="entra-secret-end-date",
    display_name="Entra secrets end when they say",
    description="A secret of an Entra application or service principal has `end_date`, and no `end_date_relative`.",
    validate=report_relative_end,
    enforcement_level=EnforcementLevel.ADVISORY,
    severity=Severity.MEDIUM,
    framework=FRAMEWORK,
    tags=["azuread", "secrets", "lifetimes"],
    remediation_steps=(
        "Give `end_date` (RFC 3339, as in `2027-01-31T00:00:00Z`) instead of `end_date_relative`; better, use a "
        "federated credential and no secret at all."
    ),
    url=URL,
)
