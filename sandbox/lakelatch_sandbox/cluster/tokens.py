"""What a service-account token says, and what the cluster says about itself."""

import re
import uuid
from datetime import UTC, datetime
from typing import Any

from lakelatch_sandbox.cluster.requests import TokenRequest

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAMESPACE = re.compile(_LABEL)
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_LONGEST_NAME = 253


def is_service_account(namespace: str, name: str) -> bool:
    """Whether these are names that Kubernetes allows: an RFC 1123 label and an RFC 1123 subdomain."""
    return (
        _NAMESPACE.fullmatch(namespace) is not None and _NAME.fullmatch(name) is not None and len(name) <= _LONGEST_NAME
    )


def subject(namespace: str, name: str) -> str:
    """The user name of a service account (kubernetes.io, "Service account tokens")."""
    return f"system:serviceaccount:{namespace}:{name}"


def service_account_claims(
    *, issuer: str, namespace: str, name: str, request: TokenRequest, now: int
) -> dict[str, Any]:
    """The claims of a token that the TokenRequest API issues; times are seconds since the epoch.

    `aud` is always a list, and `kubernetes.io` names the account with its uid, which stays the same for one name.
    """
    account = subject(namespace, name)
    uid = uuid.uuid5(uuid.NAMESPACE_URL, f"{issuer}#{account}")
    return {
        "aud": list(request.audiences),
        "exp": now + request.expiration_seconds,
        "iat": now,
        "iss": issuer,
        "jti": str(uuid.uuid4()),
        "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name, "uid": str(uid)}},
        "nbf": now,
        "sub": account,
    }


def discovery(issuer: str) -> dict[str, Any]:
    """The discovery document of a Kubernetes issuer (OpenID Connect Discovery 1.0 §3, what Kubernetes has of it)."""
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/openid/v1/jwks",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


def rfc3339(seconds: int) -> str:
    """A time as Kubernetes writes it, for example `2026-11-22T02:43:04Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
