"""What Graph checks before it keeps a federated credential or an assignment. Pure."""

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from lakelatch_sandbox.graph import flexible
from lakelatch_sandbox.graph.errors import GraphError, bad_request, conflict

FEDERATED_CREDENTIALS_LIMIT = 20
"""On one application (learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations)."""

_FEDERATED_LENGTHS = {"name": 120, "issuer": 600, "subject": 600, "description": 600}
_FEDERATED_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,119}")


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
    _check_subject_or_expression(new)
    audiences = new["audiences"]
    if not isinstance(audiences, list) or len(audiences) != 1 or not isinstance(audiences[0], str) or not audiences[0]:
        raise _invalid_credential("audiences must hold exactly one value", "audiences")
    if not _FEDERATED_NAME.fullmatch(new["name"]):
        raise _invalid_credential("name must be of letters, digits, dashes and underscores", "name")
    issuer = split_uri(new["issuer"])
    if issuer is None or issuer.scheme not in ("https", "http"):
        raise _invalid_credential("issuer must be a URL", "issuer")
    if len(others) >= FEDERATED_CREDENTIALS_LIMIT:
        raise bad_request(
            f"The number of federated identity credentials on the application would exceed the limit of "
            f"{FEDERATED_CREDENTIALS_LIMIT}."
        )
    if any(other["name"] == new["name"] for other in others):
        raise conflict(f"FederatedIdentityCredential with name {new['name']} already exists.")
    if any(_identity(other) == _identity(new) for other in others):
        raise bad_request(
            "The combination of issuer and subject must be unique for the application. "
            f"Issuer {new['issuer']} and Subject: {new['subject']} already exist. "
            f"paramName: FederatedIdentityCredential.Subject, paramValue: {new['subject']}, "
            "objectType: Microsoft.Online.DirectoryServices.Application",
            "InvalidFederatedIdentityCredentialValue",
        )


def _identity(credential: Mapping[str, Any]) -> tuple[Any, ...]:
    expression = credential.get("claimsMatchingExpression") or {}
    return credential["issuer"], credential["subject"], expression.get("value")


def _check_subject_or_expression(new: Mapping[str, Any]) -> None:
    """One of the two, never both (learn.microsoft.com, workload-identities-flexible-federated-identity-credentials)."""
    expression = new.get("claimsMatchingExpression")
    if (expression is None) == (new["subject"] is None):
        raise _invalid_credential("exactly one of subject and claimsMatchingExpression must be set", "subject")
    if expression is None:
        if not new["subject"]:
            raise _invalid_credential("subject must not be empty", "subject")
        return
    name = "claimsMatchingExpression"
    if not isinstance(expression, dict) or expression.get("languageVersion") != flexible.LANGUAGE_VERSION:
        raise _invalid_credential(f"languageVersion must be {flexible.LANGUAGE_VERSION}", name)
    if not flexible.is_supported_issuer(str(new["issuer"])):
        raise _invalid_credential(f"the issuer '{new['issuer']}' is not supported for flexible credentials", name)
    try:
        claims = flexible.parse(expression.get("value"))
    except ValueError as error:
        raise _invalid_credential(str(error), name) from None
    if not flexible.allowed_claims(str(new["issuer"])) >= {one.claim for one in claims} or claims[0].claim != "sub":
        raise _invalid_credential("the expression either lacks all required claims or contains unallowed claims", name)


def _invalid_credential(problem: str, name: str) -> GraphError:
    return bad_request(
        f"Invalid value for FederatedIdentityCredential.{name}: {problem}.", "InvalidFederatedIdentityCredentialValue"
    )


def split_uri(uri: object) -> SplitResult | None:
    """The parts of a URI with an authority; None for anything else. White space is never part of one (RFC 3986 §2)."""
    if not isinstance(uri, str) or not uri.isprintable() or " " in uri:
        return None
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    return parts if parts.scheme and parts.netloc else None


def check_role_assignable(
    role_id: str, default_role_id: str, roles: Sequence[Mapping[str, Any]], member_type: str, name: str
) -> None:
    """Refuse an assignment of a role that a resource does not offer to this type of member; raises `GraphError` (400).

    The default role is for resources without roles (learn.microsoft.com/graph/api/resources/approleassignment).
    """
    offered = [role for role in roles if role.get("isEnabled") and member_type in role["allowedMemberTypes"]]
    if role_id == default_role_id and not offered:
        return
    if not any(role["id"] == role_id for role in offered):
        raise bad_request(f"Permission being assigned was not found on application '{name}'.")
