"""Client assertions that the application signs itself, with a certificate registered on it.

learn.microsoft.com/entra/identity-platform/certificate-credentials: `iss` and `sub` are the client id, `aud` is the
token endpoint or the tenant's issuer, and the header names the certificate by its thumbprint.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from lakelatch_sandbox.entra.errors import EntraError

ALGORITHMS = ("RS256", "PS256")


def is_own_assertion(claims: Mapping[str, Any], client_id: str) -> bool:
    """Whether the client itself is named as the issuer, so that a certificate and no federated credential decides."""
    return claims.get("iss") == client_id


def verify(
    assertion: str, claims: Mapping[str, Any], credentials: Iterable[Mapping[str, Any]], *, audiences: Iterable[str]
) -> None:
    """Check subject, audience and signature against the application's key credentials.

    Raises `EntraError`: 700021 for another subject, 700023 for another audience, 700027 for an unknown certificate or a
    signature that is not its.
    """
    if claims.get("sub") != claims.get("iss"):
        raise EntraError(700021)
    if claims.get("aud") not in tuple(audiences):
        raise EntraError(700023)
    header = jwt.get_unverified_header(assertion)
    key = _registered_key(header, credentials)
    if key is None or header.get("alg") not in ALGORITHMS:
        raise EntraError(700027, reason="The key was not found.")
    try:
        jwt.decode(
            assertion,
            key,
            algorithms=list(ALGORITHMS),
            options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
    except jwt.PyJWTError:
        raise EntraError(
            700027, reason="The provided signature value did not match the expected signature value."
        ) from None


def _registered_key(header: Mapping[str, Any], credentials: Iterable[Mapping[str, Any]]) -> RSAPublicKey | None:
    """The public key of the certificate that `x5t#S256` or `x5t` names."""
    # MSAL for Python writes them with padding, RFC 7515 §4.1.7 without
    presented = {str(header.get(name)).rstrip("=") for name in ("x5t#S256", "x5t")}
    for credential in credentials:
        encoded = credential.get("key")
        if not encoded:
            continue
        try:
            der = base64.b64decode(encoded, validate=True)
            key = x509.load_der_x509_certificate(der).public_key()
        except ValueError:
            continue
        names = {_base64url(hashlib.sha256(der).digest()), _base64url(hashlib.sha1(der).digest())}  # noqa: S324 - x5t
        if isinstance(key, RSAPublicKey) and presented & names:
            return key
    return None


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
