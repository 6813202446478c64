"""The databricks plugin: requests, ids and quirks as they were observed of the official plugin 1.106.0.

Where nobody has recorded the requests (groups, users, members, roles, entitlements, grants, secrets, workspace
assignments, settings, network policies), they follow the source of the Terraform provider that the plugin is made of.
"""

from typing import Final

from lakelatch_sandbox.plugins import (
    databricks_assignments,
    databricks_functions,
    databricks_grants,
    databricks_members,
    databricks_network,
    databricks_policies,
    databricks_principals,
    databricks_settings,
)
from lakelatch_sandbox.plugins.databricks_api import DatabricksApi
from lakelatch_sandbox.plugins.spec import Spec

SPECS: Final[tuple[Spec[DatabricksApi], ...]] = (
    *databricks_principals.SPECS,
    *databricks_members.SPECS,
    *databricks_policies.SPECS,
    *databricks_assignments.SPECS,
    *databricks_grants.SPECS,
    *databricks_settings.SPECS,
    *databricks_network.SPECS,
)

FUNCTIONS: Final = databricks_functions.FUNCTIONS
