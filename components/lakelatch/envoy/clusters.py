"""Where Envoy connects to: the workspace, over verified TLS, and the gateway's own sockets."""

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.runtime import Files, Json, Runtime, any_of

WORKSPACE: Final = "workspace"
ENDPOINTS: Final = "endpoints"
SECRETS: Final = "secrets"
PEOPLE: Final = "people"
CONNECT_SECONDS: Final = 5
IDLE_SECONDS: Final = 30
"""After this long Envoy closes a connection to the gateway's own sockets, well before the gateway would
(`lakelatch_gateway.server`): a request on a connection that is just being closed would fail."""
MAX_CONNECTIONS: Final = 10_000
"""Envoy's default of 1,024 would refuse callers before the workspace's own limits do."""


def clusters(config: GatewayConfig, runtime: Runtime) -> list[Json]:
    """Compile the clusters that requests go to."""
    people = [_people(runtime)] if config.people else []
    return [_workspace(config, runtime), _endpoints(runtime), *people]


def secrets(files: Files) -> Json:
    """The cluster that serves Databricks tokens to Envoy, by gRPC, which is HTTP/2."""
    http2 = any_of(_PROTOCOL, {"explicit_http_config": {"http2_protocol_options": {}}})
    return {
        "name": SECRETS,
        "type": "STATIC",
        "connect_timeout": f"{CONNECT_SECONDS}s",
        "load_assignment": _one(SECRETS, {"pipe": {"path": files.secrets_socket}}),
        "typed_extension_protocol_options": {_PROTOCOL: http2},
    }


def workspace_authority(config: GatewayConfig) -> str:
    """Host and, where it is not 443, port of the workspace: what its `Host` header has to say."""
    return urlsplit(config.workspace.host).netloc


def _workspace(config: GatewayConfig, runtime: Runtime) -> Json:
    parts = urlsplit(config.workspace.host)
    host = parts.hostname or ""
    is_address = _is_address(host)
    san = {"san_type": "IP_ADDRESS" if is_address else "DNS", "matcher": {"exact": host}}
    tls: Json = {
        "common_tls_context": {
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "alpn_protocols": ["http/1.1"],
            "validation_context": {
                "trusted_ca": {"filename": config.workspace.ca_file or runtime.system_ca_file},
                "match_typed_subject_alt_names": [san],
            },
        }
    }
    if not is_address:
        # An address is no server name (RFC 6066 §3).
        tls["sni"] = host
    limits = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests"), MAX_CONNECTIONS)
    return {
        "name": WORKSPACE,
        "type": "STATIC" if is_address else "LOGICAL_DNS",
        # Both address families, whichever answers first: RFC 8305.
        "dns_lookup_family": "ALL",
        "connect_timeout": f"{CONNECT_SECONDS}s",
        "circuit_breakers": {"thresholds": [limits]},
        "load_assignment": _one(WORKSPACE, {"socket_address": {"address": host, "port_value": parts.port or 443}}),
        "transport_socket": {
            "name": "envoy.transport_sockets.tls",
            "typed_config": any_of("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext", tls),
        },
    }


def _endpoints(runtime: Runtime) -> Json:
    return {
        "name": ENDPOINTS,
        "type": "STATIC",
        "connect_timeout": f"{CONNECT_SECONDS}s",
        "load_assignment": _one(ENDPOINTS, {"pipe": {"path": runtime.files.endpoints_socket}}),
        "typed_extension_protocol_options": _soon_idle(),
    }


def _people(runtime: Runtime) -> Json:
    """Where people's tokens are exchanged: a socket of its own, to which no request of a client is ever forwarded."""
    limits = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests"), MAX_CONNECTIONS)
    return {
        "name": PEOPLE,
        "type": "STATIC",
        "connect_timeout": f"{CONNECT_SECONDS}s",
        "circuit_breakers": {"thresholds": [limits]},
        "load_assignment": _one(PEOPLE, {"pipe": {"path": runtime.files.people_socket}}),
        "typed_extension_protocol_options": _soon_idle(),
    }


_PROTOCOL: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def _soon_idle() -> Json:
    idle = {"idle_timeout": f"{IDLE_SECONDS}s"}
    http1: Json = {"http_protocol_options": {}}
    return {
        _PROTOCOL: any_of(_PROTOCOL, {"common_http_protocol_options": idle, "explicit_http_config": http1}),
    }


def _one(name: str, address: Json) -> Json:
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]}


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
