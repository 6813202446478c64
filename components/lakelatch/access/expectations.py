"""Expected decisions as a table: unit tests for an access model."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError

from lakelatch.access import document
from lakelatch.access.actions import ACTIONS, ALIASES
from lakelatch.access.asked import Asked
from lakelatch.access.explanation import Explanation, explain
from lakelatch.access.parts import Part
from lakelatch.access.policy import Policy
from lakelatch.access.validation import Name, findings_of, one_of, path_of
from lakelatch.errors import Finding, ModelError


class Expectation(Part):
    """One request, and what is to be decided about it."""

    description: str = ""
    """What it shows, for people."""
    service: Name
    """The service that asks."""
    action: str
    """What it asks for, as in the action reference."""
    attributes: dict[str, Any] = {}
    """What the request has, as in `body.row_limit: 5000` or `request.time: 2026-11-01T03:00:00Z`. A claim, a header or
    a member of the body that is not here is not in the request."""
    expect: Literal["allow", "deny"]
    """What is decided."""
    rule: Annotated[str, Field(pattern=r"^(?:(?:role|rule):[a-z0-9-]+|default-deny|observe)$")] | None = None
    """What decides it: `role:NAME`, `rule:NAME`, `default-deny` or `observe`; unset means whatever does."""


class Expectations(Part):
    """A file of expected decisions."""

    expectations: Annotated[tuple[Expectation, ...], Field(min_length=1, max_length=10_000)]
    """Requests, each with what is to be decided about it."""

    @classmethod
    def read(cls, text: str, source: str) -> Self:
        """Read a file of expectations.

        Raises:
            ModelError: it does not hold; has every finding with its path and line.

        """
        found = document.read(text, source)
        try:
            return cls.model_validate(found.data)
        except ValidationError as error:
            raise ModelError(source, findings_of(error, place=lambda at: (found.line(at), None))) from None


@dataclass(frozen=True)
class Outcome:
    """What was expected and what is decided."""

    expectation: Expectation
    explanation: Explanation

    @property
    def as_expected(self) -> bool:
        """Whether it is decided so, and by what was named."""
        wanted = "allowed" if self.expectation.expect == "allow" else "denied"
        rule = self.expectation.rule
        return self.explanation.verdict == wanted and rule in (None, self.explanation.decision.rule)


def outcomes(policy: Policy, expectations: Expectations, source: str) -> list[Outcome]:
    """Decide every expectation.

    Raises:
        ModelError: some name services, actions or attributes that there are not; has every finding.

    """
    findings: list[Finding] = []
    found: list[Outcome] = []
    for index, one in enumerate(expectations.expectations):
        at = ("expectations", index)
        unknown = list(_unknown(policy, one))
        findings += [Finding(path_of((*at, key)), wrong, right) for key, wrong, right in unknown]
        if unknown:
            continue
        try:
            found.append(Outcome(one, explain(policy, one.service, one.action, Asked(one.attributes, complete=True))))
        except ValueError as error:
            wrong, _, right = str(error).partition("; ")
            findings.append(Finding(path_of((*at, "attributes")), wrong, right or "correct it"))
    if findings:
        raise ModelError(source, findings)
    return found


def _unknown(policy: Policy, one: Expectation) -> list[tuple[str, str, str]]:
    found = []
    if one.service not in policy.subjects:
        wrong = f"names the service {one.service!r}, which does not call the gateway"
        found.append(("service", wrong, one_of(policy.subjects)))
    if one.action not in ACTIONS and one.action not in ALIASES:
        found.append(
            (
                "action",
                f"names the action {one.action!r}, which the catalogue does not have",
                "the action reference has all",
            )
        )
    kind, _, name = (one.rule or "").partition(":")
    roles = {role for subject in policy.subjects.values() for role in subject.roles}
    there = set(policy.rules) if kind == "rule" else roles
    if name and name not in there:
        found.append(("rule", f"names {name!r}, which is not there", one_of(there)))
    return found
