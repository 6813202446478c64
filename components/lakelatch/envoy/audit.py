"""The audit line: one JSON object per request, written by Envoy when the request ends. It never holds a token.

Field names follow the field's terms; times are UTC in RFC 3339, durations in milliseconds. `decision` and `rule` come
from the route that decided. A request that was refused before or beside its route has a line of its own, so that every
line says `allow` or `deny` and means it.
"""

import json
from typing import Final

from lakelatch.envoy.decision import RULE_PROTOCOL, RULE_QUERY_TOKEN
from lakelatch.envoy.identity import ENDPOINT_ROUTE, ISSUER_HEADER, SUBJECT_HEADER, UNAUTHENTICATED_ROUTE
from lakelatch.envoy.runtime import Json, any_of, where

NAMESPACE: Final = "lakelatch"
"""Route metadata namespace of the decision."""


def _coalesce(member: str, header: str) -> str:
    """A member of the route's metadata, else a request header (which is removed before a request goes upstream)."""
    operators = [
        {"command": "METADATA", "param": f"ROUTE:{NAMESPACE}:{member}"},
        {"command": "REQ", "param": header},
    ]
    return f"%COALESCE({json.dumps({'operators': operators})})%"


IN_QUERY: Final = "response.code_details.startsWith('rbac_access_denied') && request.query.contains('access_token=')"
"""The safety net refused the request for a token in its query. Otherwise it had no subject to decide about."""

_COMMON: Final[Json] = {
    "time": "%START_TIME%",
    "request_id": "%REQ(x-request-id)%",
    "method": "%REQ(:method)%",
    "path": "%PATH(NQ)%",
    "status": "%RESPONSE_CODE%",
    "detail": "%RESPONSE_CODE_DETAILS%",
    "flags": "%RESPONSE_FLAGS%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "duration_ms": "%DURATION%",
    "client_address": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "user_agent": "%REQ(user-agent)%",
}

_ROUTE: Final[Json] = {
    member: f"%METADATA(ROUTE:{NAMESPACE}:{member})%"
    for member in ("decision", "rule", "service", "action", "subject", "issuer")
}

ROUTED_LINE: Final[Json] = {**_COMMON, **_ROUTE}
"""What the route says is the whole truth."""

UNKNOWN_LINE: Final[Json] = {
    **ROUTED_LINE,
    "subject": _coalesce("subject", SUBJECT_HEADER),
    "issuer": _coalesce("issuer", ISSUER_HEADER),
}
"""The identity is verified, but may be one that no route knows by name."""

QUERY_TOKEN_LINE: Final[Json] = {**ROUTED_LINE, "decision": "deny", "rule": RULE_QUERY_TOKEN}
PROTOCOL_LINE: Final[Json] = {**_COMMON, **dict.fromkeys(_ROUTE), "decision": "deny", "rule": RULE_PROTOCOL}
"""Refused before it reached a route."""


def access_logs(audit_file: str | None) -> list[Json]:
    """Loggers to one place, each for the requests that the others leave out.

    Only requests with an error status are asked what happened to them: the others were let through by their route.
    """
    failed = _status("GE", 400)
    unverified = f"xds.route_name in ['{ENDPOINT_ROUTE}', '{UNAUTHENTICATED_ROUTE}']"
    with_query = IN_QUERY
    routed = "has(xds.route_name) && xds.route_name != ''"
    return [
        _logger(audit_file, ROUTED_LINE, _status("LE", 399)),
        _logger(audit_file, QUERY_TOKEN_LINE, _all(failed, where(with_query))),
        _logger(audit_file, ROUTED_LINE, _all(failed, where(f"!({with_query}) && {unverified}"))),
        _logger(audit_file, UNKNOWN_LINE, _all(failed, where(f"!({with_query}) && {routed} && !({unverified})"))),
        _logger(audit_file, PROTOCOL_LINE, _all(failed, where(f"!({with_query}) && !({routed})"))),
    ]


def _all(*filters: Json) -> Json:
    return {"and_filter": {"filters": list(filters)}}


def _status(comparison: str, value: int) -> Json:
    bound = {"default_value": value, "runtime_key": "lakelatch.audit.status"}
    return {"status_code_filter": {"comparison": {"op": comparison, "value": bound}}}


def _logger(audit_file: str | None, line: Json, condition: Json) -> Json:
    log_format = {"log_format": {"json_format": line}}
    package = "envoy.extensions.access_loggers"
    if audit_file is None:
        name, typed = "stdout", any_of(f"{package}.stream.v3.StdoutAccessLog", log_format)
    else:
        name, typed = "file", any_of(f"{package}.file.v3.FileAccessLog", {"path": audit_file, **log_format})
    return {"name": f"envoy.access_loggers.{name}", "typed_config": typed, "filter": condition}
