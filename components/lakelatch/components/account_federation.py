"""Which identity providers sign people in to a whole Databricks account."""

from collections.abc import Iterator, Mapping
from typing import Any, NotRequired, TypedDict
from urllib.parse import urlsplit

import pulumi

from lakelatch.access.account_rules import SHARED_ISSUERS
from lakelatch.components.arguments import account_provider, known_later, require
from lakelatch.components.federation import audiences_of, policy_findings
from lakelatch.errors import Finding


class AccountPolicy(TypedDict):
    """One identity provider whose every token holder may become a user of the account."""

    issuer: str
    """The `iss` claim, to the letter; https. Only of a provider that your organisation controls wholly."""
    audiences: list[str]
    """What the token may be made out to. Required: the account's id alone, which Databricks takes when there is none,
    would let in every token that anybody asks for in the account's name."""
    subject_claim: str
    """The claim that holds the Databricks user name, such as `upn` or `email`: nobody but the provider may write it."""
    description: str
    """Who signs in by it; shown in the account console and in audit rows."""
    jwks_uri: NotRequired[str]
    """Where the public keys are, only for an issuer without discovery."""
    jwks_json: NotRequired[str]
    """Public keys, only for an issuer whose discovery Databricks cannot reach; at most five."""


class AccountFederationArgs(TypedDict):
    """Every identity provider whose users sign in by token."""

    account_id: str
    """The account's id, a UUID."""
    policies: dict[str, AccountPolicy]
    """Policy id to policy: 2 to 63 of 0-9, a-z and hyphen; at most 20 in the account; an id never changes."""


class AccountFederation(pulumi.ComponentResource):
    """Account-wide federation policies: whoever holds a token of the provider becomes the user whom its claim names.

    That is the widest trust Databricks knows. Use it only for an identity provider that your organisation controls
    wholly: whoever can make it write a user name into a token is that user, administrators included. Users must be in
    the account already (SCIM); a policy makes none. It belongs to one stack of the account, because two stacks with the
    same policy ids would fight. Needs an account-level databricks provider in `opts`.
    """

    policy_ids: pulumi.Output[list[str]]
    """The ids of the policies that are in force."""

    def __init__(self, name: str, args: AccountFederationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("lakelatch:index:AccountFederation", name, None, opts)
        wrong = known_later(args) or _findings(args)
        require("AccountFederation", name, [*wrong, *account_provider(self)])
        import pulumi_databricks as databricks

        previous: list[pulumi.Resource] = []
        ids: list[pulumi.Output[str]] = []
        for policy_id, policy in args["policies"].items():
            # Every field is sent and lists are sorted, so that what the service fills in never shows up as a change.
            # There is no subject: the service refuses one in a policy of the account.
            oidc_policy = databricks.AccountFederationPolicyOidcPolicyArgs(
                issuer=policy["issuer"],
                audiences=audiences_of(policy),
                subject_claim=policy["subject_claim"],
                jwks_uri=policy.get("jwks_uri"),
                jwks_json=policy.get("jwks_json"),
            )
            resource = databricks.AccountFederationPolicy(
                f"{name}/{policy_id}",
                policy_id=policy_id,
                description=policy["description"],
                oidc_policy=oidc_policy,
                opts=pulumi.ResourceOptions(parent=self, depends_on=previous),
            )
            previous = [resource]
            ids.append(resource.policy_id)  # never `.id`: the plugin's is the literal "id"
        self.policy_ids = pulumi.Output.all(*ids)
        self.register_outputs({"policy_ids": self.policy_ids})


def _findings(args: AccountFederationArgs) -> list[Finding]:
    def more(policy: Mapping[str, Any], at: str) -> Iterator[Finding]:
        if set(policy["audiences"]) == {args["account_id"]}:
            expected = "name an audience of your own, for which only your clients get tokens"
            yield Finding(f"{at}.audiences", "is the account's id alone, the default", expected)
        if reason := SHARED_ISSUERS.get(urlsplit(policy["issuer"]).hostname or ""):
            expected = "trust it for single service principals (FederationTrust), never account-wide"
            yield Finding(f"{at}.issuer", f"is shared: {reason}", expected)
        if not policy["description"].strip():
            yield Finding(f"{at}.description", "is empty", "say who signs in by it")

    return policy_findings(args["policies"], "account", more)
