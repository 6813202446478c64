"""Certificates of applications and service principals, as `keyCredentials` keeps them. Pure.

learn.microsoft.com/graph/api/resources/keycredential: the key is written and never answered, its id and times are
filled in from the certificate when they are left out.
"""

import base64
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from lakelatch_sandbox.graph.errors import GraphError, bad_request

_TYPES = frozenset({"AsymmetricX509Cert", "Symmetric", "X509CertAndPassword"})
_USAGES = frozenset({"Verify", "Sign"})


def kept_certificates(new: Sequence[Any], old: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Credentials as they are kept; one that comes back without its key, as it was read, keeps the key it had.

    Raises `GraphError` (400) for one that is no certificate, or that would outlive its certificate.
    """
    known = {one["keyId"]: one.get("key") for one in old}
    return [_kept(one, known) for one in new]


def _kept(credential: Any, known: Mapping[str, str | None]) -> dict[str, Any]:
    if not isinstance(credential, dict) or credential.get("type") not in _TYPES:
        raise _invalid()
    if credential.get("usage") not in _USAGES:
        raise _invalid()
    key_id = credential.get("keyId") or str(uuid.uuid4())
    key = credential.get("key") or known.get(key_id)
    kept = {
        "customKeyIdentifier": None,
        "displayName": None,
        "startDateTime": None,
        "endDateTime": None,
        **credential,
        "keyId": key_id,
        "key": key,
    }
    if key is None or credential["type"] != "AsymmetricX509Cert":
        return kept
    certificate = certificate_of(key)
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    kept["startDateTime"] = kept["startDateTime"] or _written(begin)
    kept["endDateTime"] = kept["endDateTime"] or _written(end)
    kept["customKeyIdentifier"] = kept["customKeyIdentifier"] or certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - the name that Graph gives a certificate
    kept["displayName"] = kept["displayName"] or certificate.subject.rfc4514_string()
    for name, code, wrong in (
        (
            "startDateTime",
            "KeyCredentialsInvalidStartDate",
            _read(kept["startDateTime"]) < begin.replace(microsecond=0),
        ),
        ("endDateTime", "KeyCredentialsInvalidEndDate", _read(kept["endDateTime"]) > end),
    ):
        if wrong:
            raise bad_request(f"Key credential {name} is outside the validity of its certificate.", code)
    return kept


def shown_certificates(kept: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Credentials as they are answered: without the key."""
    return [{**one, "key": None} for one in kept]


def _invalid() -> GraphError:
    return bad_request("Invalid value specified for property 'keyCredentials' of resource 'Application'.")


def certificate_of(key: object) -> x509.Certificate:
    """The certificate in a key: DER in base64; text that holds PEM in base64 is accepted as Graph does."""
    try:
        raw = base64.b64decode(str(key), validate=True)
        return x509.load_pem_x509_certificate(raw) if raw.startswith(b"-----") else x509.load_der_x509_certificate(raw)
    except ValueError:
        raise bad_request(
            "The key value of a key credential is no X.509 certificate.", "KeyCredentialsInvalidKey"
        ) from None


def _read(text: object) -> datetime:
    try:
        parsed = datetime.fromisoformat(str(text))
    except ValueError:
        raise bad_request(f"Cannot convert a value to target type 'Edm.DateTimeOffset': '{text}'.") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _written(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
