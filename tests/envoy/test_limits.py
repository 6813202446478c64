"""Live Envoy refuses a service that calls too often, tells it so, and lets everybody else be."""

from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from lakelatch.access.limits import Limits
from lakelatch.access.model import AccessModel
from lakelatch.envoy import limits
from lakelatch.envoy.compiler import compile_gateway, text
from lakelatch.envoy.resolve import gateway_config
from lakelatch.envoy.runtime import Files, Runtime

SHIPPED = (Path(__file__).parents[2] / "stacks" / "access.yaml").read_text(encoding="utf-8")
ME = "/api/2.0/preview/scim/v2/Me"
WAREHOUSES = "/api/2.0/sql/warehouses"
BUCKETS = [
    pytest.param({"requests_per_second": 10}, (10, 10, "1.000000000s"), 1, id="whole"),
    pytest.param({"requests_per_second": 0.25}, (1, 1, "4.000000000s"), 4, id="less than one"),
    pytest.param({"requests_per_second": 2.5, "burst": 40.0}, (40, 2, "0.800000000s"), 1, id="own burst"),
]


@pytest.mark.parametrize(("data", "bucket", "wait"), BUCKETS)
def test_bucket(data: Any, bucket: Any, wait: int) -> None:
    made = limits.of_service(Limits.model_validate(data))[limits.FILTER_NAME]
    assert tuple(made["token_bucket"].values()) == bucket
    assert made["response_headers_to_add"][0]["header"]["value"] == str(wait)


@pytest.mark.parametrize(
    ("gateway", "service", "expected"),
    [
        pytest.param(None, None, None, id="none"),
        pytest.param({"requests_per_second": 5}, None, {"requests_per_second": 5.0, "burst": None}, id="the gateway's"),
        pytest.param(
            {"requests_per_second": 5},
            {"requests_per_second": 1, "burst": 2},
            {"requests_per_second": 1.0, "burst": 2},
            id="its own",
        ),
    ],
)
def test_limits_of_the_model_reach_the_configuration(gateway: Any, service: Any, expected: Any) -> None:
    data = yaml.safe_load(SHIPPED)
    data["gateway"]["limits"], data["services"]["nightly-report"]["limits"] = gateway, service
    model = AccessModel.read(yaml.safe_dump(data))
    assert model.gateway is not None
    identities: Any = {"nightly-report": {"subject": "s", "application_id": "a"}}
    made = gateway_config(model, model.gateway, audience="a", identities=identities)
    assert made["services"]["nightly-report"].get("limits") == expected


def limited(configure: Any, **services: Any) -> Any:
    """The usual services, some of them with limits."""
    rows = {name: one.model_dump(mode="json") for name, one in configure().services.items()}
    for name, limits_ in services.items():
        rows[name]["limits"] = limits_
    return configure(services=rows)


def test_listener_is_the_same_and_nobody_pays_while_nobody_is_limited(configure: Any) -> None:
    runtime = Runtime(files=Files(PurePosixPath("/run")), system_ca_file="/ca.pem")
    without = compile_gateway(configure(), runtime)
    having = compile_gateway(limited(configure, nightly={"requests_per_second": 1}), runtime)
    assert without.listener == having.listener
    assert limits.FILTER_NAME not in text(without.routes)
    assert limits.FILTER_NAME in text(having.routes)


def test_burst_goes_through_and_what_is_more_is_told_to_wait(
    make_envoy: Any, configure: Any, entra: Any, cluster: Any, workspace: Any
) -> None:
    live = make_envoy()
    live.apply(limited(configure, nightly={"requests_per_second": 0.001, "burst": 3}))
    live.start()
    token = entra.token("Nightly-1")
    assert [live.request("POST", ME, token).status_code for _ in range(5)] == [403] * 5
    assert [live.request("GET", ME, token).status_code for _ in range(3)] == [200] * 3
    sent = len(workspace.requests)
    refused = live.request("GET", WAREHOUSES, token)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1000"
    body = refused.json()
    assert body["error_code"] == "REQUEST_LIMIT_EXCEEDED"
    assert "'nightly'" in body["message"]
    assert len(workspace.requests) == sent
    line = live.audit_line(refused, WAREHOUSES)
    told = {"decision": "deny", "rule": "rate-limit", "service": "nightly", "action": "warehouses.list", "status": 429}
    assert {name: line[name] for name in told} == told
    assert [one["path"] for one in live.audit_lines() if one["request_id"] == body["request_id"]] == [WAREHOUSES]
    assert not [name for name in refused.headers if name.startswith("x-envoy")]
    pod = [live.request("POST", "/api/2.0/sql/statements", cluster.token("system:serviceaccount:ns:pod"), json={})]
    idle = [live.request("GET", ME, entra.token("idle")) for _ in range(6)]
    assert {one.status_code for one in [*pod, *idle]} == {200}
    assert live.request("GET", ME).status_code == 401
