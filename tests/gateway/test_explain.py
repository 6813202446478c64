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
    data = yaml.safe_load(WIDE)
    data["rules"] = {"inside": {"networks": ["10.0.0.0/8"]}}
    model = AccessModel.read(text(data))
    assert model.gateway is not None
    identities = {name: {"subject": f"id-{name}", "application_id": "1"} for name in model.gateway_services()}
    made = gateway_config(model, model.gateway, audience="a", identities=identities)  # type: ignore[arg-type]
    (tmp_path / "current").mkdir()
    (tmp_path / "current" / "gateway.json").write_text(GatewayConfig.parse(made).file(), encoding="utf-8")
    told = [part for one in attributes for part in ("--attr", one)]
    arguments = ["--service", "nightly-report", "--action", action, *told, "--json"]
    code = run(["gateway", "explain", "--config-dir", str(tmp_path), *arguments])
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["rule"]) == (verdict, rule)
    assert code == (0 if verdict == "allowed" else 1)
