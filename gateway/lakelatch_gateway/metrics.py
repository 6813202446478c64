"""Metrics in the text form of Prometheus (0.0.4): what Envoy counts, under names that stay, and what fetching did.

Names, labels and meanings are one table, which a test compares with the guide. No value is a caller's: services,
issuers, actions and rules are those of the configuration and the catalogue, so their number is bounded.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds. Exchanges take tens of milliseconds to about a second; httpx gives up at its timeout."""


class Metric(NamedTuple):
    """One metric."""

    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    meaning: str
    envoy: str = ""
    """What Envoy calls it; empty for what is measured here."""
    only: str = ""
    """Text that a line of Envoy's must have: of its many clusters and listeners, ours."""


WORKSPACE: Final = 'envoy_cluster_name="workspace"'
LISTENER: Final = 'envoy_http_conn_manager_prefix="gateway"'
METRICS: Final[Mapping[str, Metric]] = {
    "lakelatch_decisions_total": Metric(
        "counter",
        ("service", "action", "decision", "rule"),
        "Requests by what the audit line says",
        "lakelatch_decisions",
    ),
    "lakelatch_workspace_responses_total": Metric(
        "counter",
        ("envoy_response_code",),
        "Answers of the workspace by status",
        "cluster_upstream_rq",
        WORKSPACE,
    ),
    "lakelatch_workspace_failures_total": Metric(
        "counter", (), "Connections to the workspace that failed", "cluster_upstream_cx_connect_fail", WORKSPACE
    ),
    "lakelatch_workspace_milliseconds": Metric(
        "histogram", ("le",), "Time until the workspace's answer was whole", "cluster_upstream_rq_time", WORKSPACE
    ),
    "lakelatch_connections": Metric("gauge", (), "Clients' open connections", "http_downstream_cx_active", LISTENER),
    "lakelatch_requests": Metric("gauge", (), "Requests on their way", "http_downstream_rq_active", LISTENER),
    "lakelatch_verified_token_hits_total": Metric(
        "counter", (), "Tokens that were verified before", "http_jwt_authn_jwt_cache_hit", LISTENER
    ),
    "lakelatch_verified_token_misses_total": Metric(
        "counter", (), "Tokens that were verified anew", "http_jwt_authn_jwt_cache_miss", LISTENER
    ),
    "lakelatch_exchange_seconds": Metric("histogram", ("le",), "Time of token exchanges, failed ones too"),
    "lakelatch_exchanges_total": Metric(
        "counter", ("result",), "Token exchanges: `done`, `transient` or `refused` by Databricks for good"
    ),
    "lakelatch_databricks_token_expires": Metric(
        "gauge", ("service",), "When a service's token expires, in seconds since the epoch"
    ),
    "lakelatch_services_without_token": Metric("gauge", (), "Services that get 503 or 403 for lack of a token"),
    "lakelatch_key_fetches_total": Metric(
        "counter", ("issuer", "result"), "Fetches of issuers' keys: `done`, `failed`"
    ),
    "lakelatch_issuer_keys": Metric("gauge", ("issuer",), "Keys that verify an issuer's tokens now"),
}
"""Every metric by its name."""

ENVOY_FILTER: Final = (
    r"^(lakelatch\.|cluster\.workspace\.upstream_(rq_[0-9]+$|rq_time$|cx_connect_fail$)"
    r"|http\.gateway\.(downstream_(cx|rq)_active$|jwt_authn\.jwt_cache_))"
)
"""What Envoy is asked for: the whole is a megabyte and more."""

Labels = tuple[tuple[str, str], ...]


@dataclass
class Recorder:
    """What fetching did since the start."""

    counts: dict[tuple[str, Labels], int] = field(default_factory=lambda: defaultdict(int))
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0

    def exchanged(self, result: Literal["done", "transient", "refused"], seconds: float) -> None:
        """Take down a token exchange."""
        self.counts["lakelatch_exchanges_total", (("result", result),)] += 1
        self.buckets[bisect_left(BUCKETS, seconds)] += 1
        self.seconds += seconds

    def fetched_keys(self, issuer: str, result: Literal["done", "failed"]) -> None:
        """Take down a fetch of an issuer's keys."""
        self.counts["lakelatch_key_fetches_total", (("issuer", issuer), ("result", result))] += 1


@dataclass(frozen=True)
class Snapshot:
    """How things stand now."""

    expires: Mapping[str, float]
    """Service to when its Databricks token expires."""
    without_token: int
    keys: Mapping[str, int]
    """Issuer to the number of its keys."""


def exposition(recorder: Recorder, snapshot: Snapshot, envoy: str) -> str:
    """The whole text; `envoy` is what Envoy answers in the same form."""
    samples: dict[str, list[str]] = {name: [] for name in METRICS}
    for name, line in _of_envoy(envoy):
        samples[name].append(line)
    for (name, labels), count in sorted(recorder.counts.items()):
        samples[name].append(_sample(name, labels, count))
    samples["lakelatch_exchange_seconds"] = list(_histogram("lakelatch_exchange_seconds", recorder))
    for service, moment in sorted(snapshot.expires.items()):
        name = "lakelatch_databricks_token_expires"
        samples[name].append(_sample(name, (("service", service),), round(moment)))
    samples["lakelatch_services_without_token"] = [
        _sample("lakelatch_services_without_token", (), snapshot.without_token)
    ]
    for issuer, count in sorted(snapshot.keys.items()):
        samples["lakelatch_issuer_keys"].append(_sample("lakelatch_issuer_keys", (("issuer", issuer),), count))
    lines = []
    for name, found in samples.items():
        if found:
            lines += [f"# HELP {name} {METRICS[name].meaning}.", f"# TYPE {name} {METRICS[name].kind}", *found]
    return "\n".join(lines) + "\n"


def _histogram(name: str, recorder: Recorder) -> Iterator[str]:
    total = 0
    for bound, count in zip((*BUCKETS, "+Inf"), recorder.buckets, strict=True):
        total += count
        yield _sample(f"{name}_bucket", (("le", str(bound)),), total)
    yield _sample(f"{name}_sum", (), round(recorder.seconds, 6))
    yield _sample(f"{name}_count", (), total)


def _sample(name: str, labels: Labels, value: float) -> str:
    told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels)
    return f"{name}{{{told}}} {value}" if told else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


_LINE: Final = re.compile(r"envoy_([a-z0-9_]+?)(_bucket|_sum|_count)?\{(.*)\} (\S+)")
_LABEL: Final = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
_NAMES: Final = {metric.envoy: name for name, metric in METRICS.items() if metric.envoy}


def _of_envoy(text: str) -> Iterator[tuple[str, str]]:
    """Envoy's samples under our names, with the labels that the table names."""
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        name = match and _NAMES.get(match[1])
        if not match or not name or METRICS[name].only not in match[3]:
            continue
        labels = [f'{label}="{value}"' for label, value in _LABEL.findall(match[3]) if label in METRICS[name].labels]
        ending = match[2] or ""
        yield name, f"{name}{ending}{{{','.join(labels)}}} {match[4]}" if labels else f"{name}{ending} {match[4]}"
