"""Policy: a Databricks federation policy with inline keys trusts strong, public keys only.

Databricks has no field for the algorithm; it takes what the keys allow, so the keys are what can be judged. The policy
matches the provider's own types and bites on any program.
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

from lakelatch.access.key_sets import weaknesses

TYPES: Final = frozenset(
    {
        "databricks:index/accountFederationPolicy:AccountFederationPolicy",
        "databricks:index/servicePrincipalFederationPolicy:ServicePrincipalFederationPolicy",
    }
)
FRAMEWORK: Final = PolicyComplianceFramework(
    name="IETF JSON Web Token practice",
    version="RFC 8725",
    reference="RFC 7518 §3.1; RFC 8725 §3.1, §3.2, §3.5",
    specification="Verify with registered, asymmetric, strong algorithms and with public keys of full size.",
)
URL: Final = "docs/reference/policies.md#federation-signing-algorithm"
_PLACE: Final = "oidcPolicy.jwksJson"


def _inline_keys(args: ResourceValidationArgs) -> str | None:
    """The text of the inline keys, None when there are none; raises UnknownValueError while it is not known."""
    if args.resource_type not in TYPES:
        args.not_applicable("not a federation policy")
    text = (args.props.get("oidcPolicy") or {}).get("jwksJson")
    return None if text is None else str(text)


def refuse_weak_keys(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
    """Report each weak key; what is unknown is left to `report_unknown_keys` now and judged when it is applied."""
    try:
        text = _inline_keys(args)
    except UnknownValueError:
        return
    for position, reason in weaknesses(text):
        report_violation(f"{_PLACE}{position}: {reason}", None)


def report_unknown_keys(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
    """Say that inline keys are there which a preview cannot see."""
    try:
        _inline_keys(args)
    except UnknownValueError:
        report_violation(f"{_PLACE} cannot be judged before apply: its value is known only then", None)


WEAK_KEYS: Final = ResourceValidationPolicy(
    name="federation-signing-algorithm",
    display_name="Federation trusts strong signing keys only",
    description="The inline keys of a federation policy are public RSA keys of 2048 bits or more, or P-256 keys.",
    validate=refuse_weak_keys,
    enforcement_level=EnforcementLevel.MANDATORY,
    severity=Severity.CRITICAL,
    framework=FRAMEWORK,
    tags=["databricks", "federation", "jwt", "keys"],
    remediation_steps=(
        "Publish the public half of an ES256 (P-256) or RS256 (2048 bits or more) key in `jwks_json`, at most 5 keys, "
        "each with a `kid` of its own. If a private or symmetric key stood there, it has leaked: replace it."
    ),
    url=URL,
)

UNKNOWN_KEYS: Final = ResourceValidationPolicy(
    name="federation-signing-algorithm-not-judged",
    display_name="Federation keys that a preview cannot see",
    description="The inline keys of a federation policy are known at preview.",
    validate=report_unknown_keys,
    enforcement_level=EnforcementLevel.ADVISORY,
    severity=Severity.LOW,
    framework=FRAMEWORK,
    tags=["databricks", "federation", "jwt", "keys"],
    remediation_steps=(
        "Give `jwks_json` as a plain value, so that a reviewer sees what is trusted. Otherwise "
        "`federation-signing-algorithm` judges it during `pulumi up`, before the resource is written."
    ),
    url=URL,
)
