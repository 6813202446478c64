"""Subjects: exact, narrow, and as their issuer sends them."""

from typing import Final

from pulumi_policy import Severity

from lakelatch_policies.check import MANDATORY, Check
from lakelatch_policies.judges import types
from lakelatch_policies.judges.federation import (
    expression,
    github_form,
    narrow,
    subject,
)
from lakelatch_policies.reading import missing

PAGE: Final = "Databricks, `oauth-federation-policy` page"

ISSUER, SUBJECT = "oidcPolicy.issuer", "oidcPolicy.subject"

CHECKS: Final = (
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
)
