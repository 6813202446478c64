"""Expected decisions as a table: unit tests for an access model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from lakelatch.access import document
from lakelatch.access.actions import ACTIONS, ALIASES
from lakelatch.access.asked import Asked
from lakelatch.access.explanation import Explanation, explain
from lakelatch.access.parts import Part, Text
from lakelatch.access.persons import Person, people_of_issuer
from lakelatch.access.policy import Policy
from lakelatch.access.validation import Name, findings_of, one_of, path_of
from lakelatch.errors import Finding, ModelError


class Expectation(Part):
    """One request, and what is to be decided about it."""

    description: str = ""
    """What it shows, for people."""
    service: Name | None = None
    """The service that asks; or else a person does, whom `groups`, `user` or both tell."""
    groups: tuple[Text, ...] = ()
    """All groups of the person, as their token names them."""
    user: Text | None = None
    """The person's Databricks user name; needed only where a rule speaks of it."""
    issuer: Name | None = None
    """Who signs the person's tokens, where people of several issuers may call."""
    action: str
    """What it asks for, as in the action reference."""
    attributes: dict[str, Any] = {}
    """What the request has, as in `body.row_limit: 5000` or `request.time: 2026-11-01T03:00:00Z`. A claim, a header or
    a member of the body that is not here is not in the request."""
    expect: Literal["allow", "deny"]
    """What is decided."""
    rule: Annotated[str, Field(pattern=r"^(?:(?:role|rule):[a-z0-9-]+|default-deny|no-group|observe)$")] | None = None
    """What decides it: `role:NAME`, `rule:NAME`, `default-deny`, `no-group` or `observe`. Unset: whatever does."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        person = bool(self.groups) or self.user is not None
        if person == (self.service is not None) or (self.issuer is not None and not person):
            raise ValueError("names neither or both of a service and a person; say `service`, or `groups` and `user`")
        return self

    @property
    def who(self) -> str:
        """Who asks, in words."""
        return self.service or "\n".join(filter(None, (self.user, *self.groups)))


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


def outcomes(
    policy: Policy, expectations: Expectations, source: str, issuers: Mapping[str, str] | None = None
) -> list[Outcome]:
    """Decide every expectation; `issuers` has the `iss` of each name.

    Raises:
        ModelError: some name services, issuers, actions or attributes that there are not; has every finding.

    """
    findings: list[Finding] = []
    found: list[Outcome] = []
    for index, one in enumerate(expectations.expectations):
        at = ("expectations", index)
        unknown = _unknown(policy, one)
        try:
            who = _who(policy, one, issuers or {})
        except ValueError as error:
            wrong, _, right = str(error).partition("; ")
            unknown.insert(0, ("service" if one.service else "issuer", wrong, right))
        findings += [Finding(path_of((*at, key)), wrong, right) for key, wrong, right in unknown]
        if unknown:
            continue
        try:
            found.append(Outcome(one, explain(policy, who, one.action, Asked(one.attributes, complete=True))))
        except ValueError as error:
            wrong, _, right = str(error).partition("; ")
            findings.append(Finding(path_of((*at, "attributes")), wrong, right or "correct it"))
    if findings:
        raise ModelError(source, findings)
    return found


def _who(policy: Policy, one: Expectation, issuers: Mapping[str, str]) -> str | Person:
    if one.service is None:
        return Person(people_of_issuer(policy, issuers, one.issuer), one.groups, one.user)
    if one.service not in policy.subjects:
        wrong = f"names the service {one.service!r}, which does not call the gateway"
        raise ValueError(f"{wrong}; {one_of(policy.subjects)}")
    return one.service


def _unknown(policy: Policy, one: Expectation) -> list[tuple[str, str, str]]:
    found = []
    if one.action not in ACTIONS and one.action not in ALIASES:
        found.append(
            (
                "action",
                f"names the action {one.action!r}, which the catalogue does not have",
                "the action reference has all",
            )
        )
    kind, _, name = (one.rule or "").partition(":")
    granted = [one.roles for one in policy.subjects.values()] + [one.roles for one in policy.people.values()]
    roles = {role for some in granted for role in some}
    there = set(policy.rules) if kind == "rule" else roles
    if name and name not in there:
        found.append(("rule", f"names {name!r}, which is not there", one_of(there)))
    return found
