"""Short-lived, audited, secret-less access to Databricks.

    from lakelatch import DatabricksAccess, EntraApplication, ServiceIdentity, FederationTrust, AccessGateway

The Pulumi components are loaded when they are first named, so that the model and the command line need no Pulumi.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakelatch.components.entra import EntraApplication, EntraApplicationArgs
    from lakelatch.components.gateway import AccessGateway, AccessGatewayArgs
    from lakelatch.components.identity import ServiceIdentity, ServiceIdentityArgs
    from lakelatch.components.trust import FederationTrust, FederationTrustArgs
    from lakelatch.components.umbrella import DatabricksAccess, DatabricksAccessArgs

_HOMES = {
    "AccessGateway": "gateway",
    "AccessGatewayArgs": "gateway",
    "DatabricksAccess": "umbrella",
    "DatabricksAccessArgs": "umbrella",
    "EntraApplication": "entra",
    "EntraApplicationArgs": "entra",
    "FederationTrust": "trust",
    "FederationTrustArgs": "trust",
    "ServiceIdentity": "identity",
    "ServiceIdentityArgs": "identity",
}

__all__ = [
    "AccessGateway",
    "AccessGatewayArgs",
    "DatabricksAccess",
    "DatabricksAccessArgs",
    "EntraApplication",
    "EntraApplicationArgs",
    "FederationTrust",
    "FederationTrustArgs",
    "ServiceIdentity",
    "ServiceIdentityArgs",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lakelatch' has no attribute {name!r}")
    return getattr(import_module(f"lakelatch.components.{_HOMES[name]}"), name)
