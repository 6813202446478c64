"""What every kind of workload shares."""

from collections.abc import Callable
from typing import Any

from lakelatch.access import subjects
from lakelatch.access.parts import Part
from lakelatch.access.validation import Name


class WorkloadPart(Part):
    """What a workload is at its issuer."""

    issuer: Name | None = None
    """For a service of Entra: who signs the token that proves the workload there. Otherwise unset."""


class BySubject(WorkloadPart):
    """A workload that its tokens name by `sub`, as most do."""

    @property
    def subject_claim(self) -> str:
        """The claim that names the workload."""
        return subjects.SUBJECT


def exactly_one(names: tuple[str, ...]) -> Callable[[Any], Any]:
    """A validator: exactly one of these keys is there."""

    def check(self: Any) -> Any:
        given = [name for name in names if getattr(self, name) not in (None, False)]
        listed = ", ".join(f"`{name}`" for name in names)
        if len(given) != 1:
            found = "names none" if not given else f"names {' and '.join(f'`{name}`' for name in given)}"
            raise ValueError(f"{found} of {listed}; give exactly one")
        return self

    return check
