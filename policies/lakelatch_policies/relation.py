"""Checks of a whole stack: how resources belong together."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pulumi_policy import PolicyResource, Severity
from pulumi_policy.proxy import UnknownValueError

from lakelatch_policies.check import DISABLED, Check, Settings
from lakelatch_policies.judging import unversioned
from lakelatch_policies.reading import at

Related = tuple[str | None, str, str]
"""URN of the resource that is at fault (None: the stack), where in it, and what is wrong."""
Stack = Mapping[str, Sequence[PolicyResource]]
"""Resources by type."""


class Relation(NamedTuple):
    """One thing that can be wrong between resources. As `Check`, but it sees the stack."""

    name: str
    says: str
    level: str
    severity: Severity
    after: str
    steps: str
    judge: Callable[[Stack, Settings], Iterable[Related]]
    settings: Mapping[str, Mapping[str, Any]] = {}

    @property
    def _check(self) -> Check:
        return Check(*self[:6], judges={}, settings=self.settings)

    @property
    def url(self) -> str:
        """The check's place in the reference."""
        return self._check.url

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of what can be configured."""
        return self._check.schema

    def configured(self, config: Mapping[str, Any]) -> tuple[str, Settings]:
        """Level and settings, as for `Check`."""
        return self._check.configured(config)

    def text(self, place: str, reason: str) -> str:
        """A finding as people read it."""
        return self._check.text((place, reason))


def related(
    relations: Iterable[Relation], resources: Iterable[PolicyResource], config: Mapping[str, Any]
) -> Iterator[tuple[str, str, str | None]]:
    """Level, text and resource of everything that is wrong in a stack."""
    stack: dict[str, list[PolicyResource]] = {}
    for resource in resources:
        stack.setdefault(unversioned(resource.resource_type), []).append(resource)
    for relation in relations:
        level, settings = relation.configured(config)
        if level != DISABLED:
            for urn, place, reason in relation.judge(stack, settings):
                yield level, relation.text(place, reason), urn


def value(resource: PolicyResource, path: str) -> Any:
    """The value at a dotted path; None where it is missing or not known yet: each resource's own checks tell that."""
    try:
        return at(resource.props, path)
    except UnknownValueError:
        return None


def referred(resource: PolicyResource, *properties: str) -> set[str]:
    """What properties refer to: URNs that the engine saw them depend on, and the values themselves.

    URNs first, because in a preview the ids of what is made in the same run are not known.
    """
    names = {one.urn for name in properties for one in resource.property_dependencies.get(name, ())}
    for name in properties:
        said = value(resource, name)
        if isinstance(said, (str, int, float)) and not isinstance(said, bool):
            names.add(plain(said))
    return names


def plain(identifier: str | float) -> str:
    """An identifier as text; numbers arrive as floats."""
    return str(int(identifier)) if isinstance(identifier, float) else str(identifier)
