"""Short-lived, audited, secret-less access to Databricks.

    from lakelatch import DatabricksAccess, EntraApplication, ServiceIdentity, FederationTrust, WorkspaceRole

The Pulumi components are loaded when they are first named, so that the model and the command line need no Pulumi.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakelatch.components.account_federation import AccountFederation, AccountFederationArgs
    from lakelatch.components.ci import CiIdentity, CiIdentityArgs
    from lakelatch.components.entra import EntraApplication, EntraApplicationArgs
    from lakelatch.components.gateway import AccessGateway, AccessGatewayArgs
    from lakelatch.components.group import AccountGroup, AccountGroupArgs
    from lakelatch.components.identity import ServiceIdentity, ServiceIdentityArgs
    from lakelatch.components.role import WorkspaceRole, WorkspaceRoleArgs
    from lakelatch.components.secure_workspace import SecureWorkspace, SecureWorkspaceArgs
    from lakelatch.components.trust import FederationTrust, FederationTrustArgs
    from lakelatch.components.umbrella import DatabricksAccess, DatabricksAccessArgs

_HOMES = {
    "AccessGateway": "gateway",
    "AccessGatewayArgs": "gateway",
    "AccountFederation": "account_federation",
    "AccountFederationArgs": "account_federation",
    "AccountGroup": "group",
    "AccountGroupArgs": "group",
    "CiIdentity": "ci",
    "CiIdentityArgs": "ci",
    "DatabricksAccess": "umbrella",
    "DatabricksAccessArgs": "umbrella",
    "EntraApplication": "entra",
    "EntraApplicationArgs": "entra",
    "FederationTrust": "trust",
    "FederationTrustArgs": "trust",
    "SecureWorkspace": "secure_workspace",
    "SecureWorkspaceArgs": "secure_workspace",
    "ServiceIdentity": "identity",
    "ServiceIdentityArgs": "identity",
    "WorkspaceRole": "role",
    "WorkspaceRoleArgs": "role",
}

__all__ = [
    "AccessGateway",
    "AccessGatewayArgs",
    "AccountFederation",
    "AccountFederationArgs",
    "AccountGroup",
    "AccountGroupArgs",
    "CiIdentity",
    "CiIdentityArgs",
    "DatabricksAccess",
    "DatabricksAccessArgs",
    "EntraApplication",
    "EntraApplicationArgs",
    "FederationTrust",
    "FederationTrustArgs",
    "SecureWorkspace",
    "SecureWorkspaceArgs",
    "ServiceIdentity",
    "ServiceIdentityArgs",
    "WorkspaceRole",
    "WorkspaceRoleArgs",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lakelatch' has no attribute {name!r}")
    return getattr(import_module(f"lakelatch.components.{_HOMES[name]}"), name)
