"""What CI may do in Databricks: previews read one catalog's names, deployments from `production` are in a group."""

import pulumi
import pulumi_databricks as databricks

from lakelatch import CiIdentity

ACCOUNT_ID = "0d26daa6-5e44-4c97-a497-ef015f91254a"

account = databricks.Provider(
    "account", host="https://accounts.azuredatabricks.net", account_id=ACCOUNT_ID, retry_timeout_seconds=60
)
analytics = databricks.Provider(
    "analytics", host="https://adb-4029384756102938.18.azuredatabricks.net", retry_timeout_seconds=60
)
ci = CiIdentity(
    "etl",
    {
        "display_name": "etl",
        "account_id": ACCOUNT_ID,
        "workspace_id": "4029384756102938",
        "github": {"repository": "acme/etl", "environment": "production"},
        "preview_grants": [{"catalog": "main", "privileges": ["BROWSE"]}],
        "deploy_grants": [{"schema": "main.sales", "privileges": ["USE_SCHEMA", "SELECT", "MODIFY"]}],
        "workspace_provider": analytics,
    },
    pulumi.ResourceOptions(providers={"databricks": account}),
)
pulumi.export("preview_client_id", ci.preview_application_id)
pulumi.export("deploy_client_id", ci.deploy_application_id)
