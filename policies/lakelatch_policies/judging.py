"""From checks to what a policy reports: the table by resource type, levels, and what cannot be judged yet."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from pulumi_policy.proxy import UnknownValueError

from lakelatch_policies.check import DISABLED, Check, Judge, Resource

NOT_JUDGED: Final = "not-judged"
"""The level of a finding about a value that is known only after apply."""

_VERSION = r"/v\d{8}(?:preview)?(?=:)"
Table = dict[str, list[tuple[Check, Judge]]]


def table(checks: Iterable[Check]) -> Table:
    """The checks of each resource type."""
    rows: Table = {}
    for check in checks:
        for resource_type, judge in check.judges.items():
            rows.setdefault(resource_type, []).append((check, judge))
    return rows


def unversioned(resource_type: str) -> str:
    """A type as the table has it: `azure-native:keyvault/v20230701:Key` is `azure-native:keyvault:Key`."""
    return re.sub(_VERSION, "", resource_type) if resource_type.startswith("azure-native:") else resource_type


def judged(rows: list[tuple[Check, Judge]], resource: Resource, config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Level and text of everything that is wrong, or not known, about one resource."""
    for check, judge in rows:
        level, settings = check.configured(config)
        if level != DISABLED:
            for place, reason in known(lambda judge=judge, settings=settings: judge(resource, settings)):  # type: ignore[misc]
                yield (level if reason else NOT_JUDGED), check.text((place, reason or UNKNOWN))


UNKNOWN: Final = "cannot be judged before apply: its value is known only then"


def known(findings: Callable[[], Iterable[tuple[str, str]]]) -> Iterator[tuple[str, str]]:
    """Findings up to the first value that is unknown, which then comes last, with no reason."""
    try:
        yield from findings()
    except UnknownValueError as unknown:
        yield ".".join(unknown.props), ""
