"""The audit line: one JSON object per request, written by Envoy when the request ends. It never holds a token.

Field names follow the field's terms; times are UTC in RFC 3339, durations in milliseconds. Who decided depends on how
far a request came, so there are several loggers, each for the requests that the others leave out; every line says
`allow` or `deny` and means it. Where something is only observed, `observed` names what would have decided if nothing
were: a rule that refuses, or the role that lets through.
"""

from typing import Final

from lakelatch.access.decisions import RULE_AUTHENTICATION, RULE_PROTOCOL, RULE_RATE_LIMIT
from lakelatch.envoy import limits, metrics
from lakelatch.envoy.identity import (
    ACTION_HEADER,
    ENDPOINT_ROUTE,
    ISSUER_HEADER,
    PEOPLE_HEADER,
    PRINCIPAL_HEADER,
    PROBE_ROUTE,
    RULE_HEADER,
    SUBJECT_HEADER,
    USER_HEADER,
)
from lakelatch.envoy.runtime import Json, any_of, where

NAMESPACE: Final = "lakelatch"
"""Route metadata namespace of what is known about a service."""
_RBAC: Final = "envoy.filters.http.rbac"
"""Dynamic metadata namespace in which authorization leaves its verdict."""
_SHADOW: Final = "shadow_effective_policy_id"
"""What observed rules would have decided; absent where none is observed."""

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
    "user": f"%REQ({USER_HEADER})%",
}
_NOBODY: Final[Json] = dict.fromkeys(("rule", "service", "action", "subject", "issuer", "application_id", "observed"))


def _line(decision: str, **known: str) -> Json:
    return {**_COMMON, **_NOBODY, "decision": decision, **known}


_IDENTITY: Final = {"subject": f"%REQ({SUBJECT_HEADER})%", "issuer": f"%REQ({ISSUER_HEADER}?{PEOPLE_HEADER})%"}
_SERVICE: Final = {"service": "%ROUTE_NAME%", **_IDENTITY}
_ACTION: Final = {"action": f"%REQ({ACTION_HEADER})%"}
_PRINCIPAL: Final = {"application_id": f"%REQ({PRINCIPAL_HEADER})%"}
_GRANTED: Final = {"rule": f"%REQ({RULE_HEADER})%"}
_OF_ROUTE: Final = {"rule": f"%METADATA(ROUTE:{NAMESPACE}:rule)%"}
_VERDICT: Final = {"rule": f"%DYNAMIC_METADATA({_RBAC}:enforced_effective_policy_id)%"}
_OBSERVED: Final = {"observed": f"%DYNAMIC_METADATA({_RBAC}:{_SHADOW})%"}
"""Null where no rule is only observed."""

GRANTED_LINE: Final = _line("allow", **_SERVICE, **_ACTION, **_PRINCIPAL, **_GRANTED)
"""Let through by a role, which nothing else was asked beside: nearly everything."""
ALLOWED_LINE: Final = _line("allow", **_SERVICE, **_ACTION, **_PRINCIPAL, **_VERDICT, **_OBSERVED)
"""Let through, by a role and the rules beside it or because its service is only observed."""
DENIED_LINE: Final = _line("deny", **_SERVICE, **_ACTION, **_VERDICT)
"""Refused to a service."""
STRANGER_LINE: Final = _line("deny", **_IDENTITY, **_ACTION, **_VERDICT)
"""Refused to an identity that is no service's."""
GATEWAY_LINE: Final = _line("deny", **_SERVICE, **_ACTION, **_OF_ROUTE)
"""Allowed, but the gateway has nothing to send it with."""
LIMIT_LINE: Final = _line("deny", **_SERVICE, **_ACTION, rule=RULE_RATE_LIMIT)
"""Allowed, but too often."""
ENDPOINT_LINE: Final = _line("allow", **_OF_ROUTE)
"""The gateway's own endpoints, which need no identity."""
AUTHENTICATION_LINE: Final = _line("deny", rule=RULE_AUTHENTICATION)
PROTOCOL_LINE: Final = _line("deny", rule=RULE_PROTOCOL)
"""Refused before anybody knew whose request it is."""


