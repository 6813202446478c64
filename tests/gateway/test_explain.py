"""Proves that `lakelatch gateway explain` tells what a delivered configuration decides."""

import json
from pathlib import Path

import pytest
import yaml
from support.wide import WIDE, text

from lakelatch.access.model import AccessModel
from lakelatch.cli import run
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.resolve import gateway_config


def deliver(folder: Path) -> None:
    """A configuration for services and analysts, with a rule about where they call from."""
    data = yaml.safe_load(WIDE)
    data["rules"] = {"inside": {"networks": ["10.0.0.0/8"]}}
    del data["people"]["analysts"]["assurance"]
    model = AccessModel.read(text(data))
    assert model.gateway is not None
    identities = {name: {"subject": f"id-{name}", "application_id": "1"} for name in model.gateway_services()}
    made = gateway_config(model, model.gateway, audience="a", identities=identities)  # type: ignore[arg-type]
    (folder / "current").mkdir()
    (folder / "current" / "gateway.json").write_text(GatewayConfig.parse(made).file(), encoding="utf-8")


@pytest.mark.parametrize(
    ("action", "attributes", "verdict", "rule"),
    [
        ("current_user.me", ["client.address=10.1.1.1"], "allowed", "role:reader"),
        ("current_user.me", ["client.address=192.0.2.1"], "denied", "rule:inside"),
        ("current_user.me", [], "not known", "rule:inside"),
        ("jobs.list", [], "denied", "default-deny"),
    ],
)
def test_explain(
    action: str, attributes: list[str], verdict: str, rule: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(tmp_path)
    told = [part for one in attributes for part in ("--attr", one)]
    arguments = ["--service", "nightly-report", "--action", action, *told, "--json"]
    code = run(["gateway", "explain", "--config-dir", str(tmp_path), *arguments])
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["rule"]) == (verdict, rule)
    assert code == (0 if verdict == "allowed" else 1)


GROUP = "b6f1a2c3-d4e5-4f60-8172-93a4b5c6d7e8"


@pytest.mark.parametrize(
    ("group", "action", "verdict", "rule", "change"),
    [
        (GROUP, "current_user.me", "not known", "rule:inside", "tell `client.address`"),
        (GROUP, "jobs.list", "denied", "default-deny", "add 'jobs.list' to their role 'reader'"),
        ("analysts", "current_user.me", "denied", "no-group", f"membership in the group '{GROUP}'"),
    ],
)
def test_explain_a_person(
    group: str, action: str, verdict: str, rule: str, change: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(tmp_path)
    asked = ["--group", group, "--issuer", "entra", "--action", action, "--json"]
    assert run(["gateway", "explain", "--config-dir", str(tmp_path), *asked]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["rule"]) == (verdict, rule)
    assert any(change in one for one in found["changes"])
