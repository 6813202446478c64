"""Federation hygiene: whom a policy trusts, to the letter."""

import re
from collections.abc import Iterator
from typing import Any, Final

from pulumi_policy import Severity
from pulumi_policy.proxy import UnknownValueError

from lakelatch_policies.check import ADVISORY, MANDATORY, Check, Finding, Judge, Resource, Settings
from lakelatch_policies.checks import types
from lakelatch_policies.checks.subjects import GITHUB, breadth, malformed
from lakelatch_policies.groups import Group
from lakelatch_policies.reading import at, items, missing, stands

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
    "https://login.microsoftonline.com/common",
    "https://login.microsoftonline.com/organizations",
    "https://login.microsoftonline.com/consumers",
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
    shared = any(issuer.rstrip("/") == one or (one.endswith("/") and issuer.startswith(one)) for one in SHARED)
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


PAGE: Final = "Databricks, `oauth-federation-policy` page"
ISSUER, SUBJECT = "oidcPolicy.issuer", "oidcPolicy.subject"
CHECKS: Final = (
    Check(
        "https-issuer",
        "The issuer that is trusted is named by its https address.",
        MANDATORY,
        Severity.CRITICAL,
        f"OpenID Connect Discovery 1.0 §3; {PAGE}",
        "Write the issuer's https address, to the letter, as its tokens have it.",
        {
            **types.each(types.POLICIES, https(ISSUER)),
            **types.each((*types.CREDENTIALS, types.ENTRA_FLEXIBLE), https("issuer")),
            "aws:iam/openIdConnectProvider:OpenIdConnectProvider": https("url"),
            "aws-native:iam:OidcProvider": https("url"),
        },
    ),
    Check(
        "key-address",
        "Keys that are not found by discovery come from one https address, or stand in the policy.",
        MANDATORY,
        Severity.CRITICAL,
        PAGE,
        "Leave `jwks_uri` and `jwks_json` out where the issuer can be reached; else give one of them.",
        types.each(types.POLICIES, keys),
    ),
    Check(
        "exact-subject",
        "A trust in a workload names its subject, to the letter.",
        MANDATORY,
        Severity.CRITICAL,
        f"{PAGE}; Microsoft Entra, workload identity federation; CKV_AZURE_249",
        "Write the `sub` of the workload's token. For many branches, use one GitHub environment, or several policies.",
        {types.PRINCIPAL_POLICY: subject(SUBJECT), **types.each(types.CREDENTIALS, subject("subject"))},
    ),
    Check(
        "subject-breadth",
        "A subject names one workload: not a whole repository, project, namespace or cloud account.",
        MANDATORY,
        Severity.HIGH,
        "GitHub, OpenID Connect reference; GitLab, ID tokens; CKV_AZURE_249",
        "Name the environment (best), the branch or the tag; for Kubernetes, the namespace and the service account.",
        {
            types.PRINCIPAL_POLICY: narrow(ISSUER, SUBJECT),
            **types.each(types.CREDENTIALS, narrow("issuer", "subject")),
        },
    ),
    Check(
        "github-subject",
        "A subject of GitHub has one of its two forms: by names, or by names and ids.",
        MANDATORY,
        Severity.MEDIUM,
        "GitHub, OpenID Connect reference, immutable subjects",
        "Copy the subject of a token. Repositories made, renamed or moved since July 2026 send `OWNER@ID/REPO@ID`.",
        {
            types.PRINCIPAL_POLICY: github_form(ISSUER, SUBJECT),
            **types.each(types.CREDENTIALS, github_form("issuer", "subject")),
        },
    ),
    Check(
        "flexible-subject",
        "A flexible credential of Entra looks at the subject, without a wildcard.",
        MANDATORY,
        Severity.HIGH,
        "Microsoft Entra, flexible federated identity credentials",
        "Use an exact credential (`ApplicationFederatedIdentityCredential`), or `claims['sub'] eq '…'`.",
        {types.ENTRA_FLEXIBLE: expression},
    ),
    Check(
        "account-subject",
        "An account-wide policy names no subject: it stands for every user.",
        MANDATORY,
        Severity.MEDIUM,
        PAGE,
        "Leave the subject out, or trust the workload at its service principal.",
        {types.ACCOUNT_POLICY: missing(SUBJECT, reason="is not for account-wide policies")},
    ),
    Check(
        "audience",
        "A trust says what tokens must be made out to.",
        MANDATORY,
        Severity.HIGH,
        f"RFC 8725 §3.9; {PAGE}",
        "List the audiences, as in the account's id; left out, the service fills them in, and every preview differs.",
        {
            **types.each(types.POLICIES, audiences("oidcPolicy.audiences")),
            **types.each((types.ENTRA_CREDENTIAL, types.AZURE_CREDENTIALS[0]), audiences("audiences")),
            types.AZURE_CREDENTIALS[1]: audiences("audience"),
            types.ENTRA_FLEXIBLE: audiences("audience"),
        },
    ),
    Check(
        "account-wide-issuer",
        "An account-wide policy trusts only an issuer that the organisation controls.",
        MANDATORY,
        Severity.CRITICAL,
        PAGE,
        "Trust a shared issuer at the service principal of one workload. Name your own issuers in `owned_issuers`.",
        {types.ACCOUNT_POLICY: owned_issuer},
        {
            "owned_issuers": {
                "type": "array",
                "items": {"type": "string"},
                "default": [],
                "description": "Issuers of the organisation, to the letter; with any, no other is right",
            }
        },
    ),
    Check(
        "explicit-fields",
        "A policy says every field that the service would fill in, and sorts its lists.",
        ADVISORY,
        Severity.LOW,
        "Seen with databricks 1.106: what the service adds shows up as a change in every preview",
        "Set `subject_claim` (`sub` unless the issuer needs another), and sort `audiences`.",
        types.each(types.POLICIES, explicit),
    ),
    Check(
        "policy-id",
        "A policy id is one that Databricks takes.",
        MANDATORY,
        Severity.LOW,
        "Databricks, federation policies API; terraform-provider-databricks#5290",
        "Use 2 to 63 of 0-9, a-z and hyphen.",
        types.each(types.POLICIES, identifier),
    ),
    Check(
        "principal-number",
        "A policy's principal has a number that the provider does not round.",
        MANDATORY,
        Severity.CRITICAL,
        "pulumi-databricks: `service_principal_id` is a 64-bit float on its way",
        "Make the policy for such a principal by the API: the provider would trust the workload as another principal.",
        {types.PRINCIPAL_POLICY: exact_number},
    ),
)

GROUP: Final = Group(
    "federation",
    "Exact trust",
    "Federation trusts one workload of one issuer, to the letter.",
    "Name issuer, subject and audience exactly as the workload's token has them.",
    CHECKS,
)
