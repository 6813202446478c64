"""A principal for each workload, exact trust, rights through groups: nothing to say about it."""

import pulumi
import pulumi_databricks as databricks

config = pulumi.Config()
account = databricks.Provider(
    "account",
    host=config.require("account_host"),
    account_id=config.require("account_id"),
    auth_type="oauth-m2m",
    retry_timeout_seconds=300,
)
workspace = databricks.Provider(
    "workspace", host=config.require("workspace_host"), auth_type="oauth-m2m", retry_timeout_seconds=300
)
on_account = pulumi.ResourceOptions(provider=account)
GITHUB = "https://token.actions.githubusercontent.com"


def trusted(name: str, subject: str) -> databricks.ServicePrincipal:
    """A principal that one workload of GitHub becomes."""
    principal = databricks.ServicePrincipal(name, display_name=name, disable_as_user_deletion=False, opts=on_account)
    databricks.ServicePrincipalFederationPolicy(
        name,
        service_principal_id=principal.id.apply(int),
        policy_id=name,
        oidc_policy={
            "issuer": GITHUB,
            "audiences": [config.require("account_id")],
            "subject": subject,
            "subject_claim": "sub",
        },
        opts=on_account,
    )
    return principal


deploy = trusted("deploy", "repo:example/etl:environment:production")
preview = trusted("preview", "repo:example/etl:pull_request")
writers = databricks.Group("writers", display_name="writers", opts=on_account)
databricks.GroupMember("deploy", group_id=writers.id, member_id=deploy.id, opts=on_account)
assigned = databricks.MwsPermissionAssignment(
    "writers",
    workspace_id=config.require("workspace_id"),
    principal_id=writers.id,
    permissions=["USER"],
    opts=pulumi.ResourceOptions(provider=account, delete_before_replace=True),
)
databricks.Grant(
    "writers",
    catalog="main",
    principal=writers.display_name,
    privileges=["USE_CATALOG", "CREATE_SCHEMA"],
    opts=pulumi.ResourceOptions(provider=workspace, depends_on=[assigned]),
)
