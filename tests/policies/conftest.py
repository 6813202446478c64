"""Keys that the policy tests share."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

Jwk = dict[str, Any]


@pytest.fixture(scope="session")
def p256() -> Jwk:
    """The public half of a fresh P-256 key."""
    jwk: Jwk = json.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key()))
    jwk.pop("key_ops", None)
    return jwk | {"alg": "ES256", "use": "sig", "kid": "test-ES256"}
