"""Proves that metrics count what was sent, under the names of the guide, and hold neither tokens nor callers' words."""

import re
import socket
from pathlib import Path
from typing import Any

import httpx
from support.ports import free_port

from lakelatch_gateway.metrics import METRICS, Recorder, Snapshot, exposition

ME = "/api/2.0/preview/scim/v2/Me"
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "metrics.md"
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="[^"\n]*",?)+)\})? ([0-9.eE+-]+)')


def samples(text: str) -> dict[tuple[str, str], float]:
    """Every sample of a text by name and labels; a line that is none fails."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            match = SAMPLE.fullmatch(line)
            assert match, line
            found[match[1], match[2] or ""] = float(match[3])
    return found


def test_what_fetching_did() -> None:
    recorder = Recorder()
    recorder.exchanged("done", 0.2)
    recorder.exchanged("refused", 0.05)
    recorder.exchanged("transient", 11.0)
    recorder.fetched_keys("entra", "failed")
    told = samples(exposition(recorder, Snapshot({"a": 1000.0}, 2, {"entra": 0}), ""))
    assert told["lakelatch_exchanges_total", 'result="refused"'] == 1
    buckets = {labels: value for (name, labels), value in told.items() if name == "lakelatch_exchange_seconds_bucket"}
    assert (buckets['le="0.05"'], buckets['le="0.25"'], buckets['le="10.0"'], buckets['le="+Inf"']) == (1, 2, 2, 3)
    assert told["lakelatch_databricks_token_expires", 'service="a"'] == 1000
    assert told["lakelatch_services_without_token", ""] == 2
    assert told["lakelatch_key_fetches_total", 'issuer="entra",result="failed"'] == 1


def test_of_envoy_only_what_the_table_names_is_told() -> None:
    told = exposition(
        Recorder(),
        Snapshot({}, 0, {}),
        'envoy_cluster_upstream_rq{envoy_response_code="200",envoy_cluster_name="workspace"} 4\n'
        'envoy_cluster_upstream_rq{envoy_response_code="200",envoy_cluster_name="endpoints"} 5\n'
        "envoy_server_memory{} 6\n# TYPE envoy_cluster_upstream_rq counter\n",
    )
    rows = [key for key in samples(told) if key[0].startswith("lakelatch_workspace")]
    assert rows == [("lakelatch_workspace_responses_total", 'envoy_response_code="200"')]


def test_running_gateway_tells_them_to_operators_only(
    start: Any, configure: Any, provider: Any, workspace: Any, eventually: Any
) -> None:
    port = free_port()
    gateway = start(configure(), "--metrics-port", str(port))
    token = provider.token("nightly-subject")
    for _ in range(3):
        assert gateway.get(ME, token).status_code == 200
    assert gateway.get("/api/2.0/sql/warehouses", token).status_code == 403
    assert gateway.get("/metrics", token).status_code == 403
    key = (
        "lakelatch_decisions_total",
        'action="current_user.me",decision="allow",rule="role:reader",service="nightly"',
    )

    def told() -> str:
        return httpx.get(f"http://127.0.0.1:{port}/metrics").text

    def counted() -> Any:
        found = {
            (name, ",".join(sorted(labels.split(",")))): value for (name, labels), value in samples(told()).items()
        }
        return found if found.get(key) == 3 else None

    found = eventually(counted)
    assert found["lakelatch_exchanges_total", 'result="done"'] == 1
    assert found["lakelatch_issuer_keys", 'issuer="entra"'] == 1
    assert found["lakelatch_services_without_token", ""] == 0
    assert found["lakelatch_workspace_responses_total", 'envoy_response_code="200"'] == 3
    # Envoy brings histograms together every five seconds.
    text = eventually(lambda: "lakelatch_workspace_milliseconds_bucket" in (now := told()) and now)
    assert not [secret for secret in (token, *workspace.tokens) if secret in text]
    names = {name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name, _ in samples(text)}
    # Connections of the workspace that failed are told once there was one.
    assert set(METRICS) - {"lakelatch_workspace_failures_total"} <= names <= set(METRICS)


def test_port_that_is_taken_is_told(start: Any, configure: Any, home: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        gateway = start(configure(), "--metrics-port", str(port), wait=False)
        assert gateway.process.wait(60) == 1
    assert f"metrics cannot be served on 127.0.0.1, port {port}" in (home / "log.jsonl").read_text()


def test_guide_has_the_table() -> None:
    rows = [
        f"| `{name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels) or '-'} | {metric.meaning} |"
        for name, metric in METRICS.items()
    ]
    assert "\n".join(rows) in GUIDE.read_text()
