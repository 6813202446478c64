"""What Graph checks before it keeps an application registration. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from lakelatch_sandbox.graph.errors import bad_request
from lakelatch_sandbox.graph.rules import is_guid, split_uri
from lakelatch_sandbox.graph.schema import Document

_ROLE_VALUE = re.compile(r"[\w:!#$%&'()*+,\-./;<=>?@\[\]^`{|}~]{1,250}", re.ASCII)
_SIGN_IN_AUDIENCES = frozenset(
    {"AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount"}
)
_MEMBER_TYPES = frozenset({"User", "Application"})


def check_application(new: Document, old: Mapping[str, Any] | None, *, tenant_id: str, domain: str) -> None:
    """Refuse a registration whose roles, scopes, token version or identifier URIs do not hold; raises `GraphError`."""
    if not isinstance(new["displayName"], str) or not 1 <= len(new["displayName"]) <= 256:
        raise bad_request("Invalid value specified for property 'displayName' of resource 'Application'.")
    if new["api"]["requestedAccessTokenVersion"] not in (None, 1, 2):
        raise bad_request(
            "Invalid value specified for property 'requestedAccessTokenVersion' of resource 'Application'."
        )
    _check_optional_claims(new["optionalClaims"])
    before = old or {"appRoles": [], "api": {"oauth2PermissionScopes": []}}
    _check_permissions(new["appRoles"], before["appRoles"])
    _check_permissions(new["api"]["oauth2PermissionScopes"], before["api"]["oauth2PermissionScopes"])
    for role in new["appRoles"]:
        _check_role(role)
    for scope in new["api"]["oauth2PermissionScopes"]:
        _check_scope(scope)
    check_redirects(new)
    _check_references(new)
    if new["signInAudience"] not in _SIGN_IN_AUDIENCES:
        raise bad_request("Invalid value specified for property 'signInAudience' of resource 'Application'.")
    if "Personal" in new["signInAudience"] and new["api"]["requestedAccessTokenVersion"] != 2:
        raise bad_request(
            "Application must accept Access Token Version 2 to be updated to support personal Microsoft accounts.",
            "InvalidAccessTokenVersion",
        )
    for uri in new["identifierUris"]:
        check_identifier_uri(uri, app_id=new["appId"], tenant_id=tenant_id, domain=domain)


def _check_optional_claims(claims: Any) -> None:
    lists = claims.values() if isinstance(claims, dict) else [] if claims is None else [claims]
    for one in lists:
        if one is None:
            continue
        if not isinstance(one, list) or not all(isinstance(claim, dict) and claim.get("name") for claim in one):
            raise bad_request("Invalid value specified for property 'optionalClaims' of resource 'Application'.")


def _check_permissions(new: Sequence[Mapping[str, Any]], old: Iterable[Mapping[str, Any]]) -> None:
    if not isinstance(new, list) or not all(isinstance(one, dict) for one in new):
        raise bad_request("Invalid value specified for a collection of permissions (scopes or roles).")
    ids = [one.get("id") for one in new]
    values = [one["value"] for one in new if one.get("value")]
    if not all(is_guid(id) for id in ids):
        raise bad_request("Invalid value specified for property 'id' of a permission (scope or role): not a GUID.")
    if len(set(ids)) < len(ids) or len(set(values)) < len(values):
        raise bad_request("Request contains a property with duplicate values.", "DuplicateValue")
    if any(one["id"] not in ids and one.get("isEnabled", True) for one in old):
        raise bad_request(
            "Permission (scope or role) cannot be deleted or updated unless disabled first.",
            "CannotDeleteOrUpdateEnabledEntitlement",
        )


def _check_role(role: Mapping[str, Any]) -> None:
    members = role.get("allowedMemberTypes") or []
    if not members or not set(members) <= _MEMBER_TYPES:
        raise bad_request("Invalid value specified for property 'allowedMemberTypes' of resource 'AppRole'.")
    if not role.get("displayName") or not role.get("description"):
        raise bad_request("A value is required for 'displayName' and 'description' of resource 'AppRole'.")
    value = role.get("value")
    if value is not None and (not _ROLE_VALUE.fullmatch(value) or value.startswith(".")):
        raise bad_request("Invalid value specified for property 'value' of resource 'AppRole'.")


def _check_scope(scope: Mapping[str, Any]) -> None:
    if scope.get("type") not in ("User", "Admin", None):
        raise bad_request("Invalid value specified for property 'type' of resource 'PermissionScope'.")
    if not scope.get("value") or not _ROLE_VALUE.fullmatch(str(scope["value"])):
        raise bad_request("Invalid value specified for property 'value' of resource 'PermissionScope'.")


def check_redirects(new: Mapping[str, Any]) -> None:
    """Refuse redirect URIs that the platform does not allow; raises `GraphError` (400).

    Web and single-page applications need https but for localhost, and no fragment
    (learn.microsoft.com/entra/identity-platform/reply-url).
    """
    for member in ("web", "spa", "publicClient"):
        uris = (new.get(member) or {}).get("redirectUris") or []
        for uri in uris:
            parts = split_uri(uri) if member != "publicClient" else urlsplit(str(uri))
            local = parts is not None and parts.hostname in ("localhost", "127.0.0.1")
            if parts is None or not parts.scheme or parts.fragment:
                raise bad_request(f"Invalid redirect URI '{uri}' in '{member}'.", "InvalidReplyAddress")
            if member != "publicClient" and parts.scheme != "https" and not (parts.scheme == "http" and local):
                raise bad_request(
                    f"The redirect URI '{uri}' in '{member}' must begin with https.", "InvalidReplyAddress"
                )
        if len(set(uris)) < len(uris):
            raise bad_request("Request contains a property with duplicate values.", "DuplicateValue")


def _check_references(new: Mapping[str, Any]) -> None:
    """What names another application's permissions, or one's own for others: ids are GUIDs, own ones exist."""
    own = {scope["id"] for scope in new["api"]["oauth2PermissionScopes"]}
    for client in new["api"]["preAuthorizedApplications"] or []:
        if not isinstance(client, dict) or not is_guid(client.get("appId")):
            raise bad_request(
                "Invalid value specified for property 'preAuthorizedApplications' of resource 'Application'."
            )
        if not set(client.get("delegatedPermissionIds") or client.get("permissionIds") or []) <= own:
            raise bad_request(
                "Property PreAuthorizedApplication references a permission that is not found in the application.",
                "InvalidPreAuthorizedApplication",
            )
    for access in new["requiredResourceAccess"]:
        listed = access.get("resourceAccess") if isinstance(access, dict) else None
        if not isinstance(listed, list) or not is_guid(access.get("resourceAppId")):
            raise bad_request(
                "Invalid value specified for property 'requiredResourceAccess' of resource 'Application'."
            )
        if not all(is_guid(one.get("id")) and one.get("type") in ("Role", "Scope") for one in listed):
            raise bad_request(
                "Invalid value specified for property 'resourceAccess' of resource 'RequiredResourceAccess'."
            )


def check_identifier_uri(uri: object, *, app_id: str, tenant_id: str, domain: str) -> None:
    """Refuse an identifier URI that another organisation could claim.

    Allowed are `api://<client id>`, `api://<tenant id>/…`, `api://…/<client id>`, and `https` or `api` with the
    verified domain or a part of it (learn.microsoft.com, identity-platform/identifier-uri-restrictions).
    """
    parts = split_uri(uri)
    if parts is None:
        raise bad_request(f"Invalid value specified for property 'identifierUris' of resource 'Application': '{uri}'.")
    segments = [parts.netloc, *parts.path.strip("/").split("/")]
    host = parts.netloc.lower()
    verified = host == domain or host.endswith(f".{domain}")
    if parts.path.endswith("/") or parts.query or parts.fragment or parts.scheme not in ("api", "https"):
        raise bad_request(f"Invalid value specified for property 'identifierUris' of resource 'Application': '{uri}'.")
    owned = parts.scheme == "api" and (app_id in (segments[0], segments[-1]) or segments[0] == tenant_id)
    if not owned and not verified:
        raise bad_request(
            "Values of identifierUris property must use a verified domain of the organization or its subdomain: "
            f"'{uri}'",
            "HostNameNotOnVerifiedDomain",
        )
