"""Whom a Databricks service principal trusts to speak for it."""

from collections.abc import Iterator, Mapping
from typing import NotRequired, TypedDict

import pulumi

from lakelatch.access.belonging import workload
from lakelatch.access.subjects import SUBJECT, looseness
from lakelatch.components.arguments import account_provider, known_later, require, service_principal_number
from lakelatch.components.federation import audiences_of, policy_findings
from lakelatch.errors import Finding


class TrustPolicy(TypedDict):
    """One external identity that may become the principal."""

    issuer: str
    """The `iss` claim, to the letter; https."""
    audiences: list[pulumi.Input[str]]
    """What the token may be made out to: one of these has to be among its audiences. The account's id is what
    Databricks recommends."""
    subject: pulumi.Input[str]
    """The value of the subject claim, to the letter."""
    subject_claim: NotRequired[str]
    """The claim that holds the subject; `sub` by default. Another one only where `sub` is not stable."""
    description: NotRequired[str]
    """Shown in the account console and in audit rows."""
    jwks_uri: NotRequired[str]
    """Where the public keys are, only for an issuer without discovery."""
    jwks_json: NotRequired[str]
    """Public keys, only for an issuer whose discovery Databricks cannot reach; at most five."""


class FederationTrustArgs(TypedDict):
    """The whole trust of one service principal."""

    service_principal_id: pulumi.Input[str]
    """Its numeric id."""
    policies: dict[str, TrustPolicy]
    """Policy id to policy: 2 to 63 of 0-9, a-z and hyphen; at most 20; an id never changes. All are for one workload:
    as several issuers see it, or several environments, branches or forms of the subject of one repository."""


class FederationTrust(pulumi.ComponentResource):
    """The federation policies of one service principal, each exact, made one after another.

    One after another, because Databricks fails one of two policies that are made at once on the same principal.
    Needs an account-level databricks provider in `opts`.
    """

    policy_ids: pulumi.Output[list[str]]
    """The ids of the policies that are in force."""

    def __init__(self, name: str, args: FederationTrustArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("lakelatch:index:FederationTrust", name, None, opts)
        later = known_later(args, ("service_principal_id", "subject", "audiences"))
        wrong = later or [
            *policy_findings(args["policies"], "service principal", _subject_findings),
            *_other_workloads(args["policies"]),
        ]
        require("FederationTrust", name, [*wrong, *account_provider(self)])
        self.policy_ids = pulumi.Output.all(*make_trust(name, args, self))
        self.register_outputs({"policy_ids": self.policy_ids})


def make_trust(name: str, args: FederationTrustArgs, parent: pulumi.Resource) -> list[pulumi.Output[str]]:
    """The policies of one principal, below any component; their ids."""
    import pulumi_databricks as databricks

    principal = pulumi.Output.from_input(args["service_principal_id"]).apply(service_principal_number)
    previous: list[pulumi.Resource] = []
    ids: list[pulumi.Output[str]] = []
    for policy_id, policy in args["policies"].items():
        # Every field is sent and lists are sorted, so that what the service fills in never shows up as a change.
        oidc_policy = databricks.ServicePrincipalFederationPolicyOidcPolicyArgs(
            issuer=policy["issuer"],
            audiences=audiences_of(policy),
            subject=_checked(policy["subject"]),
            subject_claim=policy.get("subject_claim") or SUBJECT,
            jwks_uri=policy.get("jwks_uri"),
            jwks_json=policy.get("jwks_json"),
        )
        resource = databricks.ServicePrincipalFederationPolicy(
            f"{name}/{policy_id}",
            service_principal_id=principal,
            policy_id=policy_id,
            description=policy.get("description") or "",
            oidc_policy=oidc_policy,
            opts=pulumi.ResourceOptions(parent=parent, depends_on=previous),
        )
        previous = [resource]
        ids.append(resource.policy_id)  # never `.id`: the plugin's is the literal "id"
    return ids


def _checked(subject: pulumi.Input[str]) -> pulumi.Input[str]:
    """What is known later is checked then; a plain text was checked with the other arguments."""
    if isinstance(subject, str):
        return _exact(subject)
    return pulumi.Output.from_input(subject).apply(_exact)  # type: ignore[arg-type]  # an Awaitable is taken too


def _exact(subject: str) -> str:
    if reason := looseness(subject):
        require("FederationTrust", "subject", [Finding("subject", reason, "write the exact subject")])
    return subject


def _subject_findings(policy: TrustPolicy, at: str) -> Iterator[Finding]:
    subject = policy["subject"]
    if isinstance(subject, str) and (reason := looseness(subject)):
        yield Finding(f"{at}.subject", reason, "write the exact subject")


def _other_workloads(policies: Mapping[str, TrustPolicy]) -> Iterator[Finding]:
    """What one issuer calls another workload; a subject that is known later is judged by the policy pack."""
    first: dict[str, tuple[str, str]] = {}
    for policy_id, policy in policies.items():
        issuer, subject = policy["issuer"], policy["subject"]
        if isinstance(subject, str):
            this = workload(subject, issuer)
            other, known = first.setdefault(issuer, (policy_id, this))
            if known != this:
                expected = "make a service principal for each workload, and share rights through groups"
                yield Finding(f"policies.{policy_id}.subject", f"is another workload than that of {other!r}", expected)
