"""The Pulumi program: everything that `stacks/access.yaml` asks for.

Credentials come from the environment, as the providers' own documentation says; none is written down here.
"""

import os
from pathlib import Path
from typing import Any

import pulumi
import pulumi_azuread as azuread
import pulumi_databricks as databricks

from lakelatch import DatabricksAccess
from lakelatch.cli.model_files import find
from lakelatch.components.arguments import RETRY_SECONDS, read_model
from lakelatch.components.plan import Plan

config = pulumi.Config()
files, overlay = find(Path(config.require("model"))), config.get_object("overlay") or {}
model = read_model(files.text, files.source, overlay, files.parts)
plan = Plan(model, pulumi.get_stack())
# Named, because credentials of another kind in the environment would be taken instead.
signs_in: dict[str, Any] = {"auth_type": os.environ.get("DATABRICKS_AUTH_TYPE", "oauth-m2m")}

providers: dict[str, pulumi.ProviderResource] = {
    "databricks": databricks.Provider(
        "account",
        host=model.account.host,
        account_id=model.account.id,
        retry_timeout_seconds=RETRY_SECONDS,
        **signs_in,
    )
}
if directory := plan.entra():
    providers["azuread"] = azuread.Provider("entra", tenant_id=directory.tenant, use_cli=False)
workspaces: dict[str, pulumi.ProviderResource] = {
    name: databricks.Provider(
        f"workspace-{name}", host=model.workspaces[name].host, retry_timeout_seconds=RETRY_SECONDS, **signs_in
    )
    for name in plan.with_rights()
}

access = DatabricksAccess(
    "access",
    {
        "model": files.text,
        "fragments": files.parts,
        "overlay": overlay,
        "stack": plan.stack,
        "gateway_directory": config.require("gatewayDirectory"),
        "workspace_providers": workspaces,
    },
    pulumi.ResourceOptions(providers=providers),
)

if plan.gateway is not None:
    pulumi.export("gateway_host", plan.gateway.host)
    pulumi.export("gateway_audience", access.audience)
    pulumi.export("gateway_version", access.gateway_version)
pulumi.export("groups", access.groups)
pulumi.export("services", access.services)
