"""Federation hygiene: whom a policy trusts, to the letter."""

import re
from collections.abc import Iterator
from typing import Any, Final

from pulumi_policy.proxy import UnknownValueError

from lakelatch_policies.check import Finding, Judge, Resource, Settings
from lakelatch_policies.judges.subjects import GITHUB, breadth, malformed
from lakelatch_policies.reading import at, items, stands

POLICY_ID: Final = r"[0-9a-z-]{2,63}"

EXACT_INTEGERS: Final = 2**53
"""Above, the provider rounds, and the policy lands on another principal (seen with databricks 1.106)."""

SHARED: Final = (
    GITHUB,
    "https://gitlab.com",
    "https://accounts.google.com",
    "https://app.terraform.io",
    "https://vstoken.dev.azure.com/",
    "https://oidc.circleci.com/",
    "https://login.microsoftonline.com/common/",
    "https://login.microsoftonline.com/organizations/",
    "https://login.microsoftonline.com/consumers/",
    "https://agent.buildkite.com",
    "https://oidc.vercel.com",
    "https://api.bitbucket.org/",
)
"""Issuers that sign for anybody's workloads or users; those that end in a slash, for each customer below it."""


def https(path: str) -> Judge:
    """An address that nobody on the way can change; it must be there."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        value = str(at(resource.props, path) or "")
        if not value.startswith("https://") or len(value) < len("https://x"):
            yield path, "is missing" if not value else "does not begin with https://"

    return judge


def subject(path: str) -> Judge:
    """An exact subject; it must be there."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        from lakelatch.access.subjects import looseness  # loaded where it is needed: it would double the pack's start

        value = at(resource.props, path)
        if value is None:
            yield path, "is missing"
        elif reason := looseness(str(value)):
            yield path, reason

    return judge


def narrow(issuer: str, path: str) -> Judge:
    """A subject that names one workload of its issuer."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        value = at(resource.props, path)
        if value is not None and (reason := breadth(str(value), str(at(resource.props, issuer) or ""))):
            yield path, reason

    return judge


def github_form(issuer: str, path: str) -> Judge:
    """A subject that GitHub could send: by names, or by names and ids."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        value = at(resource.props, path)
        if value is not None and at(resource.props, issuer) == GITHUB and (reason := malformed(str(value))):
            yield path, reason

    return judge


def expression(resource: Resource, _: Settings) -> Iterator[Finding]:
    """A flexible credential of Entra: `claims['sub'] eq '…'` names one subject, `matches` with a wildcard many."""
    value = str(at(resource.props, "claimsMatchingExpression") or "")
    if "claims['sub']" not in value:
        yield "claimsMatchingExpression", "does not look at the subject"
    if re.search(r"matches\s+'[^']*[*?]", value):
        yield "claimsMatchingExpression", "has a wildcard"


def audiences(path: str) -> Judge:
    """What tokens must be made out to: named, and no pattern."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        found = [str(value) for value in items(at(resource.props, path))]
        if not any(found):
            yield path, "is missing: say what tokens must be made out to"
        if any("*" in value for value in found):
            yield path, "has a wildcard; audiences are compared to the letter"

    return judge


def owned_issuer(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """The issuer of an account-wide policy: one that the organisation controls."""
    issuer, owned = str(at(resource.props, "oidcPolicy.issuer") or ""), settings["owned_issuers"]
    address = issuer.rstrip("/")
    shared = any(address == one or (one.endswith("/") and f"{address}/".startswith(one)) for one in SHARED)
    if issuer and issuer not in owned and (shared or owned):
        yield "oidcPolicy.issuer", "signs for others as well, and may name any user of the account"


def identifier(resource: Resource, _: Settings) -> Iterator[Finding]:
    """A policy id that the API takes; its own message names the characters even when the length is at fault."""
    value = at(resource.props, "policyId")
    if value is not None and not re.fullmatch(POLICY_ID, str(value)):
        yield "policyId", "is not 2 to 63 of 0-9, a-z and hyphen"


def exact_number(resource: Resource, _: Settings) -> Iterator[Finding]:
    """A principal's number that survives the provider. One that is generated in the same run is always unknown."""
    try:
        value: Any = at(resource.props, "servicePrincipalId")
    except UnknownValueError:
        return
    if value is not None and float(value) > EXACT_INTEGERS:
        yield "servicePrincipalId", "is above 2^53 and would be rounded to another principal's"


def keys(resource: Resource, _: Settings) -> Iterator[Finding]:
    """Where keys come from: https, and one place only."""
    address = at(resource.props, "oidcPolicy.jwksUri")
    if address is not None:
        if not str(address).startswith("https://"):
            yield "oidcPolicy.jwksUri", "does not begin with https://"
        if at(resource.props, "oidcPolicy.jwksJson") is not None:
            yield "oidcPolicy.jwksUri", "stands beside jwksJson; keep one of the two, best none"


def explicit(resource: Resource, _: Settings) -> Iterator[Finding]:
    """Every field that the service would fill in or sort, as the service has it."""
    if not stands(resource.props, "oidcPolicy.subjectClaim"):
        yield "oidcPolicy.subjectClaim", "is not set: the service fills it in, and every preview then shows a change"
    found = [str(value) for value in items(at(resource.props, "oidcPolicy.audiences"))]
    if found != sorted(found):
        yield "oidcPolicy.audiences", "is not sorted: where the service sorts it, every preview shows a change"
