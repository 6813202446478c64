"""The rule examples on live Envoy: each expectation of their files is sent as a request, and decided as it says."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.pages import ROOT

from lakelatch.access.actions import ACTIONS
from lakelatch.access.attributes import MEMBERS
from lakelatch.access.expectations import Expectation, Expectations
from lakelatch.access.model import AccessModel
from lakelatch.access.trusts import gateway_audience
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.resolve import gateway_config

EXAMPLES = [
    ROOT / "examples" / "rules" / name
    for name in ("production-only", "staging-queries", "two-warehouses", "read-only-analysts")
]
"""All but those that depend on the time of day, which Envoy takes from its own clock."""


def sent(one: Expectation) -> tuple[str, str, bytes]:
    """Method, path and body of a request that an expectation speaks of."""
    told = dict(one.attributes)
    method, path = next(iter(ACTIONS[one.action].requests))
    for name in [name for name in told if name.startswith("path.")]:
        path = path.replace(f"{{{name.removeprefix('path.')}}}", str(told.pop(name)))
    while "{" in path:
        path = f"{path.partition('{')[0]}x{path.partition('}')[2]}"
    names = {f"body.{name}": member.json_name for name, member in MEMBERS.get(one.action, {}).items()}
    body = {names[name]: value for name, value in told.items()}
    return method, path, json.dumps(body).encode() if method != "GET" else b""


@pytest.mark.parametrize("folder", EXAMPLES, ids=[folder.name for folder in EXAMPLES])
def test_envoy_decides_as_the_example_says(
    folder: Path, make_envoy: Any, cluster: Any, workspace: Any, pki: Any
) -> None:
    overlay: dict[str, Any] = {
        "workspaces": {"analytics": {"host": workspace.url}},
        "issuers": {"cluster": {"url": cluster.url}},
        "gateway": {"ca_file": str(pki.ca_file), "address": "127.0.0.1"},
    }
    model = AccessModel.read((folder / "access.yaml").read_text(encoding="utf-8"), overlay=overlay)
    assert model.gateway is not None
    audience = gateway_audience(model, model.issuers["cluster"])
    identities: Any = {name: {"subject": "-", "application_id": f"app-{name}"} for name in model.services}
    config = GatewayConfig.parse(gateway_config(model, model.gateway, audience=audience, identities=identities))
    live = make_envoy()
    live.apply(config)
    live.start()
    wanted = Expectations.read((folder / "expectations.yaml").read_text(encoding="utf-8"), str(folder))
    for one in wanted.expectations:
        assert one.service, "the examples are about services"
        token = cluster.token(config.services[one.service].subject, aud=audience)
        method, path, body = sent(one)
        headers = {"content-type": "application/json"} if body else {}
        response = live.request(method, path, token, content=body or None, headers=headers)
        assert response.status_code == (200 if one.expect == "allow" else 403), (one, response.text)
        if one.rule and one.rule.startswith("rule:"):
            assert f"'{one.rule.removeprefix('rule:')}'" in response.json()["message"]
