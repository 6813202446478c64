"""Algorithms: wherever keys and signatures are really chosen. Databricks verifies RS256 and ES256, and has no field."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from lakelatch.access.algorithms import ACCEPTED, RSA_MINIMUM_BITS
from lakelatch_policies.check import MANDATORY, Check, Finding, Judge, Resource, Settings
from lakelatch_policies.checks import types
from lakelatch_policies.groups import Group
from lakelatch_policies.reading import at, items, one_of

WRONG: Final = "is neither RS256 nor ES256, the only ones that Databricks verifies"
P256: Final = ("P-256", "P256")
RSA_BITS: Final = f"is below {RSA_MINIMUM_BITS} bits"
CURVE: Final = "is not P-256, the one curve of ES256"


def inline_keys(path: str) -> Judge:
    """Every key of a JSON Web Key Set in a text."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        from lakelatch.access.key_sets import weaknesses  # loaded where it is needed

        text = at(resource.props, path)
        for position, reason in weaknesses(None if text is None else str(text)):
            yield f"{path}{position}", reason

    return judge


def gateway_issuers(resource: Resource, _: Settings) -> Iterator[Finding]:
    """What our gateway verifies: each issuer's algorithms and inline keys."""
    for name in at(resource.props, "config.issuers") or ():
        place = f"config.issuers.{name}"
        yield from one_of(f"{place}.algorithms", ACCEPTED, WRONG)(resource, _)
        yield from inline_keys(f"{place}.jwks_json")(resource, _)


def signing_key(kind: str, size: str, curve: str, operations: str) -> Judge:
    """A key of Azure Key Vault that can sign: RSA of full size, or P-256."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        key_type = str(at(resource.props, kind) or "")
        uses = [str(use).lower() for use in items(at(resource.props, operations))]
        if uses and "sign" not in uses:
            return
        if key_type.lower().startswith("oct"):
            yield kind, "is symmetric: whoever can verify can also sign"
        if key_type.startswith("RSA") and float(at(resource.props, size) or RSA_MINIMUM_BITS) < RSA_MINIMUM_BITS:
            yield size, RSA_BITS
        if key_type.startswith("EC") and (at(resource.props, curve) or "P-256") not in P256:
            yield curve, CURVE

    return judge


def kms_key(spec: str) -> Judge:
    """An AWS key for signatures; one for encryption is none of our business."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        use = at(resource.props, "keyUsage")
        if use == "GENERATE_VERIFY_MAC":
            yield "keyUsage", "is symmetric: whoever can verify can also sign"
        elif use == "SIGN_VERIFY":
            yield from one_of(
                spec,
                ("RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256"),
                "is neither RSA nor P-256, so Databricks verifies none of its signatures",
            )(resource, _)

    return judge


def cloud_kms_key(resource: Resource, _: Settings) -> Iterator[Finding]:
    """A Google Cloud key for signatures: PKCS#1 1.5 with SHA-256 is RS256, P-256 with SHA-256 is ES256."""
    if at(resource.props, "purpose") == "ASYMMETRIC_SIGN":
        right = {f"RSA_SIGN_PKCS1_{bits}_SHA256" for bits in (2048, 3072, 4096)} | {"EC_SIGN_P256_SHA256"}
        yield from one_of("versionTemplate.algorithm", right, WRONG, "is not set")(resource, _)


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
            types.AUTH0_CLIENT: one_of("jwtConfiguration.alg", ACCEPTED, WRONG, "is not set, which is HS256"),
            types.KEYCLOAK_REALM: one_of("defaultSignatureAlgorithm", ACCEPTED, WRONG),
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
