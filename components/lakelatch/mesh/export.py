"""Exports for other proxies, by target, and how they are written."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final, Protocol

import yaml

from lakelatch.envoy.config import GatewayConfig
from lakelatch.mesh.envoy_gateway import envoy_gateway
from lakelatch.mesh.grants import Export
from lakelatch.mesh.istio import istio


class Exporter(Protocol):
    """Makes an export of a configuration."""

    def __call__(self, config: GatewayConfig, *, gateway: str, namespace: str, jwks_uris: Mapping[str, str]) -> Export:
        """`jwks_uris` has, by issuer, where its keys are; it wins over the configuration."""


TARGETS: Final[Mapping[str, Exporter]] = {"envoy-gateway": envoy_gateway, "istio": istio}
"""Exporters by name."""


def text(export: Export) -> str:
    """The documents as YAML, with what they do not hold in comments before them."""
    lines = ["# Made from the gateway's configuration; make it again after each change of the model.", "#"]
    lines += [f"# {line}" for line in summary(export)]
    documents = yaml.safe_dump_all(export.documents, explicit_start=True, sort_keys=False, allow_unicode=True)
    return "\n".join([*lines, documents])


def summary(export: Export) -> Iterator[str]:
    """What an export does not hold, a line for each reason."""
    yield "not held by these documents:"
    yield from (f"  - {note}" for note in export.notes)
    counts: dict[str, list[str]] = defaultdict(list)
    for row in export.left_out:
        counts[row.reason].append(f"{row.service}: {row.request or row.action or 'everything'}")
    if counts:
        yield "left out, so refused:"
    for reason, rows in sorted(counts.items()):
        shown = "; ".join(rows[:SHOWN]) + (f"; and {len(rows) - SHOWN} more" if len(rows) > SHOWN else "")
        yield f"  - {reason}: {shown}"


SHOWN: Final = 3
"""Examples for each reason; `--json` has all."""
