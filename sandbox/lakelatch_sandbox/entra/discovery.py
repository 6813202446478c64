"""What the login service says about itself (OpenID Connect Discovery 1.0 §3, with the members that Entra fills)."""

from typing import Any

from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.graph.tenant import issuer_v1, issuer_v2

_CLAIMS = ["sub", "iss", "aud", "exp", "iat", "azp", "azpacr", "tid", "ver", "oid", "uti", "roles", "idtyp"]


def openid_configuration(endpoints: Endpoints, *, version: str) -> dict[str, Any]:
    """The discovery document of the tenant for `v1.0` or `v2.0` tokens."""
    tenant = f"{endpoints.entra_authority}/{endpoints.tenant_id}"
    v2 = version == "v2.0"
    protocol = f"{tenant}/oauth2/v2.0" if v2 else f"{tenant}/oauth2"
    return {
        "issuer": issuer_v2(endpoints) if v2 else issuer_v1(endpoints),
        "authorization_endpoint": f"{protocol}/authorize",
        "token_endpoint": f"{protocol}/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": f"{tenant}/discovery/v2.0/keys" if v2 else f"{tenant}/discovery/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "request_uri_parameter_supported": False,
        "claims_supported": _CLAIMS,
        "tenant_region_scope": None,
        "msgraph_host": endpoints.metadata_host,
    }


def key_set(jwks: dict[str, Any], issuer: str) -> dict[str, Any]:
    """The tenant's keys as Entra publishes them: each with its issuer and without `alg`."""
    return {"keys": [{**_without(key, "alg"), "issuer": issuer} for key in jwks["keys"]]}


def instance_discovery(endpoints: Endpoints) -> dict[str, Any]:
    """The answer that tells MSAL where the tenant's discovery document is, and that no other host is an alias."""
    tenant = f"{endpoints.entra_authority}/{endpoints.tenant_id}"
    host = endpoints.entra_authority.removeprefix("https://")
    return {
        "tenant_discovery_endpoint": f"{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    }


def _without(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name}
