"""Whom a Databricks service principal trusts to speak for it."""

import re
from typing import NotRequired, TypedDict

import pulumi

from lakelatch.access.key_sets import weaknesses
from lakelatch.access.subjects import looseness
from lakelatch.components.arguments import require, service_principal_number
from lakelatch.errors import Finding

POLICIES_LIMIT = 20
"""Federation policies of one service principal (Databricks, `oauth-federation-policy` page)."""
_POLICY_ID = re.compile(r"[0-9a-z-]{2,63}")
"""What the live API takes; its own message names the character set even when the length is at fault."""


class TrustPolicy(TypedDict):
    """One external identity that may become the principal."""

    issuer: str
    """The `iss` claim, to the letter; https."""
    audience: str
    """One that the token must name; the account's id is what Databricks recommends."""
    subject: pulumi.Input[str]
    """The `sub` claim, to the letter."""
    description: NotRequired[str]
    """Shown in the account console and in audit rows."""
    jwks_json: NotRequired[str]
    """Public keys, only for an issuer whose discovery Databricks cannot reach; at most five."""


class FederationTrustArgs(TypedDict):
    """The whole trust of one service principal."""

    service_principal_id: pulumi.Input[str]
    """Its numeric id."""
    policies: dict[str, TrustPolicy]
    """Policy id to policy: 2 to 63 of 0-9, a-z and hyphen; at most 20; an id never changes."""


class FederationTrust(pulumi.ComponentResource):
    """The federation policies of one service principal, each exact, made one after another.

    One after another, because Databricks fails one of two policies that are made at once on the same principal.
    """

    policy_ids: pulumi.Output[list[str]]
    """The ids of the policies that are in force."""

    def __init__(self, name: str, args: FederationTrustArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("lakelatch:index:FederationTrust", name, None, opts)
        require("FederationTrust", name, _findings(args["policies"]))
        import pulumi_databricks as databricks

        principal = pulumi.Output.from_input(args["service_principal_id"]).apply(service_principal_number)
        previous: list[pulumi.Resource] = []
        ids: list[pulumi.Output[str]] = []
        for policy_id, policy in args["policies"].items():
            # Every field is sent, so that what the service fills in itself never shows up as a change.
            oidc_policy = databricks.ServicePrincipalFederationPolicyOidcPolicyArgs(
                issuer=policy["issuer"],
                audiences=[policy["audience"]],
                subject=pulumi.Output.from_input(policy["subject"]).apply(_exact),
                subject_claim="sub",
                jwks_json=policy.get("jwks_json"),
            )
            resource = databricks.ServicePrincipalFederationPolicy(
                f"{name}-{policy_id}",
                service_principal_id=principal,
                policy_id=policy_id,
                description=policy.get("description", ""),
                oidc_policy=oidc_policy,
                opts=pulumi.ResourceOptions(parent=self, depends_on=previous),
            )
            previous = [resource]
            ids.append(resource.policy_id)  # never `.id`: the plugin's is the literal "id"
        self.policy_ids = pulumi.Output.all(*ids)
        self.register_outputs({"policy_ids": self.policy_ids})


def _exact(subject: str) -> str:
    if reason := looseness(subject):
        require("FederationTrust", "subject", [Finding("subject", reason, "write the exact subject")])
    return subject


def _findings(policies: dict[str, TrustPolicy]) -> list[Finding]:
    findings = []
    if not policies:
        findings.append(Finding("policies", "is empty", "name at least one policy; without any, nobody can sign in"))
    if len(policies) > POLICIES_LIMIT:
        expected = f"one principal has at most {POLICIES_LIMIT}"
        findings.append(Finding("policies", f"has {len(policies)} entries", expected))
    for policy_id, policy in policies.items():
        at = f"policies.{policy_id}"
        if not _POLICY_ID.fullmatch(policy_id):
            findings.append(Finding(at, "is not a policy id", "use 2 to 63 of 0-9, a-z and hyphen"))
        if not policy["issuer"].startswith("https://"):
            findings.append(Finding(f"{at}.issuer", "does not begin with https://", "write the issuer's https address"))
        if not policy["audience"]:
            findings.append(Finding(f"{at}.audience", "is empty", "name one audience, best the account's id"))
        subject = policy["subject"]
        if isinstance(subject, str) and (reason := looseness(subject)):
            findings.append(Finding(f"{at}.subject", reason, "write the exact subject"))
        for position, reason in weaknesses(policy.get("jwks_json")):
            findings.append(Finding(f"{at}.jwks_json{position}", reason, "publish RSA (2048 bits) or P-256 keys"))
    return findings
