"""What is wrong only between resources: identities of one principal, rights of pull requests, races."""

from collections.abc import Mapping
from typing import Final

from pulumi_policy import Severity

from lakelatch_policies.check import ADVISORY, MANDATORY
from lakelatch_policies.groups import Group
from lakelatch_policies.judges.relations import (
    POLICIES_LIMIT,
    at_once,
    device_code_blocked,
    identities,
    named_by_id,
    pull_requests,
    sleeps,
    too_many,
    ways_round,
)
from lakelatch_policies.relation import Relation

MOST: Final[Mapping[str, Mapping[str, object]]] = {
    "most": {"type": "integer", "minimum": 1, "default": POLICIES_LIMIT, "description": "Policies of one principal"}
}

PAGE: Final = "Databricks, `oauth-federation-policy` page"


CHECKS: Final = (
    Relation(
        "pull-request-rights",
        "A subject that any pull request gets stands for a principal that cannot write.",
        MANDATORY,
        Severity.CRITICAL,
        "GitHub, security hardening with OpenID Connect; OWASP CICD-SEC-4",
        "Make a principal of its own for previews, with rights to read, and trust `environment:` for deployments.",
        pull_requests,
    ),
    Relation(
        "one-workload",
        "The policies of one service principal are for one workload.",
        MANDATORY,
        Severity.HIGH,
        PAGE,
        "Make a service principal for each workload, and share rights through groups.",
        identities,
    ),
    Relation(
        "policy-count",
        "A principal, an application and an account have no more policies than the service takes.",
        MANDATORY,
        Severity.MEDIUM,
        f"{PAGE}; Microsoft Entra, workload identity federation, considerations",
        "Use one GitHub environment for many branches, or a principal for each workload.",
        too_many,
        MOST,
    ),
    Relation(
        "policies-in-turn",
        "The policies of one service principal are made one after another.",
        MANDATORY,
        Severity.MEDIUM,
        "terraform-provider-databricks#5826",
        "Chain them with `depends_on`, as `FederationTrust` does.",
        at_once,
    ),
    Relation(
        "policy-sleep",
        "No federation policy waits for a clock.",
        ADVISORY,
        Severity.LOW,
        "terraform-provider-databricks#5826",
        "Chain the policies with `depends_on`; nothing has to spread.",
        sleeps,
    ),
    Relation(
        "policy-reference",
        "Federation policies are named by `policy_id`.",
        MANDATORY,
        Severity.HIGH,
        "Seen with databricks 1.106: the id of every federation policy is the text `id`",
        "Use `policy_id`, `uid` or `name` of the policy instead of `id`.",
        named_by_id,
    ),
    Relation(
        "way-round",
        "Whoever goes through the gateway cannot go round it.",
        MANDATORY,
        Severity.CRITICAL,
        f"{PAGE}; RFC 8693 §1.1",
        "Keep the gateway's policy alone on the principal, and never trust the gateway for a whole account.",
        ways_round,
        {
            "gateway_issuers": {
                "type": "array",
                "items": {"type": "string"},
                "default": [],
                "description": "Issuers that are gateways, beside those that the stack itself configures",
            }
        },
    ),
    Relation(
        "device-code-gap",
        "Conditional Access that asks for strong sign-in also blocks the device code flow.",
        ADVISORY,
        Severity.MEDIUM,
        "RFC 8628 §5.4; Microsoft Entra, authentication flows",
        "Add a policy with `authentication_flow_transfer_methods: [deviceCodeFlow]` that blocks.",
        device_code_blocked,
    ),
)


GROUP: Final = Group(
    "stack",
    "Resources that belong together",
    "Principals, their trusts and their rights fit together.",
    "Separate what the finding says is shared.",
    CHECKS,
)
