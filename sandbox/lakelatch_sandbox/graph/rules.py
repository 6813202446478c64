"""What Graph checks before it keeps an application, a federated credential or an assignment. Pure."""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from lakelatch_sandbox.graph.errors import GraphError, bad_request, conflict
from lakelatch_sandbox.graph.schema import Document

FEDERATED_CREDENTIALS_LIMIT = 20
"""On one application (learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations)."""

_FEDERATED_LENGTHS = {"name": 120, "issuer": 600, "subject": 600, "description": 600}
_FEDERATED_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,119}")
_ROLE_VALUE = re.compile(r"[\w:!#$%&'()*+,\-./;<=>?@\[\]^`{|}~]{1,250}", re.ASCII)
_MEMBER_TYPES = frozenset({"User", "Application"})


def is_guid(value: Any) -> bool:
    """Whether a value is a GUID in its usual form with dashes."""
    if not isinstance(value, str):
        return False
    try:
        return str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False


def check_federated_credential(new: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a credential that does not hold by itself or beside the application's others.

    The number of audiences and uniqueness: learn.microsoft.com/graph/api/resources/federatedidentitycredential.
    Raises `GraphError`: 400, or 409 for a name that is taken.
    """
    for name, limit in _FEDERATED_LENGTHS.items():
        value = new[name]
        if value is not None and (not isinstance(value, str) or len(value) > limit):
            raise _invalid_credential(f"{name} must be text of at most {limit} characters", name)
    audiences = new["audiences"]
    if not isinstance(audiences, list) or len(audiences) != 1 or not isinstance(audiences[0], str) or not audiences[0]:
        raise _invalid_credential("audiences must hold exactly one value", "audiences")
    if not _FEDERATED_NAME.fullmatch(new["name"]):
        raise _invalid_credential("name must be of letters, digits, dashes and underscores", "name")
    issuer = _split(new["issuer"])
    if issuer is None or issuer.scheme not in ("https", "http"):
        raise _invalid_credential("issuer must be a URL", "issuer")
    if len(others) >= FEDERATED_CREDENTIALS_LIMIT:
        raise bad_request(
            f"The number of federated identity credentials on the application would exceed the limit of "
            f"{FEDERATED_CREDENTIALS_LIMIT}."
        )
    if any(other["name"] == new["name"] for other in others):
        raise conflict(f"FederatedIdentityCredential with name {new['name']} already exists.")
    if any((other["issuer"], other["subject"]) == (new["issuer"], new["subject"]) for other in others):
        raise bad_request(
            "The combination of issuer and subject must be unique for the application. "
            f"Issuer {new['issuer']} and Subject: {new['subject']} already exist. "
            f"paramName: FederatedIdentityCredential.Subject, paramValue: {new['subject']}, "
            "objectType: Microsoft.Online.DirectoryServices.Application",
            "InvalidFederatedIdentityCredentialValue",
        )


def _invalid_credential(problem: str, name: str) -> GraphError:
    return bad_request(
        f"Invalid value for FederatedIdentityCredential.{name}: {problem}.", "InvalidFederatedIdentityCredentialValue"
    )


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
    for uri in new["identifierUris"]:
        check_identifier_uri(uri, app_id=new["appId"], tenant_id=tenant_id, domain=domain)


def _check_optional_claims(claims: Any) -> None:
    lists = claims.values() if isinstance(claims, dict) else [] if claims is None else [None]
    for one in lists:
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


def check_identifier_uri(uri: object, *, app_id: str, tenant_id: str, domain: str) -> None:
    """Refuse an identifier URI that another organisation could claim.

    Allowed are `api://<client id>`, `api://<tenant id>/…`, `api://…/<client id>`, and `https` or `api` with the
    verified domain or a part of it (learn.microsoft.com, identity-platform/identifier-uri-restrictions).
    """
    parts = _split(uri)
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


def _split(uri: object) -> SplitResult | None:
    """The parts of a URI with an authority; None for anything else. White space is never part of one (RFC 3986 §2)."""
    if not isinstance(uri, str) or not uri.isprintable() or " " in uri:
        return None
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    return parts if parts.scheme and parts.netloc else None


def check_role_assignable(role_id: str, default_role_id: str, resource: Mapping[str, Any], name: str) -> None:
    """Refuse an assignment of a role that the resource does not offer to applications; raises `GraphError` (400).

    The default role is for resources without roles (learn.microsoft.com/graph/api/resources/approleassignment).
    """
    offered = [role for role in resource["appRoles"] if role.get("isEnabled")]
    if role_id == default_role_id and not offered:
        return
    if not any(role["id"] == role_id and "Application" in role["allowedMemberTypes"] for role in offered):
        raise bad_request(f"Permission being assigned was not found on application '{name}'.")
