"""The tenant as an issuer: its names in tokens, its keys, and the check of a token that comes back to Graph."""

from typing import Any

import jwt

from lakelatch_sandbox.context import Context
from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.graph.signing import TenantKeys

_TIMES_ARE_OURS = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "require": ["exp", "aud", "iss", "oid"],
}
"""The sandbox has a clock of its own, so the library's look at the system's is switched off."""


def signing_keys(context: Context) -> TenantKeys:
    """The keys that sign the tenant's access tokens, made at the first use."""
    return TenantKeys(context.store, context.clock.now)


def issuer_v2(endpoints: Endpoints) -> str:
    """`iss` of v2.0 tokens."""
    return f"{endpoints.entra_authority}/{endpoints.tenant_id}/v2.0"


def issuer_v1(endpoints: Endpoints) -> str:
    """`iss` of v1.0 tokens, with the slash at its end as in `https://sts.windows.net/<tenant>/`."""
    return f"{endpoints.entra_authority}/{endpoints.tenant_id}/"


def initial_domain(endpoints: Endpoints) -> str:
    """The verified domain that every tenant has; made from the tenant's id."""
    return f"sandbox{endpoints.tenant_id.replace('-', '')[:8]}.onmicrosoft.com"


def verify_graph_token(token: str, context: Context, keys: TenantKeys) -> dict[str, Any]:
    """The claims of an access token for Graph; raises `jwt.InvalidTokenError` or a subclass that says why not."""
    endpoints = context.endpoints
    claims = keys.verify(
        token,
        audience=[endpoints.graph_base, f"{endpoints.graph_base}/"],
        issuer=[issuer_v1(endpoints), issuer_v2(endpoints)],
        options=_TIMES_ARE_OURS,
    )
    now = context.clock.now()
    if claims["exp"] <= now:
        raise jwt.ExpiredSignatureError("the token has expired")
    if claims.get("nbf", 0) > now:
        raise jwt.ImmatureSignatureError("the token is not valid yet")
    return claims
