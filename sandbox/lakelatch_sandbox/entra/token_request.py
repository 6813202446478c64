"""A token request: what it says, and who the client is that it proves."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import jwt

from lakelatch_sandbox.context import Context
from lakelatch_sandbox.entra import certificates, federation, tokens
from lakelatch_sandbox.entra.errors import EntraError
from lakelatch_sandbox.graph.directory import Directory
from lakelatch_sandbox.graph.schema import Document
from lakelatch_sandbox.graph.tenant import issuer_v1, issuer_v2

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""RFC 7523 §2.2."""

CLOCK_SKEW_SECONDS = 300
"""Entra accepts an assertion five minutes around its validity."""


@dataclass(frozen=True)
class TokenRequest:
    """The parameters of a client credentials request (RFC 6749 §4.4.2) that were understood."""

    client_id: str
    resource: str
    secret: str | None
    assertion: str | None
    capabilities: tuple[str, ...] = ()
    """What the client says it can handle (`xms_cc` of the claims parameter), for example `CP1`."""


def parse(body: bytes, authorization: str | None) -> TokenRequest:
    """The request in a form body, with the client's credentials there or in a Basic header (RFC 6749 §2.3.1).

    Raises `EntraError` for a missing parameter, another grant, or a scope that does not end in `/.default`.
    """
    form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    basic_id, basic_secret = _basic(authorization)
    grant = form.get("grant_type")
    if not grant:
        raise EntraError(900144, parameter="grant_type")
    if grant != "client_credentials":
        raise EntraError(70003, grant_type=grant)
    client_id = form.get("client_id") or basic_id
    if not client_id:
        raise EntraError(900144, parameter="client_id")
    secret, assertion = form.get("client_secret") or basic_secret, form.get("client_assertion")
    if assertion is not None and form.get("client_assertion_type") != ASSERTION_TYPE:
        raise EntraError(900144, parameter="client_assertion_type")
    if not secret and not assertion:
        raise EntraError(7000216)
    return TokenRequest(
        client_id,
        resource_of(form),
        secret or None,
        assertion.strip() if assertion else None,
        capabilities_of(form.get("claims")),
    )


def capabilities_of(claims: str | None) -> tuple[str, ...]:
    """The client capabilities in a claims parameter (OpenID Connect Core §5.5); raises `EntraError` (90023)."""
    if not claims:
        return ()
    try:
        found = json.loads(claims)
    except (ValueError, RecursionError):
        found = None
    for name in ("access_token", "xms_cc"):
        if not isinstance(found, dict) or not isinstance(found.get(name, {}), dict):
            raise EntraError(90023, reason="the claims parameter is not valid.")
        found = found.get(name, {})
    values = found.get("values", [])
    return tuple(value for value in values if isinstance(value, str)) if isinstance(values, list) else ()


def resource_of(form: Mapping[str, str]) -> str:
    """The resource that a v2.0 request names by its scope, or a v1.0 request by `resource`."""
    if form.get("resource"):
        return form["resource"]
    scope = form.get("scope", "").strip()
    if not scope:
        raise EntraError(900144, parameter="scope")
    resource = scope.removesuffix("/.default")
    if resource == scope or not resource or " " in scope:
        raise EntraError(1002012, scope=scope)
    return resource


def _basic(header: str | None) -> tuple[str | None, str | None]:
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None, None
    try:
        name, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None, None
    return unquote_plus(name), unquote_plus(secret)


async def authenticate(request: TokenRequest, context: Context) -> tuple[Document, str]:
    """The client's service principal, and by what it was proved (`tokens.ASSERTION` or `tokens.SECRET`).

    Raises `EntraError` when the client is unknown, disabled, or did not prove itself.
    """
    directory, endpoints = Directory(context), context.endpoints
    application = directory.application_by_app_id(request.client_id)
    if application is None:
        raise EntraError(700016, client=request.client_id, tenant=endpoints.tenant_id)
    principal = directory.service_principal_by_app_id(request.client_id)
    if request.assertion is not None:
        await _check_assertion(request.assertion, application, principal, directory)
    else:
        _check_secret(str(request.secret), application, principal, directory)
    if principal is None:
        raise EntraError(7000229, client=request.client_id, tenant=endpoints.tenant_id)
    if not principal["accountEnabled"]:
        raise EntraError(7000112, client=request.client_id, name=application["displayName"])
    return principal, tokens.SECRET if request.assertion is None else tokens.ASSERTION


def _check_secret(secret: str, application: Document, principal: Document | None, directory: Directory) -> None:
    context, client = directory.context, application["appId"]
    if client == context.endpoints.entra_admin_client_id:
        if secret != context.endpoints.entra_admin_client_secret:
            raise EntraError(7000215, client=client)
        return
    credentials = [*application["passwordCredentials"], *(principal or {}).get("passwordCredentials", [])]
    matching = [one for one in credentials if directory.secret_matches(one["keyId"], secret)]
    if not matching:
        raise EntraError(7000215, client=client)
    now = context.clock.now()
    if all(datetime.fromisoformat(one["endDateTime"]).timestamp() <= now for one in matching):
        raise EntraError(7000222, client=client)


async def _check_assertion(
    assertion: str, application: Document, principal: Document | None, directory: Directory
) -> None:
    context, client = directory.context, application["appId"]
    claims = _read(assertion)
    if certificates.is_own_assertion(claims, client):
        endpoints = context.endpoints
        tenant = f"{endpoints.entra_authority}/{endpoints.tenant_id}"
        audiences = (
            f"{tenant}/oauth2/v2.0/token",
            f"{tenant}/oauth2/token",
            issuer_v2(endpoints),
            issuer_v1(endpoints),
        )
        credentials = [*application["keyCredentials"], *(principal or {}).get("keyCredentials", [])]
        certificates.verify(assertion, claims, credentials, audiences=audiences, now=context.clock.now())
    else:
        trusted = directory.federated_credentials(application["id"])
        federation.match(claims, trusted, client=client, name=application["displayName"])
        await federation.verify(assertion, claims, context.http)
    check_times(claims, context.clock.now())


def _read(assertion: str) -> dict[str, Any]:
    """The claims that an assertion makes, nothing of it believed yet."""
    try:
        claims: dict[str, Any] = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise EntraError(50027) from None
    return claims


def check_times(claims: Mapping[str, Any], now: int) -> None:
    """Refuse an assertion before `nbf` or after `exp`, give or take the allowed skew; raises `EntraError` (700024)."""
    begins, ends = claims.get("nbf", 0), claims.get("exp")
    if not all(isinstance(time, (int, float)) and not isinstance(time, bool) for time in (begins, ends)):
        raise EntraError(50027)
    assert ends is not None  # noqa: S101 - is a number
    if not begins - CLOCK_SKEW_SECONDS <= now < ends + CLOCK_SKEW_SECONDS:
        raise EntraError(700024, now=_time(now), valid_from=_time(begins), expires=_time(ends))


def _time(seconds: float) -> str:
    """A time as Entra writes it in 700024; what no calendar has is written as a number."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
    except (OverflowError, ValueError, OSError):
        return str(seconds)
