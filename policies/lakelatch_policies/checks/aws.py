"""Federation with AWS: roles that outside workloads get, and tokens that AWS makes for its own."""

from typing import Final

from pulumi_policy import Severity

from lakelatch_policies.check import MANDATORY, Check
from lakelatch_policies.judges.aws import role_trust, token_grant

CHECKS: Final = (
    Check(
        "aws-role-trust",
        "A role in AWS that an OIDC provider's workloads get names subject and audience, to the letter.",
        MANDATORY,
        Severity.CRITICAL,
        "AWS IAM, roles for OpenID Connect federation; GitHub, configuring OpenID Connect in AWS; CKV_AWS_358",
        "Ask for `<provider>:sub` and `<provider>:aud` by `StringEquals`, with the values of the workload's token.",
        {
            "aws:iam/role:Role": role_trust("assumeRolePolicy"),
            "aws-native:iam:Role": role_trust("assumeRolePolicyDocument"),
        },
    ),
    Check(
        "aws-token-grant",
        "Whoever may have AWS make tokens about itself may so for named audiences only.",
        MANDATORY,
        Severity.MEDIUM,
        "AWS STS, GetWebIdentityToken; RFC 8725 §3.9",
        "Add the condition `ForAllValues:StringEquals` on `sts:IdentityTokenAudience`, as the account's id.",
        {
            "aws:iam/policy:Policy": token_grant("policy"),
            "aws:iam/rolePolicy:RolePolicy": token_grant("policy"),
            "aws:iam/userPolicy:UserPolicy": token_grant("policy"),
            "aws-native:iam:ManagedPolicy": token_grant("policyDocument"),
            "aws-native:iam:RolePolicy": token_grant("policyDocument"),
        },
    ),
)