def access_logs(audit_file: str | None, *, counted: bool = False) -> list[Json]:
    """Loggers to one place, each for the requests that the others leave out; `counted`: and a counter beside each.

    What a role lets through, which is nearly everything, is told by a header; only the rest is asked by expression.
    """
    allowed, denied = (_rbac("enforced_engine_result", value) for value in ("allowed", "denied"))
    undecided = _rbac("enforced_engine_result", "", absent=True)
    fine, failed = _status("LE", 399), _status("GE", 400)
    by_gateway = "response.code_details == 'direct_response'"
    by_limit = f"response.code_details == '{limits.DETAIL}'"
    stranger = " || ".join(f"response.code_details.contains('[{rule}]')" for rule in ("unknown-identity", "no-subject"))
    endpoint = f"has(xds.route_name) && xds.route_name == '{ENDPOINT_ROUTE}'"
    probe = f"has(xds.route_name) && xds.route_name == '{PROBE_ROUTE}'"
    nobody = f"!({endpoint}) && !({probe})"
    unauthenticated = "response.code_details.startsWith('jwt_authn_access_denied')"
    granted, asked = _by_role(told=True), _by_role(told=False)
    by_workspace = {"or_filter": {"filters": [fine, where(f"!({by_gateway}) && !({by_limit})")]}}
    of_endpoint = {"or_filter": {"filters": [where(endpoint), _all(failed, where(probe))]}}
    # Each is asked about every request. A status costs less than the header, and most requests are fine.
    rest = (
        (ALLOWED_LINE, (asked, allowed, by_workspace)),
        (GATEWAY_LINE, (failed, asked, allowed, where(by_gateway))),
        (LIMIT_LINE, (failed, asked, where(by_limit))),
        (DENIED_LINE, (failed, asked, denied, where(f"!({stranger})"))),
        (STRANGER_LINE, (failed, asked, denied, where(stranger))),
        (ENDPOINT_LINE, (asked, undecided, of_endpoint)),
        (AUTHENTICATION_LINE, (failed, asked, undecided, where(f"{nobody} && {unauthenticated}"))),
        (PROTOCOL_LINE, (asked, undecided, where(f"{nobody} && !({unauthenticated}) && !({by_limit})"))),
    )
    rows = [(GRANTED_LINE, granted), *((line, _all(*filters)) for line, filters in rest)]
    loggers = [_logger(audit_file, line, condition) for line, condition in rows]
    return loggers + ([metrics.counter(line, condition) for line, condition in rows] if counted else [])


def _status(comparison: str, value: int) -> Json:
    bound = {"default_value": value, "runtime_key": "lakelatch.audit.status"}
    return {"status_code_filter": {"comparison": {"op": comparison, "value": bound}}}


def _by_role(*, told: bool) -> Json:
    """A filter on whether a request was let through by a role alone."""
    return {"header_filter": {"header": {"name": RULE_HEADER, "present_match": told}}}


def _rbac(member: str, value: str | None = None, *, absent: bool = False) -> Json:
    """A filter on authorization's verdict: a member's value, or that there is any; `absent` takes those without one."""
    wanted: Json = {"present_match": True} if value is None else {"string_match": {"exact": value}}
    match: Json = {"matcher": {"filter": _RBAC, "path": [{"key": member}], "value": wanted}}
    return {"metadata_filter": match | {"match_if_key_not_found": absent}}


def _all(*filters: Json) -> Json:
    return {"and_filter": {"filters": list(filters)}}


def _logger(audit_file: str | None, line: Json, condition: Json) -> Json:
    log_format = {"log_format": {"json_format": line}}
    package = "envoy.extensions.access_loggers"
    if audit_file is None:
        name, typed = "stdout", any_of(f"{package}.stream.v3.StdoutAccessLog", log_format)
    else:
        name, typed = "file", any_of(f"{package}.file.v3.FileAccessLog", {"path": audit_file, **log_format})
    return {"name": f"envoy.access_loggers.{name}", "typed_config": typed, "filter": condition}
