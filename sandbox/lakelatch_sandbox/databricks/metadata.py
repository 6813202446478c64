"""The documents that clients read before they authenticate: host metadata and OAuth discovery (RFC 8414)."""

from typing import Any

from lakelatch_sandbox.endpoints import Endpoints

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105
CLIENT_CREDENTIALS = "client_credentials"
JWT_TOKEN = "urn:ietf:params:oauth:token-type:jwt"  # noqa: S105

CLOUD = "AWS"
"""With `Azure` the vendor's clients would look for Azure resource ids, which the double has none of."""


def account_issuer(endpoints: Endpoints) -> str:
    """The issuer of account tokens, under which the account's OAuth paths stand."""
    return f"{endpoints.account_host}/oidc/accounts/{endpoints.account_id}"


def workspace_issuer(endpoints: Endpoints) -> str:
    """The issuer of workspace tokens."""
    return f"{endpoints.workspace_host}/oidc"


def account_config(endpoints: Endpoints) -> dict[str, Any]:
    """`/.well-known/databricks-config` of the account host; `host_type` is lower case, or plugins ignore it."""
    return {
        "host_type": "account",
        "account_id": endpoints.account_id,
        "cloud": CLOUD,
        "oidc_endpoint": account_issuer(endpoints),
        "token_federation_default_oidc_audiences": [endpoints.account_id],
    }


def workspace_config(endpoints: Endpoints) -> dict[str, Any]:
    """`/.well-known/databricks-config` of the workspace host."""
    return {
        "host_type": "workspace",
        "account_id": endpoints.account_id,
        "workspace_id": endpoints.workspace_id,
        "cloud": CLOUD,
        "oidc_endpoint": workspace_issuer(endpoints),
        "token_federation_default_oidc_audiences": [f"{workspace_issuer(endpoints)}/v1/token"],
    }


def discovery(issuer: str) -> dict[str, Any]:
    """`{issuer}/.well-known/oauth-authorization-server`."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/v1/authorize",
        "token_endpoint": f"{issuer}/v1/token",
        "jwks_uri": f"{issuer}/jwks.json",
        "scopes_supported": ["all-apis", "sql", "offline_access", "openid", "email", "profile"],
        "response_types_supported": ["code"],
        "grant_types_supported": [CLIENT_CREDENTIALS, TOKEN_EXCHANGE],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "subject_types_supported": ["public"],
    }
