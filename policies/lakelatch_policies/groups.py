"""The few policies that Pulumi knows, each for a group of checks.

The SDK reads a resource's properties anew for every registered policy, so there are few and each finds its checks by
resource type. A registered policy has one level, so a group reports what blocks; what only advises, and what is not
known yet, it hands to the policies `advice` and `not-judged`, which Pulumi asks right after it, in the same thread.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from lakelatch_policies.check import ADVISORY, DISABLED, MANDATORY, Check, Resource
from lakelatch_policies.judging import NOT_JUDGED, judged, table, unversioned
from lakelatch_policies.relation import Relation, related

FRAMEWORK: Final = PolicyComplianceFramework(
    name="Lakelatch",
    reference="Each check names the standard or the vendor's page that it follows.",
    specification="Short-lived, audited, secret-less access to Databricks.",
)
REFERENCE: Final = "docs/reference/policies.md"
Finding = tuple[str, str, str | None]
"""Level, text and resource (None: the one that is looked at)."""
RUNNING: Final = "PULUMI_DRY_RUN" in os.environ
"""Whether a program runs: the engine says so to packs in `preview` and `up`, and not in `policy analyze`."""
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


class _Waiting(threading.local):
    """What groups found about one resource in this thread and do not report themselves."""

    def __init__(self) -> None:
        self.about = ""
        self.found: dict[str, list[Finding]] = {}

    def put(self, about: str, group: str, findings: list[Finding]) -> None:
        """Level, text and resource of a group's findings, in place of those that nobody asked for."""
        if self.about != about:
            self.about, self.found = about, {}
        self.found[group] = findings

    def take(self, about: str, level: str) -> Iterator[tuple[str, str | None]]:
        for findings in self.found.values() if self.about == about else ():
            yield from ((text, urn) for kind, text, urn in findings if kind == level)


_waiting = _Waiting()
STACK: Final = "the whole stack"


def _sharing(group: str) -> Callable[[str, list[Finding], ReportViolation], None]:
    """Report what blocks, and leave the rest over."""

    def share(about: str, findings: list[Finding], report: ReportViolation) -> None:
        for level, text, urn in findings:
            if level == MANDATORY:
                report(text, urn)
        _waiting.put(about, group, [finding for finding in findings if finding[0] != MANDATORY])

    return share


def resource_group(group: Group) -> ResourceValidationPolicy:
    """The registered policy of checks that look at one resource."""
    checks: Any = group.checks
    rows = table(checks)
    remedies = any(check.remedies for check in checks)
    share = _sharing(group.name)

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        found = rows.get(unversioned(args.resource_type))
        if found is None:
            return
        resource = Resource(args.props, args.opts, RUNNING)
        findings: list[Finding] = [(level, text, None) for level, text in judged(found, resource, args.get_config())]
        share(args.urn, findings, report)

    def remediate(args: ResourceValidationArgs) -> Any:
        mended = [_mended(check, args) for check, _ in rows.get(unversioned(args.resource_type), ())]
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
    share = _sharing(group.name)

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        share(STACK, list(related(relations, args.resources, args.get_config())), report)

    return StackValidationPolicy(**group.common, validate=validate)


def _left_over(level: str) -> Callable[[Any, ReportViolation], None]:
    def validate(args: Any, report: ReportViolation) -> None:
        about = args.urn if isinstance(args, ResourceValidationArgs) else STACK
        for text, urn in _waiting.take(about, level):
            report(text, urn)

    return validate


def _advisory(name: str, title: str, says: str, steps: str) -> dict[str, Any]:
    return {
        "name": name,
        "display_name": title,
        "description": says,
        "enforcement_level": EnforcementLevel.ADVISORY,
        "severity": Severity.LOW,
        "framework": FRAMEWORK,
        "tags": ["databricks"],
        "remediation_steps": steps,
        "url": f"{REFERENCE}#{name}",
    }


def advisory_policies() -> Iterable[Policy]:
    """What groups leave over: advice, about a resource and about the stack, and what is not known yet."""
    advice = "Access is as narrow and as short as it can be."
    steps = "Each finding names its check, and the reference says how to mend it."
    yield ResourceValidationPolicy(
        **_advisory("advice", "What could be better", advice, steps), validate=_left_over(ADVISORY)
    )
    yield ResourceValidationPolicy(
        **_advisory(
            "not-judged",
            "What a preview cannot see",
            "Everything that decides about access is known at preview.",
            "Give it as a plain value, so that a reviewer sees it. It is judged during `pulumi up`, before the "
            "resource is written; make this policy `mandatory` to have it known before.",
        ),
        validate=_left_over(NOT_JUDGED),
    )
    yield StackValidationPolicy(
        **_advisory("stack-advice", "What could be better about the stack", advice, steps),
        validate=_left_over(ADVISORY),
    )
