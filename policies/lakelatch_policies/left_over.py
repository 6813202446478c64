"""What groups find and do not report themselves: advice, and what is not known yet.

A registered policy has one level, so a group reports what blocks and leaves the rest over for the policies here. Pulumi
asks them right after the groups about the same resource, in the same thread.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationPolicy,
)

from lakelatch_policies.check import ADVISORY, FRAMEWORK, MANDATORY, REFERENCE
from lakelatch_policies.judging import NOT_JUDGED

Left = tuple[str, str, str | None]
"""Level, text and resource (None: the one that is looked at)."""


class _Waiting(threading.local):
    """What groups found about one resource in this thread and do not report themselves."""

    def __init__(self) -> None:
        self.about = ""
        self.found: dict[str, list[Left]] = {}

    def put(self, about: str, group: str, findings: list[Left]) -> None:
        """Level, text and resource of a group's findings, in place of those that nobody asked for."""
        if self.about != about:
            self.about, self.found = about, {}
        self.found[group] = findings

    def take(self, about: str, level: str) -> Iterator[tuple[str, str | None]]:
        for findings in self.found.values() if self.about == about else ():
            yield from ((text, urn) for kind, text, urn in findings if kind == level)


_waiting = _Waiting()
STACK: Final = "the whole stack"


def sharing(group: str) -> Callable[[str, list[Left], ReportViolation], None]:
    """Report what blocks, and leave the rest over."""

    def share(about: str, findings: list[Left], report: ReportViolation) -> None:
        for level, text, urn in findings:
            if level == MANDATORY:
                report(text, urn)
        _waiting.put(about, group, [finding for finding in findings if finding[0] != MANDATORY])

    return share


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
