"""Proves that the gateway tells whether it is alive and ready, to everybody and without noise in the audit log."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from lakelatch_gateway.health import problems

WELL: Any = {"in_force": True, "keys": {"entra": [{"kid": "1"}]}, "switches_read": True, "audit_file": None}
REASONS = [
    pytest.param({}, [], id="well"),
    pytest.param({"in_force": False}, ["not in force yet"], id="no configuration"),
    pytest.param({"keys": {"entra": [], "pods": [{}]}}, ["keys of 1 of 2 issuers"], id="issuer without keys"),
    pytest.param({"switches_read": False}, ["switched cannot be read"], id="switches"),
    pytest.param({"audit_file": "/nonexistent/audit"}, ["audit log cannot be written"], id="audit"),
    pytest.param({"in_force": False, "keys": {"a": []}}, ["in force yet", "keys of 1 of 1"], id="all at once"),
]


@pytest.mark.parametrize(("change", "reasons"), REASONS)
def test_reasons(change: Any, reasons: list[str]) -> None:
    found = problems(**WELL | change)
    assert len(found) == len(reasons)
    assert all(part in reason for part, reason in zip(reasons, found, strict=True))


def test_probes_are_answered_without_a_token_and_good_news_is_not_written_down(
    start: Any, configure: Any, home: Path, eventually: Any
) -> None:
    gateway = start(configure())
    for path, body in (("/healthz", {"alive": True}), ("/readyz", {"ready": True})):
        answer = gateway.get(path)
        assert (answer.status_code, answer.json()) == (200, body)
        assert answer.headers["cache-control"] == "no-store"
        assert httpx.post(gateway.url + path).status_code == 401
    (home / "state" / "switches.json").write_text("{")
    answer = eventually(lambda: (found := gateway.get("/readyz")).status_code == 503 and found)
    assert answer.json()["ready"] is False
    assert "switched cannot be read" in json.dumps(answer.json()["reasons"])
    lines = eventually(lambda: [line for line in gateway.audit if line["path"] == "/readyz" and line["status"] == 503])
    assert (lines[0]["decision"], lines[0]["rule"]) == ("allow", "public-endpoint")
    assert {(line["method"], line["status"]) for line in gateway.audit if line["path"] == "/healthz"} == {("POST", 401)}


def test_gateway_without_an_issuers_keys_is_alive_and_not_ready(start: Any, configure: Any, pki: Any) -> None:
    config = configure()
    issuers = {name: one.model_dump() for name, one in config.issuers.items()}
    issuers["dark"] = {"issuer": "https://127.0.0.1:1/", "audience": "a", "ca_file": str(pki.ca_file)}
    gateway = start(configure(issuers=issuers))
    assert gateway.get("/healthz").status_code == 200
    answer = gateway.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["the keys of 1 of 2 issuers were never had"]
    assert "127.0.0.1" not in answer.text
