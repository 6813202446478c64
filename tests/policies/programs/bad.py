"""What is found in the field: a long secret, a branch pattern, an assignment that a change loses, a token in the
program, and pull requests that may write. One switch for each, so that each is seen to be blocked for itself."""

import pulumi
import pulumi_databricks as databricks

config = pulumi.Config()
wrong = config.require("wrong")
token = {"token": config.require("token")} if wrong == "provider-token" else {"auth_type": "oauth-m2m"}
account = databricks.Provider(
    "account",
    host=config.require("account_host"),
    account_id=config.require("account_id"),
    retry_timeout_seconds=300,
    **token,
)
on_account = pulumi.ResourceOptions(provider=account)
subjects = {
    "exact-subject": "repo:example/etl:ref:refs/heads/*",
    "pull-request-rights": "repo:example/etl:pull_request",
}
principal = databricks.ServicePrincipal("etl", display_name="etl", disable_as_user_deletion=False, opts=on_account)
databricks.ServicePrincipalFederationPolicy(
    "etl",
    service_principal_id=principal.id.apply(int),
    policy_id="etl",
    oidc_policy={
        "issuer": "https://token.actions.githubusercontent.com",
        "audiences": [config.require("account_id")],
        "subject_claim": "sub",
        "subject": subjects.get(wrong, "repo:example/etl:environment:production"),
    },
    opts=on_account,
)
if wrong == "pull-request-rights":
    databricks.ServicePrincipalRole("etl", service_principal_id=principal.id, role="account_admin", opts=on_account)
if wrong == "assignment-replacement":
    databricks.MwsPermissionAssignment(
        "etl",
        workspace_id=config.require("workspace_id"),
        principal_id=principal.id,
        permissions=["USER"],
        opts=on_account,
    )
if wrong == "service-principal-secret-lifetime":
    databricks.ServicePrincipalSecret("etl", service_principal_id=principal.id, lifetime="63072000s", opts=on_account)
