"""The listener: where clients connect, the protocol checks, and the chain of filters.

Hardened as Envoy's edge guide says (envoyproxy.io, best_practices/edge): the path that is decided upon is the path that
is forwarded, and what a client says about itself is dropped before anything reads it.
"""

from typing import Final

from lakelatch.envoy import (
    audit,
    authentication,
    authorization,
    catalogue,
    credentials,
    gate,
    inspection,
    limits,
    people,
    replies,
    routes,
)
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.identity import CLIENT_HEADERS_REMOVED, INTERNAL_PREFIXES, NO_SUBJECT, SUBJECT_HEADER
from lakelatch.envoy.runtime import Files, Json, Runtime, any_of, file_source

CERTIFICATE: Final = "certificate"
HEADERS_KIB: Final = 64
"""All request headers together: a token of 16 KiB fits with room; Databricks clients send a few hundred bytes more."""
HEADERS_SECONDS: Final = 10
IDLE_CONNECTION_SECONDS: Final = 3600
BUFFER_BYTES: Final = 32 * 1024


def listener(config: GatewayConfig, runtime: Runtime) -> Json:
    """Compile the one listener. Policy and keys are not in it, so a change of those never drains it."""
    address = {"address": config.listen.address, "port_value": config.listen.port}
    chain: Json = {
        "filters": [
            {
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": any_of(
                    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                    _connection_manager(runtime),
                ),
            }
        ]
    }
    if config.listen.tls is not None:
        chain["transport_socket"] = _tls(runtime.files)
    return {
        "name": "gateway",
        "address": {"socket_address": address},
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "filter_chains": [chain],
    }


def _connection_manager(runtime: Runtime) -> Json:
    # The workspace's answers are counted by status only where metrics are told: 3 % of a request's cost.
    router = any_of(
        "envoy.extensions.filters.http.router.v3.Router",
        {"suppress_envoy_headers": True, "dynamic_stats": runtime.counted},
    )
    return {
        "stat_prefix": "gateway",
        "rds": {
            "route_config_name": routes.ROUTE_CONFIGURATION,
            "config_source": file_source(runtime.files.routes),
        },
        "http_filters": [
            catalogue.base_filter(),
            {
                "name": authentication.FILTER_NAME,
                "config_discovery": {
                    "config_source": file_source(runtime.files.authentication),
                    "type_urls": [f"type.googleapis.com/{authentication.FILTER_TYPE}"],
                },
            },
            {
                "name": gate.FILTER_NAME,
                "config_discovery": {
                    "config_source": file_source(runtime.files.gate),
                    "type_urls": [f"type.googleapis.com/{gate.FILTER_TYPE}"],
                },
            },
            people.base_filter(),
            inspection.base_filter(),
            authorization.base_filter(),
            limits.base_filter(),
            credentials.base_filter(),
            {"name": "envoy.filters.http.router", "typed_config": router},
        ],
        "early_header_mutation_extensions": [_drop_client_headers()],
        "use_remote_address": True,
        # Where callers are is nothing that Databricks needs to know.
        "skip_xff_append": True,
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "common_http_protocol_options": {
            "idle_timeout": f"{IDLE_CONNECTION_SECONDS}s",
            "headers_with_underscores_action": "REJECT_REQUEST",
        },
        "http2_protocol_options": {
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 65536,
            "initial_connection_window_size": 1048576,
        },
        "max_request_headers_kb": HEADERS_KIB,
        "request_headers_timeout": f"{HEADERS_SECONDS}s",
        "stream_idle_timeout": f"{routes.IDLE_SECONDS}s",
        # The workspace's answer goes back as it is.
        "server_header_transformation": "PASS_THROUGH",
        "local_reply_config": replies.local_replies(),
        "access_log": audit.access_logs(runtime.audit_file, counted=runtime.counted),
    }


def _drop_client_headers() -> Json:
    mutations: list[Json] = [
        {"remove_on_match": {"key_matcher": {"prefix": prefix, "ignore_case": True}}} for prefix in INTERNAL_PREFIXES
    ]
    mutations += [{"remove": name} for name in CLIENT_HEADERS_REMOVED]
    nobody = {"header": {"key": SUBJECT_HEADER, "value": NO_SUBJECT}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
    mutations.append({"append": nobody})
    return {
        "name": "envoy.http.early_header_mutation.header_mutation",
        "typed_config": any_of(
            "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation", {"mutations": mutations}
        ),
    }


def _tls(files: Files) -> Json:
    context = {
        "common_tls_context": {
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_certificate_sds_secret_configs": [
                {"name": CERTIFICATE, "sds_config": file_source(files.certificate)},
            ],
        }
    }
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": any_of("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", context),
    }
