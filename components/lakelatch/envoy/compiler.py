"""From configuration and runtime facts to the files that Envoy reads. Pure: the same input gives the same bytes."""

import json
from dataclasses import dataclass
from typing import Any, Final

from lakelatch.envoy import credentials
from lakelatch.envoy.authentication import FILTER_NAME, authentication
from lakelatch.envoy.clusters import clusters
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.listener import CERTIFICATE, listener
from lakelatch.envoy.routes import closed_gate, route_configuration
from lakelatch.envoy.runtime import Files, Json, Runtime, any_of, file_source

NODE: Final = {"id": "lakelatch-gateway", "cluster": "lakelatch-gateway"}

MAX_CONNECTIONS: Final = 10_000
"""Clients' connections. Each takes a file descriptor and, with its buffers, up to 64 KiB of memory."""
_CONNECTION_LIMIT: Final = {
    "name": "envoy.resource_monitors.global_downstream_max_connections",
    "typed_config": any_of(
        "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        {"max_active_downstream_connections": MAX_CONNECTIONS},
    ),
}


@dataclass(frozen=True)
class Compiled:
    """What Envoy is told, as plain JSON."""

    listener: Json
    clusters: list[Json]
    routes: Json
    authentication: Json
    certificate: Json | None
    files: Files

    def bootstrap(self) -> Json:
        """What Envoy is started with: it never changes, everything else is discovered from files."""
        return {
            "node": NODE,
            "admin": {"address": {"pipe": {"path": self.files.admin_socket, "mode": 0o600}}},
            "dynamic_resources": {
                "lds_config": file_source(self.files.listeners),
                "cds_config": file_source(self.files.clusters),
            },
            "overload_manager": {"resource_monitors": [_CONNECTION_LIMIT]},
        }

    def discovery(self) -> dict[str, str]:
        """Path to content of every discovered file but the tokens, in the order in which they have to be written.

        What is referred to comes before what refers to it. Routes come after authentication: between the two, a new
        identity is refused, never an old one let through.
        """
        extension = {"name": FILTER_NAME, "typed_config": self.authentication}
        contents = {
            self.files.clusters: credentials.discovery("envoy.config.cluster.v3.Cluster", *self.clusters),
            self.files.authentication: credentials.discovery("envoy.config.core.v3.TypedExtensionConfig", extension),
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
        manager["http_filters"][0] = {"name": FILTER_NAME, "typed_config": self.authentication}
        if self.certificate is not None:
            # Not by its discovery file, which is written only after this: so Envoy reads the certificate as well.
            tls = inlined["filter_chains"][0]["transport_socket"]["typed_config"]["common_tls_context"]
            del tls["tls_certificate_sds_secret_configs"]
            tls["tls_certificates"] = [self.certificate["resources"][0]["tls_certificate"]]
        return {
            "node": NODE,
            "static_resources": {"listeners": [inlined], "clusters": self.clusters},
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
        authentication=authentication(config, runtime.keys),
        certificate=certificate,
        files=runtime.files,
    )


def closed_routes(reason: str) -> str:
    """The content of the routes' file that lets nobody through, whatever the configuration is."""
    return text(credentials.discovery("envoy.config.route.v3.RouteConfiguration", closed_gate(reason)))


def text(content: Any) -> str:
    """Write JSON as the files hold it: the same bytes for the same content."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"))
