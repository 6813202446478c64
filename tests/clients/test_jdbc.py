"""The JDBC driver: one Java process asks everything, the tests judge what it printed."""

import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from support.client_caches import FETCH_SECONDS, jdbc_classes

pytestmark = pytest.mark.timeout(FETCH_SECONDS)

PASSWORD = "changeit"


@pytest.fixture(scope="module")
def found(world: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the client found."""
    home = tmp_path_factory.mktemp("home")
    address = urlsplit(world.gateway.url)
    settings = {
        "httpPath": world.http_path,
        "AuthMech": "11",
        "Auth_Flow": "0",
        "SSLTrustStore": str(_trust_store(world.ca_file, home)),
        "SSLTrustStorePwd": PASSWORD,
        "SSLTrustStoreType": "PKCS12",
        # the local CA says nothing about revoked certificates
        "AcceptUndeterminedRevocation": "1",
    }
    environment = world.environment(
        home,
        JDBC_URL=f"jdbc:databricks://{address.netloc};" + ";".join(f"{name}={settings[name]}" for name in settings),
        TOKEN=world.token("driver"),
        REFUSED_TOKEN=world.token("nothing"),
    )
    classes = jdbc_classes()
    # the driver reads results with Arrow, which needs this of Java 17
    options = ["--add-opens=java.base/java.nio=ALL-UNNAMED", "-cp", f"{classes}:{classes}/*"]
    ran = subprocess.run(
        ["java", *options, "Client"], cwd=home, env=environment, capture_output=True, text=True, timeout=200
    )
    lines = [line.removeprefix("FOUND ") for line in ran.stdout.splitlines() if line.startswith("FOUND ")]
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return {name: value for name, _, value in (line.partition(": ") for line in lines)}


def _trust_store(ca_file: str, folder: Path) -> Path:
    """Java's own format of what it trusts."""
    certificate = x509.load_pem_x509_certificate(Path(ca_file).read_bytes())
    entry = pkcs12.PKCS12Certificate(certificate, b"ca")
    store = folder / "trust.p12"
    store.write_bytes(pkcs12.serialize_java_truststore([entry], BestAvailableEncryption(PASSWORD.encode())))
    return store


@pytest.mark.parametrize(("name", "expected"), [("rows in order", "25000"), ("zips", "105"), ("columns", "6")])
def test_rows(found: dict[str, str], name: str, expected: str) -> None:
    """Rows come whole and in order; parameters are bound; metadata is there."""
    assert found[name] == expected


def test_who_it_is(world: Any, found: dict[str, str]) -> None:
    """Databricks sees the service principal."""
    assert found["me"] == world.applications["driver"]


@pytest.mark.parametrize(
    ("name", "reason"), [("failure", "TABLE_OR_VIEW_NOT_FOUND"), ("refusal", "thrift.query_warehouse")]
)
def test_errors(found: dict[str, str], name: str, reason: str) -> None:
    """The driver's own errors tell why."""
    assert reason in found[name]
