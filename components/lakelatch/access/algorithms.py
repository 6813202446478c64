"""Signature algorithms for JSON Web Tokens: what each is, and whether it may be used here.

One table, read by the model, the Envoy compiler, the broker and the policies, so that they cannot disagree.
Never take the allowed algorithms from a token, and never mix symmetric and asymmetric ones for one key:
RFC 8725 §3.1, §2.1.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final, NamedTuple


class Algorithm(NamedTuple):
    """One row of the `alg` registry (RFC 7518 §3.1, RFC 8037) as far as it matters here."""

    name: str
    key_type: str | None
    """The `kty` that a key for it has; None for `none`, which has no key."""
    curve: str | None
    source: str
    accepted: bool = False
    """Databricks verifies tokens signed with it, so a token or a key with it may exist."""
    reason: str = ""
    """Why it is refused; empty for an accepted one."""


_NOT_DATABRICKS: Final = "Databricks verifies RS256 and ES256 only"
_SYMMETRIC: Final = "whoever can verify it can also sign it"

ALGORITHMS: Final[Mapping[str, Algorithm]] = {
    row.name: row
    for row in (
        Algorithm("RS256", "RSA", None, "RFC 7518 §3.3", accepted=True),
        Algorithm("ES256", "EC", "P-256", "RFC 7518 §3.4", accepted=True),
        Algorithm("RS384", "RSA", None, "RFC 7518 §3.3", reason=_NOT_DATABRICKS),
        Algorithm("RS512", "RSA", None, "RFC 7518 §3.3", reason=_NOT_DATABRICKS),
        Algorithm("PS256", "RSA", None, "RFC 7518 §3.5", reason=_NOT_DATABRICKS),
        Algorithm("PS384", "RSA", None, "RFC 7518 §3.5", reason=_NOT_DATABRICKS),
        Algorithm("PS512", "RSA", None, "RFC 7518 §3.5", reason=_NOT_DATABRICKS),
        Algorithm("ES384", "EC", "P-384", "RFC 7518 §3.4", reason=_NOT_DATABRICKS),
        Algorithm("ES512", "EC", "P-521", "RFC 7518 §3.4", reason=_NOT_DATABRICKS),
        Algorithm("ES256K", "EC", "secp256k1", "RFC 8812 §3.2", reason=_NOT_DATABRICKS),
        Algorithm("EdDSA", "OKP", None, "RFC 8037 §3.1", reason=_NOT_DATABRICKS),
        Algorithm("HS256", "oct", None, "RFC 7518 §3.2", reason=_SYMMETRIC),
        Algorithm("HS384", "oct", None, "RFC 7518 §3.2", reason=_SYMMETRIC),
        Algorithm("HS512", "oct", None, "RFC 7518 §3.2", reason=_SYMMETRIC),
        Algorithm("none", None, None, "RFC 7518 §3.6", reason="it is no signature at all"),
    )
}

ACCEPTED: Final[tuple[str, ...]] = tuple(row.name for row in ALGORITHMS.values() if row.accepted)
"""The algorithms a token may be signed with, Databricks, `oauth-federation-policy` page."""

RSA_MINIMUM_BITS: Final = 2048
"""NIST SP 800-131A rev. 2 §3; RFC 7518 §3.3 asks for the same."""

_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""JWK members that hold secret material: RFC 7518 §6.2.2, §6.3.2, §6.4.1."""


def weakness(jwk: Mapping[str, Any]) -> str | None:
    """Say why a public key (a JWK, RFC 7517) must not verify tokens, or None when it may.

    The text names kinds and sizes, never a key's members. A key without `alg` is judged by its type and
    size: Databricks then takes RS256 or ES256 from the type.
    """
    alg, kty = jwk.get("alg"), jwk.get("kty")
    if _PRIVATE_MEMBERS & jwk.keys() or kty == "oct":
        return "it holds secret key material; publish the public half of an RSA or P-256 key"
    if alg is not None:
        row = ALGORITHMS.get(alg) if isinstance(alg, str) else None
        if row is None:
            return "its alg is not a registered signature algorithm; use RS256 or ES256"
        if not row.accepted:
            return f"its alg is {row.name}: {row.reason}; use RS256 or ES256"
        if kty != row.key_type:
            return f"its alg {row.name} needs a key of type {row.key_type}"
    if jwk.get("use") not in (None, "sig"):
        return "its use is not sig; a key for encryption must not verify tokens"
    if kty == "RSA":
        bits = _rsa_bits(jwk.get("n"))
        if bits is None:
            return "its modulus (n) is not base64url"
        return None if bits >= RSA_MINIMUM_BITS else f"it is an RSA key of {bits} bits; use {RSA_MINIMUM_BITS} or more"
    if kty == "EC":
        return None if jwk.get("crv") == "P-256" else "its curve is not P-256, the one curve of ES256"
    return "its key type is neither RSA nor EC"


def _rsa_bits(modulus: object) -> int | None:
    """Bit length of a base64url modulus; None when it is not one."""
    if not isinstance(modulus, str) or not modulus:
        return None
    try:
        raw = base64.b64decode(modulus + "=" * (-len(modulus) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return int.from_bytes(raw, "big").bit_length()
