"""From configuration and runtime facts to the files that Envoy reads. Pure: the same input gives the same bytes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from lakelatch.envoy import credentials, gate
from lakelatch.envoy.authentication import FILTER_NAME, authentication
from lakelatch.envoy.clusters import SECRETS, clusters, secrets
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.listener import CERTIFICATE, listener
from lakelatch.envoy.routes import route_configuration
from lakelatch.envoy.runtime import Files, Json, Runtime, any_of, file_source

NODE: Final = {"id": "lakelatch-gateway", "cluster": "lakelatch-gateway"}

RUNTIME: Final = {
    "layers": [
        # A path of the catalogue with several variables has up to 400 instructions; Envoy takes 100 by itself.
        {"name": "patterns", "static_layer": {"re2.max_program_size.error_level": 400}}
    ]
}
MAX_CONNECTIONS: Final = 10_000
"""Clients' connections. Each takes a file descriptor and, with its buffers, up to 64 KiB of memory."""
_CONNECTION_LIMIT: Final = {
    "name": "envoy.resource_monitors.global_downstream_max_connections",
    "typed_config": any_of(
        "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        {"max_active_downstream_connections": MAX_CONNECTIONS},
    ),
}


_EXTENSION: Final = "envoy.config.core.v3.TypedExtensionConfig"
_SECRETS_STREAM: Final = {
    "api_type": "DELTA_GRPC",
    "transport_api_version": "V3",
    "grpc_services": [{"envoy_grpc": {"cluster_name": SECRETS}}],
}
_STATISTICS: Final = {"stats_matcher": {"exclusion_list": {"patterns": [{"prefix": "sds."}]}}}
"""Without those of each secret: nobody reads them, and for 10,000 they take more memory than the secrets."""


@dataclass(frozen=True)
class Compiled:
    """What Envoy is told, as plain JSON."""

    listener: Json
    clusters: list[Json]
    routes: Json
    authentication: Json
    gate: Json
    certificate: Json | None
    files: Files

    def bootstrap(self) -> Json:
        """What Envoy is started with: it never changes. Tokens come by a stream, all else by files."""
        return {
            "node": NODE,
            "admin": {"address": {"pipe": {"path": self.files.admin_socket, "mode": 0o600}}},
            "static_resources": {"clusters": [secrets(self.files)]},
            "dynamic_resources": {
                "ads_config": _SECRETS_STREAM,
                "lds_config": file_source(self.files.listeners),
                "cds_config": file_source(self.files.clusters),
            },
            "overload_manager": {"resource_monitors": [_CONNECTION_LIMIT]},
            "layered_runtime": RUNTIME,
            "stats_config": _STATISTICS,
        }

    def discovery(self) -> dict[str, str]:
        """Path to content of every discovered file, in the order in which they have to be written.

        What is referred to comes before what refers to it. Routes come after authentication: between the two, a new
        identity is refused, never an old one let through.
        """
        return dict(self._contents)

    @cached_property
    def _contents(self) -> Mapping[str, str]:
        """Written once: a delivery compares them, replaces files by them and may put them back."""
        verifies = {"name": FILTER_NAME, "typed_config": self.authentication}
        contents = {
            self.files.clusters: credentials.discovery("envoy.config.cluster.v3.Cluster", *self.clusters),
            self.files.authentication: credentials.discovery(_EXTENSION, verifies),
            self.files.gate: _gate(self.gate),
            self.files.routes: credentials.discovery("envoy.config.route.v3.RouteConfiguration", self.routes),
            self.files.listeners: credentials.discovery("envoy.config.listener.v3.Listener", self.listener),
        }
        if self.certificate is not None:
            contents = {self.files.certificate: self.certificate, **contents}
        return {path: text(content) for path, content in contents.items()}

    def validation(self) -> Json:
        """One static bootstrap with everything inside, for `envoy --mode validate`, which discovers nothing."""
        inlined = json.loads(json.dumps(self.listener))
        manager = inlined["filter_chains"][0]["filters"][0]["typed_config"]
        del manager["rds"]
        manager["route_config"] = self.routes
        discovered = {FILTER_NAME: self.authentication, gate.FILTER_NAME: self.gate}
        manager["http_filters"] = [
            {"name": one["name"], "typed_config": discovered[one["name"]]} if "config_discovery" in one else one
            for one in manager["http_filters"]
        ]
        if self.certificate is not None:
            # Not by its discovery file, which is written only after this: so Envoy reads the certificate as well.
            tls = inlined["filter_chains"][0]["transport_socket"]["typed_config"]["common_tls_context"]
            del tls["tls_certificate_sds_secret_configs"]
            tls["tls_certificates"] = [self.certificate["resources"][0]["tls_certificate"]]
        return {
            "node": NODE,
            "layered_runtime": RUNTIME,
            "static_resources": {"listeners": [inlined], "clusters": [secrets(self.files), *self.clusters]},
            "dynamic_resources": {"ads_config": _SECRETS_STREAM},
        }


def compile_gateway(config: GatewayConfig, runtime: Runtime) -> Compiled:
    """Compile a configuration for Envoy as the gateway stands at this moment."""
    tls = config.listen.tls
    certificate = (
        credentials.certificate_secret(CERTIFICATE, tls.certificate_file, tls.private_key_file) if tls else None
    )
    return Compiled(
        listener=listener(config, runtime),
        clusters=clusters(config, runtime),
        routes=route_configuration(config, runtime),
        authentication=authentication(config, runtime),
        gate=gate.gate(config.policy, runtime),
        certificate=certificate,
        files=runtime.files,
    )


def closed_gate() -> str:
    """The content of the gate's file that lets nothing through, whatever the configuration is."""
    return text(_gate(gate.unaudited()))


def _gate(compiled: Json) -> Json:
    return credentials.discovery(_EXTENSION, {"name": gate.FILTER_NAME, "typed_config": compiled})


def text(content: Any) -> str:
    """Write JSON as the files hold it: the same bytes for the same content."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"))
