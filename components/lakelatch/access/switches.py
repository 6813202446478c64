"""What operators switch while the gateway runs, without a deployment: maintenance, and revocations.

A document of its own beside the configuration: it belongs to whoever runs the gateway, not to who deploys it.
"""

import json
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints, ValidationError

from lakelatch.access.parts import Part, Text
from lakelatch.access.validation import findings_of
from lakelatch.errors import Finding, ModelError

Scope = Annotated[
    str,
    StringConstraints(pattern=r"^(?:all|(?:service|action|environment)=[A-Za-z0-9_.-]{1,128})$"),
]
"""What is closed: `all`, `service=NAME`, `action=NAME` or `environment=NAME`."""


class Maintenance(Part):
    """Something that is closed for a while."""

    scope: Scope = "all"
    reason: Annotated[str, StringConstraints(max_length=200)] = ""
    """For operators and the audit trail."""
    since: AwareDatetime
    until: AwareDatetime | None = None
    """When it opens again by itself; None: when somebody opens it."""

    def at(self, now: datetime) -> bool:
        """Whether it is closed now."""
        return self.until is None or now < self.until

    @property
    def kind(self) -> str:
        """`all`, `service`, `action` or `environment`."""
        return self.scope.partition("=")[0]

    @property
    def name(self) -> str:
        """What of that kind; empty for all."""
        return self.scope.partition("=")[2]


class Revocation(Part):
    """Tokens that are not taken any more, although their signature and times are right."""

    kind: Literal["key", "subject", "jti"]
    value: Text
    """The key's `kid`, the subject claim or the token's `jti`, to the letter."""
    reason: Annotated[str, StringConstraints(max_length=200)] = ""
    since: AwareDatetime


class Switches(Part):
    """Everything that is switched."""

    version: Literal[1] = 1
    maintenance: Annotated[tuple[Maintenance, ...], Field(max_length=1000)] = ()
    revocations: Annotated[tuple[Revocation, ...], Field(max_length=100_000)] = ()

    @classmethod
    def read(cls, text: str, source: str = "switches") -> Self:
        """Read the document.

        Raises:
            ModelError: it does not hold; has every finding.

        """
        try:
            return cls.model_validate(json.loads(text))
        except ValidationError as error:
            raise ModelError(source, findings_of(error)) from None
        except ValueError as error:
            right = "let the commands write it, or remove the file to open everything"
            raise ModelError(source, [Finding("", f"is no JSON: {error}", right)]) from None

    def text(self) -> str:
        """The document: the same bytes for the same switches."""
        return json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"

    def closed(self, now: datetime) -> tuple[Maintenance, ...]:
        """What is under maintenance now."""
        return tuple(one for one in self.maintenance if one.at(now))

    def revoked(self, kind: str) -> frozenset[str]:
        """The revoked values of a kind."""
        return frozenset(one.value for one in self.revocations if one.kind == kind)

    def closing(self, one: Maintenance) -> Self:
        """With this closed as well; what was said of the same scope before is replaced."""
        others = tuple(other for other in self.maintenance if other.scope != one.scope)
        return self.model_copy(update={"maintenance": (*others, one)})

    def opening(self, scope: str | None) -> Self:
        """With this scope open again, or everything."""
        kept = () if scope is None else tuple(one for one in self.maintenance if one.scope != scope)
        return self.model_copy(update={"maintenance": kept})

    def revoking(self, one: Revocation) -> Self:
        """With this revoked as well."""
        others = tuple(other for other in self.revocations if (other.kind, other.value) != (one.kind, one.value))
        return self.model_copy(update={"revocations": (*others, one)})

    def restoring(self, kind: str, value: str) -> Self:
        """With this not revoked any more."""
        kept = tuple(one for one in self.revocations if (one.kind, one.value) != (kind, value))
        return self.model_copy(update={"revocations": kept})
