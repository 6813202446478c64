"""What a check is: a small pure function for a resource type, and what users read about it and can set.

A check never quotes a property's value: policies see secrets in the clear.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from pulumi_policy import PolicyComplianceFramework, PolicyResourceOptions, Severity

Props = Mapping[str, Any]
"""A resource's properties, in camelCase. Reading one that is unknown raises UnknownValueError."""
Settings = Mapping[str, Any]
"""What a check's settings are, defaults filled in."""
Finding = tuple[str, str]
"""Where (`oidcPolicy.issuer`; empty for the resource as a whole), and what is wrong there."""

MANDATORY: Final = "mandatory"
ADVISORY: Final = "advisory"
DISABLED: Final = "disabled"
LEVELS: Final = (MANDATORY, ADVISORY, DISABLED)


FRAMEWORK: Final = PolicyComplianceFramework(
    name="Lakelatch",
    reference="Each check names the standard or the vendor's page that it follows.",
    specification="Short-lived, audited, secret-less access to Databricks.",
)
REFERENCE: Final = "docs/reference/policies.md"
"""The page that tells of every policy and check."""


class Resource(NamedTuple):
    """What a check sees of a resource."""

    props: Props
    opts: PolicyResourceOptions


Judge = Callable[[Resource, Settings], Iterable[Finding]]
Remedy = Callable[[Any, Settings], bool]
"""Mends properties in place; says whether it changed any."""


class Check(NamedTuple):
    """One thing that can be wrong, wherever it is set."""

    name: str
    says: str
    """What holds where the check passes, in a sentence."""
    level: str
    severity: Severity
    after: str
    """The standard, or the vendor's page, that it follows."""
    steps: str
    """How to mend it."""
    judges: Mapping[str, Judge]
    """By resource type. Both spellings of one thing stand side by side; azure-native types without their version."""
    settings: Mapping[str, Mapping[str, Any]] = {}
    """JSON Schema of each setting, with its default."""
    remedies: Mapping[str, Remedy] = {}
    """By resource type, what `remediate` does."""

    @property
    def url(self) -> str:
        """The check's place in the reference."""
        return f"{REFERENCE}#{self.name}"

    def text(self, finding: Finding) -> str:
        """A finding as people read it."""
        return f"{self.name} ({self.severity.value}): {': '.join(filter(None, finding))}; see {self.url}"

    def configured(self, config: Mapping[str, Any]) -> tuple[str, Settings]:
        """Level and settings, from a group's configuration: `{check: level}` or `{check: {"level": …, setting: …}}`."""
        said = config.get(self.name) or {}
        chosen = {"level": said} if isinstance(said, str) else said
        settings = {name: chosen.get(name, schema["default"]) for name, schema in self.settings.items()}
        return str(chosen.get("level", self.level)), settings

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of what can be configured."""
        level = {"type": "string", "enum": list(LEVELS)}
        properties = {"level": level, **{name: dict(schema) for name, schema in self.settings.items()}}
        whole = {"type": "object", "properties": properties, "additionalProperties": False}
        return {"description": self.says, "oneOf": [level, whole]}


def lifetime(
    name: str,
    what: str,
    most: int,
    after: str,
    steps: str,
    judges: Mapping[str, Judge],
    remedies: Mapping[str, Remedy] = MappingProxyType({}),
    severity: Severity = Severity.HIGH,
) -> Check:
    """A check that something lives no longer than its setting `max_seconds`, which is `most` unless set."""
    says = f"{what[0].upper()}{what[1:]} within the limit."
    return Check(name, says, MANDATORY, severity, after, steps, judges, limit(most, "life"), remedies)


def limit(most: int, what: str) -> dict[str, Any]:
    """The setting of a limit in seconds."""
    return {
        "max_seconds": {"type": "integer", "minimum": 1, "default": most, "description": f"Longest {what}, seconds"}
    }
