"""Algorithms: wherever keys and signatures are really chosen. Databricks verifies RS256 and ES256, and has no field."""

from collections.abc import Iterator
from typing import Final

from lakelatch.access.algorithms import ACCEPTED, RSA_MINIMUM_BITS, weakness
from lakelatch_policies.check import Finding, Judge, Resource, Settings
from lakelatch_policies.reading import at, items, one_of

WRONG: Final = "is neither RS256 nor ES256, the only ones that Databricks verifies"

P256: Final = ("P-256", "P256")

KEYCLOAK_ALGORITHM: Final = "access.token.signed.response.alg"

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


def client_keys(resource: Resource, _: Settings) -> Iterator[Finding]:
    """Keys of a client in Okta, which has no field for the curve and takes the strong ones only."""
    for index, key in enumerate(items(at(resource.props, "jwks"))):
        members = {name: at(key, name) for name in key}
        if reason := weakness({**members, "crv": "P-256"}):
            yield f"jwks.{index}", reason


def keycloak_client(resource: Resource, _: Settings) -> Iterator[Finding]:
    """A client of Keycloak may have access tokens of its own algorithm, by an attribute whose name has dots."""
    extra = at(resource.props, "extraConfig")
    if extra is not None and extra.get(KEYCLOAK_ALGORITHM) not in (None, "", *ACCEPTED):
        yield "extraConfig", WRONG
