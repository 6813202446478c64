"""Proves that the bundle adds the local CA to what the machine trusts, and takes nothing of it away."""

import datetime
from pathlib import Path

import certifi
import pytest

from lakelatch_sandbox.authority import Authority, public_roots

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def authority(state: Path) -> Authority:
    state.mkdir()
    return Authority(state)


def test_the_machines_own_authorities_stay(tmp_path: Path) -> None:
    """A company's CA stands in the file that SSL_CERT_FILE names, and nowhere in certifi's."""
    company = tmp_path / "company.pem"
    company.write_text("the company's authorities\n")
    made = authority(tmp_path / "state")
    made.ensure(NOW, {"SSL_CERT_FILE": str(company)})
    bundle = made.bundle_file.read_text()
    assert bundle.startswith("the company's authorities\n")
    assert bundle.endswith(made.ca_file.read_text())


def test_in_a_shell_of_this_sandbox_the_bundle_stays_as_it_is(tmp_path: Path) -> None:
    made = authority(tmp_path / "state")
    made.ensure(NOW, {})
    before = made.bundle_file.read_bytes()
    made.ensure(NOW, {"SSL_CERT_FILE": str(made.bundle_file)})
    assert made.bundle_file.read_bytes() == before


@pytest.mark.parametrize("named", ["", "/does/not/exist"], ids=["empty", "no such file"])
def test_a_name_that_leads_nowhere_is_passed_over(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl.get_default_verify_paths", lambda: type("Paths", (), {"cafile": None}))
    assert public_roots({"SSL_CERT_FILE": named}) == Path(certifi.where())
