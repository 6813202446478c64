"""Keys and calls that the policy tests share."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from pulumi_policy import PolicyCustomTimeouts, PolicyResourceOptions, ResourceValidationArgs, ResourceValidationPolicy
from pulumi_policy.deserialize import deserialize_properties
from pulumi_policy.proxy import unknown_checking_proxy

Jwk = dict[str, Any]
Validate = Callable[[ResourceValidationPolicy, str, dict[str, Any]], list[str]]


@pytest.fixture(scope="session")
def p256() -> Jwk:
    """The public half of a fresh P-256 key."""
    return _public(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key()), "ES256")


@pytest.fixture(scope="session")
def rsa2048() -> Jwk:
    """The public half of a fresh RSA key of 2048 bits."""
    return _public(RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048).public_key()), "RS256")


def _public(text: str, alg: str) -> Jwk:
    jwk: Jwk = json.loads(text)
    jwk.pop("key_ops", None)
    return jwk | {"alg": alg, "use": "sig", "kid": f"test-{alg}"}


@pytest.fixture
def validate() -> Validate:
    """Calls a policy as the SDK does for a resource in a preview: wire format, secrets unwrapped, unknowns guarded."""

    def call(policy: ResourceValidationPolicy, resource_type: str, properties: dict[str, Any]) -> list[str]:
        reported: list[str] = []
        options = PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])
        arguments = ResourceValidationArgs(
            resource_type,
            unknown_checking_proxy(deserialize_properties(properties)),
            f"urn:pulumi:local::lakelatch::{resource_type}::policy",
            "policy",
            options,
            None,
        )
        policy.validate(arguments, lambda message, urn: reported.append(message))
        return reported

    return call
