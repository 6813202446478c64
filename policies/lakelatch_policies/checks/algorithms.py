"""Algorithms: wherever keys and signatures are really chosen. Databricks verifies RS256 and ES256, and has no field."""

from typing import Final

from pulumi_policy import Severity

from lakelatch.access.algorithms import ACCEPTED
from lakelatch_policies.check import MANDATORY, Check
from lakelatch_policies.groups import Group
from lakelatch_policies.judges import sign_in_proxy, types
from lakelatch_policies.judges.algorithms import (
    WRONG,
    client_keys,
    cloud_kms_key,
    gateway_issuers,
    inline_keys,
    keycloak_client,
    kms_key,
    signing_key,
)
from lakelatch_policies.reading import one_of

TRANSIT_TYPES: Final = ("rsa-2048", "rsa-3072", "rsa-4096", "ecdsa-p256")

TRANSIT_OTHER: Final = ("aes128-gcm96", "aes256-gcm96", "chacha20-poly1305")
"""For encryption: what the type is when nothing is said."""


CHECKS: Final = (
    Check(
        "federation-signing-algorithm",
        "The inline keys of a federation policy are public RSA keys of 2048 bits or more, or P-256 keys.",
        MANDATORY,
        Severity.CRITICAL,
        "RFC 7518 §3.1; RFC 8725 §3.1, §3.2, §3.5",
        "Publish the public half of an ES256 (P-256) or RS256 (2048 bits or more) key in `jwks_json`, at most 5 keys, "
        "each with a `kid` of its own. If a private or symmetric key stood there, it has leaked: replace it.",
        types.each(types.POLICIES, inline_keys("oidcPolicy.jwksJson")),
    ),
    Check(
        "verifier-algorithms",
        "Whoever verifies tokens takes RS256 and ES256 only.",
        MANDATORY,
        Severity.CRITICAL,
        "RFC 8725 §3.1, §3.2",
        "List the algorithms, RS256 or ES256, and publish only such keys.",
        {
            types.GATEWAY_CONFIG: gateway_issuers,
            "vault:jwt/authBackend:AuthBackend": one_of("jwtSupportedAlgs", ACCEPTED, WRONG),
            **sign_in_proxy.each(sign_in_proxy.algorithms),
        },
    ),
    Check(
        "issuer-algorithm",
        "An identity provider signs its tokens with RS256 or ES256.",
        MANDATORY,
        Severity.HIGH,
        "Databricks, `oauth-federation-exchange` page; RFC 8725 §3.2",
        "Choose RS256 or ES256. With HS256, whoever can verify a token can make one.",
        {
            types.AUTH0_API: one_of("signingAlg", ACCEPTED, WRONG),
            types.AUTH0_CLIENT: one_of("jwtConfiguration.alg", ACCEPTED, WRONG),
            types.KEYCLOAK_REALM: one_of("defaultSignatureAlgorithm", ACCEPTED, WRONG),
            types.KEYCLOAK_CLIENT: keycloak_client,
            "vault:identity/oidcKey:OidcKey": one_of("algorithm", ACCEPTED, WRONG),
        },
    ),
    Check(
        "signing-key",
        "A key for signatures in a vault is RSA of 2048 bits or more, or P-256.",
        MANDATORY,
        Severity.HIGH,
        "RFC 7518 §3.3, §3.4; NIST SP 800-131A rev. 2 §3",
        "Make a P-256 key, or an RSA key of 2048 bits or more. A key that never signs says so in its operations.",
        {
            types.AZURE_KEY: signing_key("keyType", "keySize", "curve", "keyOpts"),
            types.AZURE_NATIVE_KEY: signing_key(
                "properties.kty", "properties.keySize", "properties.curveName", "properties.keyOps"
            ),
            types.AWS_KEY: kms_key("customerMasterKeySpec"),
            types.AWS_NATIVE_KEY: kms_key("keySpec"),
            "gcp:kms/cryptoKey:CryptoKey": cloud_kms_key,
            types.VAULT_KEY: one_of(
                "type", TRANSIT_TYPES + TRANSIT_OTHER, "signs with what Databricks does not verify"
            ),
        },
    ),
    Check(
        "client-keys",
        "The keys that an identity provider knows a client by are public, and RSA ones have 2048 bits or more.",
        MANDATORY,
        Severity.HIGH,
        "RFC 7523 §3; RFC 7518 §3.3; Okta, OAuth 2.0 clients, `jwks`",
        "Register the public half of a P-256 or RSA key of full size; better, no key, but federation.",
        {types.OKTA_CLIENT: client_keys},
    ),
    Check(
        "client-certificate-type",
        "A credential of an Entra application is an asymmetric certificate.",
        MANDATORY,
        Severity.HIGH,
        "RFC 7523 §3; Microsoft Graph, `keyCredential`",
        "Use `AsymmetricX509Cert`; better, a federated credential and nothing to keep.",
        types.each(
            types.ENTRA_CERTIFICATES, one_of("type", ("AsymmetricX509Cert",), "is a key that Entra holds as well")
        ),
    ),
)


GROUP: Final = Group(
    "algorithms",
    "Strong signatures",
    "Signatures that decide about access are RS256 or ES256, with keys of full size.",
    "Choose RS256 with 2048 bits or more, or ES256, wherever keys and algorithms are set.",
    CHECKS,
)
