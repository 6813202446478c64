"""What an access token says. Pure.

Claims: learn.microsoft.com/entra/identity-platform/access-token-claims-reference and optional-claims-reference; the
resource's registration decides version and optional claims. `aio` and `rh` are opaque to everybody but Microsoft and
are left out.
"""

import base64
import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.graph.schema import Document
from lakelatch_sandbox.graph.tenant import issuer_v1, issuer_v2

LIFETIME_SECONDS = 3599
"""What `expires_in` says. Entra draws 60 to 90 minutes at random; the shortest is the one to be ready for."""

BACKDATED_SECONDS = 300
"""`iat` and `nbf` lie five minutes in the past, so that clocks may differ; seen in the vendor's sample tokens."""

ASSERTION, SECRET, PUBLIC = "2", "1", "0"
"""`azpacr`: how the client proved who it is, by a signed assertion, by a secret, or not at all."""

MOST_GROUPS = 200
"""More are not listed in a JWT; the token says where they can be asked for (groups overage)."""


@dataclass(frozen=True)
class Person:
    """The user in whose name a client asks, and what the sign-in was like."""

    document: Document
    scopes: tuple[str, ...]
    contexts: tuple[str, ...] = ()
    """Ids of the authentication contexts that the sign-in satisfied, for example `c1`."""
    methods: tuple[str, ...] = ("pwd",)
    """`amr` of a v1.0 token."""


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
    capabilities: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """Object ids of the groups that the registration wants to be told, however many."""
    person: Person | None = None
    """None when the client asks for itself."""


def claims(grant: Grant, endpoints: Endpoints, *, now: int, lifetime_seconds: int = LIFETIME_SECONDS) -> dict[str, Any]:
    """The claims of the access token; the resource's `requestedAccessTokenVersion` decides their form."""
    v2 = grant.resource["api"]["requestedAccessTokenVersion"] == 2
    client_id = grant.client["appId"]
    issued = now - BACKDATED_SECONDS
    token: dict[str, Any] = {
        "aud": _audience(grant, v2=v2),
        "iss": issuer_v2(endpoints) if v2 else issuer_v1(endpoints),
        "iat": issued,
        "nbf": issued,
        "exp": now + lifetime_seconds + 1,
        **({"azp": client_id, "azpacr": grant.proof} if v2 else {"appid": client_id, "appidacr": grant.proof}),
    }
    if grant.capabilities and wanted_claim(grant.resource, "xms_cc") is not None:
        token["xms_cc"] = list(grant.capabilities)
    if grant.person is None:
        token |= _application_claims(grant, endpoints, v2=v2)
    else:
        token |= _user_claims(grant, grant.person, issued, v2=v2)
    if grant.roles:
        token["roles"] = list(grant.roles)
    return token | {
        **_groups(grant, endpoints, str(token["oid"])),
        "tid": endpoints.tenant_id,
        "uti": uuid.uuid4().hex[:22],
        "ver": "2.0" if v2 else "1.0",
    }


def _audience(grant: Grant, *, v2: bool) -> str:
    """The client id of the resource; in v1.0 what the request said, unless the optional claim `aud` pins the id."""
    pinned = "use_guid" in ((wanted_claim(grant.resource, "aud") or {}).get("additionalProperties") or ())
    return str(grant.resource["appId"] if v2 or pinned else grant.requested_resource)


def _application_claims(grant: Grant, endpoints: Endpoints, *, v2: bool) -> dict[str, Any]:
    token: dict[str, Any] = {} if v2 else {"idp": issuer_v1(endpoints)}
    if wanted_claim(grant.resource, "idtyp") is not None:
        token["idtyp"] = "app"
    return token | {"oid": grant.client["id"], "sub": grant.client["id"]}


def _user_claims(grant: Grant, person: Person, issued: int, *, v2: bool) -> dict[str, Any]:
    user, resource = person.document, grant.resource
    token: dict[str, Any] = {
        "name": user["displayName"],
        "oid": user["id"],
        "scp": " ".join(person.scopes),
        "sub": pairwise(user["id"], resource["appId"]),
    }
    if v2:
        token["preferred_username"] = user["userPrincipalName"]
    else:
        names = {"family_name": user["surname"], "given_name": user["givenName"]}
        token |= {"acr": "1", "amr": list(person.methods), "unique_name": user["userPrincipalName"]}
        token |= {"upn": user["userPrincipalName"], **{name: value for name, value in names.items() if value}}
    optional = {
        "acct": 0 if user["userType"] == "Member" else 1,
        "acrs": list(person.contexts),
        "auth_time": issued,
        "email": user["mail"],
        "family_name": user["surname"],
        "given_name": user["givenName"],
        "login_hint": base64.urlsafe_b64encode(user["userPrincipalName"].encode()).decode(),
        "sid": pairwise(user["id"], "session"),
        "upn": user["userPrincipalName"],
    }
    wanted = {name: value for name, value in optional.items() if wanted_claim(resource, name) is not None}
    token |= {name: value for name, value in wanted.items() if value not in (None, [])}
    idtyp = wanted_claim(resource, "idtyp") or {}
    if "include_user_token" in (idtyp.get("additionalProperties") or ()):
        token["idtyp"] = "user"
    return token


def _groups(grant: Grant, endpoints: Endpoints, object_id: str) -> dict[str, Any]:
    if not grant.groups:
        return {}
    if len(grant.groups) <= MOST_GROUPS:
        return {"groups": list(grant.groups)}
    kind = "servicePrincipals" if grant.person is None else "users"
    endpoint = f"{endpoints.graph_base}/v1.0/{kind}/{object_id}/getMemberObjects"
    return {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": endpoint}}}


def pairwise(object_id: str, application: str) -> str:
    """A subject that is one person's at one application only (OpenID Connect Core §8.1), 43 characters as Entra's."""
    digest = hashlib.sha256(f"{object_id}/{application}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def wanted_claim(resource: Document, name: str) -> Mapping[str, Any] | None:
    """The optional claim of this name that the resource wants in access tokens; None when it does not."""
    wanted = (resource["optionalClaims"] or {}).get("accessToken") or []
    return next((claim for claim in wanted if claim.get("name") == name), None)
