"""What the databricks resources over SCIM share: paths by level, patches, entitlements as switches."""

from collections.abc import Mapping
from typing import Any, Final

from lakelatch_sandbox.plugins.databricks_api import DatabricksApi
from lakelatch_sandbox.plugins.spec import State

SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:"
_PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ENTITLEMENTS: Final = {
    "allowClusterCreate": "allow-cluster-create",
    "allowInstancePoolCreate": "allow-instance-pool-create",
    "databricksSqlAccess": "databricks-sql-access",
    "workspaceAccess": "workspace-access",
    "workspaceConsume": "workspace-consume",
}
"""The switches of a resource, and the entitlements that they mean."""


async def collection(api: DatabricksApi, state: State, name: str) -> tuple[DatabricksApi, str]:
    """The SCIM collection of a resource that the account and workspaces have: whom to ask, and the path."""
    if await api.level(state) == "account":
        return api, f"{api.account_path}/scim/v2/{name}"
    if state.get("api") or state.get("providerConfig"):
        api = await api.workspace(state)
    return api, f"/api/2.0/preview/scim/v2/{name}"


def granted(inputs: State) -> list[dict[str, str]]:
    """The entitlements that are switched on; one empty entry when none is, as the official plugin sends it."""
    return [{"value": value} for name, value in ENTITLEMENTS.items() if inputs.get(name)] or [{}]


def switches(document: Mapping[str, Any]) -> State:
    """The entitlements of an answer as switches."""
    found = {entry.get("value") for entry in document.get("entitlements") or ()}
    return {name: value in found for name, value in ENTITLEMENTS.items()}


def patch(operation: str, path: str, value: Any = None) -> dict[str, Any]:
    """A PatchOp (RFC 7644 §3.5.2) of one operation."""
    one = {"op": operation, "path": path, **({} if value is None else {"value": value})}
    return {"schemas": [_PATCH], "Operations": [one]}


def values(document: Mapping[str, Any], name: str) -> list[str]:
    """The values of a multi-valued attribute."""
    return [str(entry.get("value")) for entry in document.get(name) or ()]


def token(name: str) -> str:
    """The type token of a resource."""
    return f"databricks:index/{name[:1].lower()}{name[1:]}:{name}"
