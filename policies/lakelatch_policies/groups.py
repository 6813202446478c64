"""The few policies that Pulumi knows, each for a group of checks.

The SDK reads a resource's properties anew for every registered policy, so there are few and each finds its checks by
resource type.
"""

from typing import Any, Final, NamedTuple

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from lakelatch_policies.check import DISABLED, FRAMEWORK, REFERENCE, Check, Resource
from lakelatch_policies.judging import judged, table, unversioned
from lakelatch_policies.left_over import STACK, Left, sharing
from lakelatch_policies.relation import Relation, related

_ORDER: Final = (Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)


class Group(NamedTuple):
    """Checks that are configured together: `{group: {check: …}}`."""

    name: str
    title: str
    says: str
    steps: str
    checks: tuple[Check, ...] | tuple[Relation, ...]

    @property
    def common(self) -> dict[str, Any]:
        """What a registered policy says of itself."""
        properties: Any = {check.name: check.schema for check in self.checks}
        return {
            "name": self.name,
            "display_name": self.title,
            "description": self.says,
            "enforcement_level": EnforcementLevel.MANDATORY,
            "config_schema": PolicyConfigSchema(properties=properties),
            "severity": max((check.severity for check in self.checks), key=_ORDER.index),
            "framework": FRAMEWORK,
            "tags": ["databricks", self.name],
            "remediation_steps": self.steps,
            "url": f"{REFERENCE}#{self.name}",
        }


def resource_group(group: Group) -> ResourceValidationPolicy:
    """The registered policy of checks that look at one resource."""
    checks: Any = group.checks
    rows = table(checks)
    remedies = any(check.remedies for check in checks)
    share = sharing(group.name)

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        found = rows.get(unversioned(args.resource_type))
        if found is None:
            return
        resource = Resource(args.props, args.opts)
        findings: list[Left] = [(level, text, None) for level, text in judged(found, resource, args.get_config())]
        share(args.urn, findings, report)

    def remediate(args: ResourceValidationArgs) -> Any:
        mended = [_mended(check, args) for check, *_ in rows.get(unversioned(args.resource_type), ())]
        return args.props if any(mended) else None

    return ResourceValidationPolicy(**group.common, validate=validate, remediate=remediate if remedies else None)


def _mended(check: Check, args: ResourceValidationArgs) -> bool:
    remedy = check.remedies.get(unversioned(args.resource_type))
    level, settings = check.configured(args.get_config())
    if remedy is None or level == DISABLED:
        return False
    try:
        return remedy(args.props, settings)
    except UnknownValueError:
        return False  # judged, and perhaps refused, when it is known


def stack_group(group: Group) -> StackValidationPolicy:
    """The registered policy of checks that look at how resources belong together."""
    relations: Any = group.checks
    share = sharing(group.name)

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        share(STACK, list(related(relations, args.resources, args.get_config())), report)

    return StackValidationPolicy(**group.common, validate=validate)
