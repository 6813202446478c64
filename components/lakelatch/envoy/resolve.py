"""From the access model to the gateway's configuration: every name resolved, nothing decided twice."""

from collections.abc import Mapping
from typing import Any, TypedDict

from lakelatch.access.model import AccessModel, EntraIssuer


class Identity(TypedDict):
    """What providers made for a service; each value may be one that is known only after creation."""

    client_id: Any
    """Client id of its application at the identity provider."""
    subject: Any
    """The `sub` of its tokens."""
    application_id: Any
    """The Databricks service principal's application id."""


def gateway_config(model: AccessModel, *, audience: Any, identities: Mapping[str, Identity]) -> dict[str, Any]:
    """The data of a `GatewayConfig` for a model; generated values are passed through as they are."""
    gateway = model.gateway
    workspace = model.workspaces[gateway.workspace]
    used = {service.issuer for service in model.services.values()}
    return {
        "version": 1,
        "host": gateway.host,
        "listen": {
            "address": gateway.address,
            "port": gateway.port,
            "tls": gateway.tls.model_dump() if gateway.tls else None,
        },
        "workspace": {
            "host": workspace.host,
            "id": workspace.id,
            "account_id": model.account.id,
            "ca_file": gateway.ca_file,
        },
        "issuers": {
            name: {"issuer": issuer.issuer, "audience": audience, "ca_file": gateway.ca_file}
            for name, issuer in model.issuers.items()
            if name in used and isinstance(issuer, EntraIssuer)
        },
        "services": {
            name: {
                "issuer": service.issuer,
                "subject": identities[name]["subject"],
                "application_id": identities[name]["application_id"],
                "roles": {role: list(actions) for role, actions in model.actions(name).items()},
            }
            for name, service in model.services.items()
        },
        "issuer": {
            "url": gateway.host,
            "key": {"type": "file", "path": gateway.signing_key_file},
            "audience": model.account.id,
            "token_lifetime_seconds": model.lifetimes.gateway_token_seconds,
        },
    }
