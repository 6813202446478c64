"""What an access token of an application says. Pure.

Claims: learn.microsoft.com/entra/identity-platform/access-token-claims-reference; of those, the ones that an
application's own token carries. `aio` and `rh` are opaque to everybody but Microsoft and are left out.
"""

import uuid
from dataclasses import dataclass
from typing import Any

from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.graph.schema import Document
from lakelatch_sandbox.graph.tenant import issuer_v1, issuer_v2

LIFETIME_SECONDS = 3599
"""What `expires_in` says. Entra draws 60 to 90 minutes at random; the shortest is the one to be ready for."""

BACKDATED_SECONDS = 300
"""`iat` and `nbf` lie five minutes in the past, so that clocks may differ; seen in the vendor's sample tokens."""

ASSERTION, SECRET = "2", "1"
"""`azpacr`: how the client proved who it is, by a signed assertion or by a secret."""


@dataclass(frozen=True)
class Grant:
    """A decided request: which client gets a token for which resource, with which roles."""

    client: Document
    """The client's service principal."""
    resource: Document
    """The resource's application."""
    requested_resource: str
    """How the request named the resource: `aud` of a v1.0 token repeats it."""
    roles: tuple[str, ...]
    proof: str


def claims(grant: Grant, endpoints: Endpoints, *, now: int) -> dict[str, Any]:
    """The claims of the access token; the resource's `requestedAccessTokenVersion` decides their form."""
    v2 = grant.resource["api"]["requestedAccessTokenVersion"] == 2
    client_id, object_id = grant.client["appId"], grant.client["id"]
    audience = grant.resource["appId"] if v2 else grant.requested_resource
    issued = now - BACKDATED_SECONDS
    token: dict[str, Any] = {
        "aud": audience,
        "iss": issuer_v2(endpoints) if v2 else issuer_v1(endpoints),
        "iat": issued,
        "nbf": issued,
        "exp": now + LIFETIME_SECONDS + 1,
    }
    if v2:
        token |= {"azp": client_id, "azpacr": grant.proof}
    else:
        token |= {"appid": client_id, "appidacr": grant.proof, "idp": issuer_v1(endpoints)}
    if not v2 or wants_claim(grant.resource, "idtyp"):
        token["idtyp"] = "app"
    token["oid"] = object_id
    if grant.roles:
        token["roles"] = list(grant.roles)
    return token | {
        "sub": object_id,
        "tid": endpoints.tenant_id,
        "uti": uuid.uuid4().hex[:22],
        "ver": "2.0" if v2 else "1.0",
    }


def wants_claim(resource: Document, name: str) -> bool:
    """Whether the resource's optional claims ask for a claim in access tokens."""
    wanted = (resource["optionalClaims"] or {}).get("accessToken") or []
    return any(claim.get("name") == name for claim in wanted)
