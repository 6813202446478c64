"""The Pulumi program: everything that `stacks/access.yaml` asks for.

Credentials come from the environment, as the providers' own documentation says; none is written down here.
"""

from pathlib import Path

import pulumi
import pulumi_azuread as azuread
import pulumi_databricks as databricks

from lakelatch import DatabricksAccess
from lakelatch.components.arguments import read_model

config = pulumi.Config()
text = Path(config.require("model")).read_text(encoding="utf-8")
overlay = config.get_object("overlay")
model = read_model(text, config.require("model"), overlay)
tenant = next(issuer.tenant for issuer in model.issuers.values() if issuer.type == "entra")

access = DatabricksAccess(
    "access",
    {"model": text, "overlay": overlay or {}, "gateway_directory": config.require("gatewayDirectory")},
    pulumi.ResourceOptions(
        providers={
            "azuread": azuread.Provider("entra", tenant_id=tenant, use_cli=False),
            "databricks": databricks.Provider(
                "account",
                host=model.account.host,
                account_id=model.account.id,
                auth_type="oauth-m2m",
                # Without it the plugin would wait for an unreachable host for ever, in preview too.
                retry_timeout_seconds=60,
            ),
        }
    ),
)

pulumi.export("gateway_host", model.gateway.host)
pulumi.export("gateway_audience", access.audience)
pulumi.export("gateway_version", access.gateway_version)
pulumi.export("services", access.services)
