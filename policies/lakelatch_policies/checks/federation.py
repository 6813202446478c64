"""Federation hygiene: whom a policy trusts, to the letter."""

from typing import Final

from pulumi_policy import Severity

from lakelatch_policies.check import ADVISORY, MANDATORY, Check
from lakelatch_policies.checks import aws, subjects
from lakelatch_policies.groups import Group
from lakelatch_policies.judges import types
from lakelatch_policies.judges.federation import (
    audiences,
    exact_number,
    explicit,
    https,
    identifier,
    keys,
    owned_issuer,
)

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
    *subjects.CHECKS,
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
    *aws.CHECKS,
)


GROUP: Final = Group(
    "federation",
    "Exact trust",
    "Federation trusts one workload of one issuer, to the letter.",
    "Name issuer, subject and audience exactly as the workload's token has them.",
    CHECKS,
)
