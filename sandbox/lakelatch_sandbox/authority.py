"""The local certificate authority: one CA per state directory, and server certificates for loopback.

Profiles follow RFC 5280 §4.2 as the strictest verifiers read it (Python 3.13 with `VERIFY_X509_STRICT`, Go,
BoringSSL): critical basic constraints and key usage, subject and authority key identifiers, names in the
subjectAltName only, ECDSA P-256 keys.
"""

import datetime
import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lakelatch_sandbox.files import write_public, write_secret

CA_LIFETIME = datetime.timedelta(days=3650)
SERVER_LIFETIME = datetime.timedelta(days=397)
"""The CA/Browser Forum's old bound, which Apple's verifier also holds against private CAs."""
RENEW_BEFORE = datetime.timedelta(days=30)
BACKDATE = datetime.timedelta(hours=1)
"""Clocks of containers and hosts differ a little."""

DNS_NAMES = ("localhost",)
ADDRESSES = ("127.0.0.1",)


@dataclass(frozen=True)
class Certificate:
    """A certificate with its private key, both PEM."""

    certificate: bytes
    private_key: bytes


def public_roots(environment: Mapping[str, str]) -> Path:
    """PEM file of the authorities that this machine trusts: as OpenSSL finds it, else certifi's.

    A company's own authorities are in the former only, and its package index may need them.
    """
    found = environment.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    return Path(found) if found and Path(found).is_file() else Path(certifi.where())


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def make_ca(now: datetime.datetime) -> Certificate:
    """A new CA. Its name carries part of its key identifier, so that two sandboxes' CAs are never mistaken."""
    key = ec.generate_private_key(ec.SECP256R1())
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Lakelatch sandbox CA {key_id.digest.hex()[:8]}")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(key_id, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Certificate(certificate.public_bytes(serialization.Encoding.PEM), _pem(key))


def issue(ca: Certificate, now: datetime.datetime) -> Certificate:
    """A server certificate for localhost and 127.0.0.1, signed by the CA."""
    authority = x509.load_pem_x509_certificate(ca.certificate)
    authority_key = serialization.load_pem_private_key(ca.private_key, None)
    if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
        raise TypeError("the CA's key is no elliptic curve key")
    authority_key_id = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in DNS_NAMES]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in ADDRESSES]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DNS_NAMES[0])]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + SERVER_LIFETIME)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority_key_id), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    return Certificate(certificate.public_bytes(serialization.Encoding.PEM), _pem(key))


class Authority:
    """The CA of a state directory and the files that it keeps there."""

    def __init__(self, directory: Path) -> None:
        self.ca_file = directory / "ca.pem"
        self.ca_key_file = directory / "ca-key.pem"
        self.bundle_file = directory / "ca-bundle.pem"
        self.certificate_file = directory / "server.pem"
        self.private_key_file = directory / "server-key.pem"

    def ensure(self, now: datetime.datetime, environment: Mapping[str, str]) -> None:
        """Make what is missing, renew the server certificate before it ends, and write the bundle anew."""
        if not (self.ca_file.exists() and self.ca_key_file.exists()):
            made = make_ca(now)
            write_secret(self.ca_key_file, made.private_key)
            write_public(self.ca_file, made.certificate)
            self.certificate_file.unlink(missing_ok=True)
        if not self._server_certificate_is_good(now):
            self.write_certificate(self.certificate_file, self.private_key_file, now)
        roots = public_roots(environment)
        if roots != self.bundle_file:  # as in a shell that works on this sandbox already
            write_public(self.bundle_file, roots.read_bytes() + b"\n" + self.ca_file.read_bytes())

    def write_certificate(self, certificate_file: Path, private_key_file: Path, now: datetime.datetime) -> None:
        """Issue a new server certificate into these files, the key with mode 0600."""
        made = issue(Certificate(self.ca_file.read_bytes(), self.ca_key_file.read_bytes()), now)
        write_secret(private_key_file, made.private_key)
        write_public(certificate_file, made.certificate)

    def _server_certificate_is_good(self, now: datetime.datetime) -> bool:
        if not (self.certificate_file.exists() and self.private_key_file.exists()):
            return False
        certificate = x509.load_pem_x509_certificate(self.certificate_file.read_bytes())
        return now + RENEW_BEFORE < certificate.not_valid_after_utc
