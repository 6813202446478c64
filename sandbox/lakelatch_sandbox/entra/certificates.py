"""Client assertions that the application signs itself, with a certificate registered on it.

learn.microsoft.com/entra/identity-platform/certificate-credentials: `iss` and `sub` are the client id, `aud` is the
token endpoint or the tenant's issuer, and the header names the certificate by its thumbprint.
"""

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from lakelatch_sandbox.entra.errors import EntraError
from lakelatch_sandbox.graph.certificates import certificate_of
from lakelatch_sandbox.keys import SIGNATURE_ONLY

ALGORITHMS = ("RS256", "PS256")


def is_own_assertion(claims: Mapping[str, Any], client_id: str) -> bool:
    """Whether the client itself is named as the issuer, so that a certificate and no federated credential decides."""
    return claims.get("iss") == client_id


def verify(
    assertion: str,
    claims: Mapping[str, Any],
    credentials: Iterable[Mapping[str, Any]],
    *,
    audiences: Iterable[str],
    now: int,
) -> None:
    """Check subject, audience and signature against the application's key credentials.

    An assertion may come again while it lives: Entra keeps no list of those it has seen, and MSAL sends one until it
    expires. Raises `EntraError`: 700021 for another subject, 700023 for another audience, 700027 for an unknown or
    expired certificate or a signature that is not its.
    """
    if claims.get("sub") != claims.get("iss"):
        raise EntraError(700021)
    if claims.get("aud") not in tuple(audiences):
        raise EntraError(700023)
    header = jwt.get_unverified_header(assertion)
    registered = _registered(header, credentials)
    if registered is None:
        raise _bad("The key was not found.", header)
    credential, key = registered
    if datetime.fromisoformat(str(credential["endDateTime"])).timestamp() <= now:
        raise _bad("The key used is expired.", header)
    if header.get("alg") not in ALGORITHMS:
        raise _bad("The algorithm is not supported.", header)
    try:
        jwt.decode(assertion, key, algorithms=list(ALGORITHMS), options=SIGNATURE_ONLY)
    except jwt.PyJWTError:
        raise _bad("The provided signature value did not match the expected signature value.", header) from None


def _bad(reason: str, header: Mapping[str, Any]) -> EntraError:
    return EntraError(700027, reason=f"{reason}, Thumbprint of key used by client: '{_thumbprints(header)}'")


def _thumbprints(header: Mapping[str, Any]) -> str:
    """The certificate that a header names, as it names it."""
    return str(header.get("x5t#S256") or header.get("x5t") or "")


def _registered(
    header: Mapping[str, Any], credentials: Iterable[Mapping[str, Any]]
) -> tuple[Mapping[str, Any], RSAPublicKey] | None:
    """The credential whose certificate `x5t#S256` or `x5t` names, with its public key."""
    # MSAL for Python writes them with padding, RFC 7515 §4.1.7 without
    presented = {str(header.get(name)).rstrip("=") for name in ("x5t#S256", "x5t")}
    for credential in credentials:
        if not credential.get("key") or credential.get("type") != "AsymmetricX509Cert":
            continue
        certificate = certificate_of(credential["key"])
        key = certificate.public_key()
        # SHA-1 is what `x5t` is made of
        names = {_base64url(certificate.fingerprint(one)) for one in (hashes.SHA256(), hashes.SHA1())}  # noqa: S303
        if isinstance(key, RSAPublicKey) and presented & names:
            return credential, key
    return None


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
