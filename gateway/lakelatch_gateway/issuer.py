"""The gateway as an issuer: its signing key, its public documents, and the short tokens it mints for Databricks.

The service principals' federation policies trust this issuer and no other, so a service cannot walk round the gateway
by exchanging its own token. The key can stand for every service: it is the crown jewel.
"""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lakelatch.envoy.config import GatewayIssuer
from lakelatch_gateway import files
from lakelatch_gateway.errors import GatewayError

ALGORITHM: Final = "ES256"
"""Databricks takes RS256 and ES256; signing with ES256 takes 53 µs, with RS256 744 µs."""


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def public_jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """The public half as a JWK, its `kid` the thumbprint of RFC 7638 §3."""
    numbers = key.public_numbers()
    required = {
        "crv": "P-256",
        "kty": "EC",
        # RFC 7518 §6.2.1.2: full size, 32 octets for P-256.
        "x": _base64url(numbers.x.to_bytes(32, "big")),
        "y": _base64url(numbers.y.to_bytes(32, "big")),
    }
    canonical = json.dumps(required, sort_keys=True, separators=(",", ":")).encode()
    return {**required, "alg": ALGORITHM, "use": "sig", "kid": _base64url(hashlib.sha256(canonical).digest())}


@dataclass(frozen=True)
class Issuer:
    """Mints tokens with one key and publishes its public half."""

    config: GatewayIssuer
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def jwk(self) -> dict[str, str]:
        """The one public key."""
        return public_jwk(self.key.public_key())

    def jwks(self) -> dict[str, Any]:
        """The key set (RFC 7517 §5)."""
        return {"keys": [self.jwk]}

    def discovery(self) -> dict[str, Any]:
        """The discovery document (OpenID Connect Discovery 1.0 §3) as far as a verifier of tokens reads it."""
        return {
            "issuer": self.config.url,
            "jwks_uri": f"{self.config.url.rstrip('/')}/.well-known/jwks.json",
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "response_types_supported": ["none"],
            "subject_types_supported": ["public"],
        }

    def mint(self, service: str, *, now: float, token_id: str) -> str:
        """Mint a token whose subject is the service; `now` in seconds since the epoch, `token_id` unique (`jti`)."""
        issued = int(now)
        claims = {
            "iss": self.config.url,
            "sub": service,
            "aud": self.config.audience,
            "iat": issued,
            "nbf": issued,
            "exp": issued + self.config.token_lifetime_seconds,
            "jti": token_id,
        }
        return jwt.encode(claims, self.key, ALGORITHM, {"kid": self.jwk["kid"]})


def open_issuer(config: GatewayIssuer) -> Issuer:
    """The issuer with the key in its file, which is made at the first start.

    Raises:
        GatewayError: the file cannot be read or written, others may read it, or it holds no P-256 key.

    """
    path = Path(config.key.path)
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.create(path, _new_key())
        mode = path.stat().st_mode & 0o777
        content = path.read_bytes()
    except OSError as error:
        raise GatewayError(f"signing key `{path}` cannot be read or made: {error.strerror}") from None
    if mode & 0o077:
        raise GatewayError(
            f"signing key `{path}` has mode {mode:04o}, so others may read it",
            hint="take it as lost: remove it, let the gateway make another, and run `pulumi up`",
        )
    try:
        key = serialization.load_pem_private_key(content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise GatewayError(f"signing key `{path}` is no PEM file of an unencrypted private key") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise GatewayError(f"signing key `{path}` is no P-256 key, the one kind that {ALGORITHM} signs with")
    return Issuer(config, key)


def _new_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
