"""From checks to what a policy reports: the table by resource type, levels, and what cannot be judged yet."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pulumi_policy.proxy import UnknownValueError

from lakelatch_policies.check import DISABLED, Check, Judge, Resource, Settings

NOT_JUDGED: Final = "not-judged"
"""The level of a finding about a value that is known only after apply."""

_VERSION = r"/v\d{8}(?:preview)?(?=:)"
UNKNOWN: Final = "cannot be judged before apply: its value is known only then"
Row = tuple[Check, Judge, tuple[str, Settings]]
"""A check, how it judges a type, and its level and settings where nothing is configured."""
Table = dict[str, list[Row]]


def table(checks: Iterable[Check]) -> Table:
    """The checks of each resource type."""
    rows: Table = {}
    for check in checks:
        for resource_type, judge in check.judges.items():
            rows.setdefault(resource_type, []).append((check, judge, check.configured({})))
    return rows


def unversioned(resource_type: str) -> str:
    """A type as the table has it: `azure-native:keyvault/v20230701:Key` is `azure-native:keyvault:Key`."""
    return re.sub(_VERSION, "", resource_type) if resource_type.startswith("azure-native:") else resource_type


def judged(rows: list[Row], resource: Resource, config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Level and text of everything that is wrong about one resource; of each check up to the first unknown value."""
    for check, judge, usual in rows:
        level, settings = check.configured(config) if config else usual
        if level == DISABLED:
            continue
        try:
            for finding in judge(resource, settings):
                yield level, check.text(finding)
        except UnknownValueError as unknown:
            yield NOT_JUDGED, check.text((".".join(unknown.props), UNKNOWN))
