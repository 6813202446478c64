"""Signing keys of the doubles' token issuers: made once, kept in the store, published as a JSON Web Key Set."""

import base64
import hashlib
import json
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from jwt.types import Options

from lakelatch_sandbox.store import Store

KIND = "_keys"

Algorithm = Literal["RS256", "ES256", "ES384"]

_CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1()}
"""The curve that each algorithm means (RFC 7518 §3.4)."""

SIGNATURE_ONLY: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
"""For `jwt.decode`, where the claims are judged by the doubles: by the sandbox's clock, and with precise reasons."""


def thumbprint(jwk: dict[str, Any]) -> str:
    """The RFC 7638 thumbprint of a public key, used as its `kid`."""
    members = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}[jwk["kty"]]
    canonical = json.dumps({name: jwk[name] for name in members}, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()


class SigningKeys:
    """The keys of one issuer, newest last; the newest signs, all are published.

    `algorithm` is that of keys yet to be made; each key keeps the one that it was made for.
    """

    def __init__(self, store: Store, issuer_name: str, algorithm: Algorithm = "RS256") -> None:
        self._store = store
        self._name = issuer_name
        self._algorithm = algorithm
        self._signer: tuple[dict[str, Any], Any] | None = None
        self._verifiers: dict[str | None, jwt.PyJWK] = {}
        if not self._documents():
            self.rotate()

    def _documents(self) -> list[dict[str, Any]]:
        found = self._store.get(KIND, self._name)
        return [] if found is None else list(found["keys"])

    def rotate(self) -> str:
        """Make a new key that signs from now on; returns its `kid`. Older ones stay published."""
        key = (
            rsa.generate_private_key(public_exponent=65537, key_size=2048)
            if self._algorithm == "RS256"
            else ec.generate_private_key(_CURVES[self._algorithm])
        )
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        public: dict[str, Any] = (
            RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
            if isinstance(key, rsa.RSAPrivateKey)
            else ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        )
        public.pop("key_ops", None)
        public |= {"use": "sig", "alg": self._algorithm, "kid": thumbprint(public)}
        self._store.put(KIND, self._name, {"keys": [*self._documents(), {"pem": pem, "public": public}]})
        self._signer, self._verifiers = None, {}
        return str(public["kid"])

    def jwks(self) -> dict[str, Any]:
        """The public keys, as the issuer's `jwks_uri` answers (RFC 7517 §5)."""
        return {"keys": [document["public"] for document in self._documents()]}

    def sign(self, claims: dict[str, Any], *, headers: dict[str, Any] | None = None) -> str:
        """A compact JWT (RFC 7519) of these claims, signed with the newest key."""
        if self._signer is None:
            newest = self._documents()[-1]
            loaded: Any = serialization.load_pem_private_key(newest["pem"].encode(), None)
            self._signer = newest["public"], loaded
        public, key = self._signer
        return jwt.encode(claims, key, algorithm=public["alg"], headers={"kid": public["kid"], **(headers or {})})

    def verify(self, token: str, **options: Any) -> dict[str, Any]:
        """The claims of a token that one of these keys signed; raises `jwt.InvalidTokenError` otherwise.

        `options` are those of `jwt.decode` (`audience`, `issuer`, `options`).
        """
        if not self._verifiers:
            self._verifiers = {key["kid"]: jwt.PyJWK(key) for key in self.jwks()["keys"]}
        key = self._verifiers.get(jwt.get_unverified_header(token).get("kid"))
        if key is None:
            raise jwt.InvalidTokenError("the key id is not one of this issuer's")
        return jwt.decode(token, key.key, algorithms=[key.algorithm_name], **options)
