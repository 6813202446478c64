"""What the gateway itself answers: JSON in the shape that Databricks clients read, with the reason a person needs.

`{"error_code": "<text>", "message": "<text>"}`; older Go clients crash on an `error_code` that is a number. Answers of
the workspace are not touched by any of this.
"""

from typing import Final

from lakelatch.access.decisions import (
    RULE_AUDIT,
    RULE_DEFAULT_DENY,
    RULE_EXPIRING,
    RULE_NO_GROUP,
    RULE_NO_TOKEN,
    RULE_NO_USER,
    RULE_QUERY_TOKEN,
    RULE_UNKNOWN_ACTION,
    RULE_UNKNOWN_IDENTITY,
    default_deny_message,
    no_group_message,
    person_default_deny_message,
    rule_message,
    unknown_action_message,
    unknown_identity,
)
from lakelatch.envoy import limits
from lakelatch.envoy.authorization import RULE_NO_SUBJECT
from lakelatch.envoy.gate import RULE_MAINTENANCE, RULE_REVOKED
from lakelatch.envoy.identity import ACTION_HEADER, ROLES_HEADER, USER_HEADER
from lakelatch.envoy.runtime import Json, any_of, where

CODES: Final = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    413: "MAX_REQUEST_SIZE_EXCEEDED",
    429: "REQUEST_LIMIT_EXCEEDED",
    431: "BAD_REQUEST",
    502: "TEMPORARILY_UNAVAILABLE",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""Status to the `error_code` that Databricks uses with it (databricks-sdk, `errors/platform.py`)."""

_FETCH: Final = "fetch a token from the identity provider that this gateway trusts."

AUTHENTICATION_REASONS: Final = {
    "Jwt_is_missing": f"no token: send `Authorization: Bearer <token>`; {_FETCH}",
    "Jwt_is_expired": "the token has expired (exp): fetch a new one from the identity provider.",
    "Jwt_not_yet_valid": "the token is not valid yet (nbf): check the clocks of issuer, client and gateway.",
    "Audiences_in_Jwt_are_not_allowed": (
        "wrong audience: the token (aud) was issued for something else than this gateway; ask the identity provider for"
        " a token whose audience is the gateway's API application."
    ),
    "Jwt_issuer_is_not_configured": (
        "wrong issuer: the gateway does not trust the token's issuer (iss), which is compared to the letter, or has not"
        f" had its keys yet; {_FETCH}"
    ),
    "key_to_match_kid_or_alg": (
        "unknown key: no published key of the issuer fits the token's kid and alg; only RS256 and ES256 are taken, and"
        " a key that was rotated in just now is known within minutes."
    ),
    "[alg]_is_not_supported": (
        "the token's alg is not supported: only RS256 and ES256 are taken; `none` and shared-secret algorithms never."
    ),
    "Jwt_verification_fails": (
        "the token's signature does not verify with the issuer's key that it names (kid), or it has no expiry (exp)."
    ),
    "_3_sections": "the Authorization header does not hold one JSON Web Token: send `Authorization: Bearer <token>`.",
}
"""Part of Envoy's response code details to the reason in words."""

_MALFORMED: Final = "the token was not accepted: it is no well-formed JSON Web Token, or it lacks exp, sub or iss."
_IN_QUERY: Final = (
    "the request has a token in its query (access_token), where it ends in logs: send `Authorization: Bearer <token>`."
)
_SERVICE: Final = "service '%METADATA(ROUTE:lakelatch:service)%'"
_DEFAULT_DENY: Final = default_deny_message(
    "%METADATA(ROUTE:lakelatch:service)%", f"%REQ({ACTION_HEADER})%", []
).replace("Its roles: none.", "Its roles: %METADATA(ROUTE:lakelatch:roles)%.")
_USER: Final = f"%REQ({USER_HEADER})%"
_IS_PERSON: Final = f"'{USER_HEADER}' in request.headers"
_PERSON_DEFAULT_DENY: Final = person_default_deny_message(_USER, f"%REQ({ACTION_HEADER})%", []).replace(
    "Their roles: none.", f"Their roles: %REQ({ROLES_HEADER})%."
)
_NO_USER: Final = (
    f"Databricks does not take the token of user '{_USER}': either the account has no such user, or it does not trust"
    " the token's issuer for people (an account-wide federation policy)."
)
_EXPIRING: Final = "the token ends too soon to be of use at Databricks: fetch a new one from the identity provider."
_NO_PERSON_TOKEN: Final = (
    f"the gateway cannot fetch the Databricks token of user '{_USER}' for the moment: try again later; the gateway's"
    " log says why."
)
PERSON_RETRY_SECONDS: Final = 5
"""What a person is told to wait whose Databricks token cannot be had: about one attempt of the gateway."""
_RULE_NAME: Final = (
    "%CEL(response.code_details.replace('rbac_access_denied_matched_policy[rule:', '').replace(']', ''))%"
)
_BY_RULE: Final = rule_message(_RULE_NAME, "")
_REVOKED: Final = (
    "the token was revoked by whoever runs this gateway, although its signature and times are right: fetch another from"
    " the identity provider; if that one is refused as well, ask the operators."
)
_CLOSED: Final = (
    "the gateway is under maintenance for what was asked; try again later. `lakelatch maintenance status` says why and"
    " until when."
)
_UNAUDITED: Final = "the gateway cannot write its audit trail, so it lets no request through; its log says why."
MAINTENANCE_RETRY_SECONDS: Final = 30
"""Clients of Databricks retry a 503 after this long, for five minutes (databricks-sdk, `retries.py`)."""
_TOO_OFTEN: Final = (
    "service '%METADATA(ROUTE:lakelatch:service)%' calls more often than the access model lets it (limits): wait as"
    " long as Retry-After says. If it has to, raise `requests_per_second` or `burst`."
)
DRIVER_HEADER: Final = "x-thriftserver-error-message"
"""Where drivers that speak Thrift look for the reason; they read no body (databricks-sql-connector,
`thrift_backend.py`). Envoy formats headers without CEL's functions on strings: a rule stands here as Envoy names it."""
_NO_SUBJECT: Final = (
    "the token is valid, but it lacks the claim that names workloads of its issuer here (sub, where the access model"
    " names no other): ask the identity provider for it."
)
_PATH: Final = "the path has an escaped slash or cannot be normalised: send it plainly, each segment escaped once."
_NO_ANSWER: Final = (
    "the gateway got no answer from the workspace (%RESPONSE_FLAGS%); the audit line of this request says more."
)
_REFUSED: Final = "the gateway refused the request before it was decided (%RESPONSE_FLAGS%); its audit line says more."


def local_replies() -> Json:
    """Compile the mapping of every reply that Envoy makes by itself; the first that matches is taken."""
    unauthenticated = _begins("jwt_authn_access_denied")
    told = [(f"{unauthenticated} && {_has(part)}", 401, text) for part, text in AUTHENTICATION_REASONS.items()]
    told += [
        (unauthenticated, 401, _MALFORMED),
        (f"{_has(f'[{RULE_DEFAULT_DENY}]')} && {_IS_PERSON}", 403, _PERSON_DEFAULT_DENY),
        (_has(f"[{RULE_DEFAULT_DENY}]"), 403, _DEFAULT_DENY),
        (_has(f"[{RULE_NO_GROUP}]"), 403, no_group_message("%METADATA(ROUTE:lakelatch:groups_claim)%")),
        (_has(f"[{RULE_NO_USER}]"), 403, _NO_USER),
        (_has(f"[{RULE_EXPIRING}]"), 401, _EXPIRING),
        (_has("[rule:"), 403, _BY_RULE),
        (_has(f"[{RULE_REVOKED}]"), 401, _REVOKED),
        (f"{_has(f'[{RULE_UNKNOWN_ACTION}]')} && {_IS_PERSON}", 403, unknown_action_message(f"user '{_USER}'")),
        (_has(f"[{RULE_UNKNOWN_ACTION}]"), 403, unknown_action_message(_SERVICE)),
        (_has(f"[{RULE_UNKNOWN_IDENTITY}]"), 403, unknown_identity().message),
        (_has(f"[{RULE_QUERY_TOKEN}]"), 403, _IN_QUERY),
        (_has(f"[{RULE_NO_SUBJECT}]"), 401, _NO_SUBJECT),
        (f"response.code_details == '{limits.DETAIL}'", 429, _TOO_OFTEN),
        (_begins("path_normalization_failed"), 400, _PATH),
    ]
    mappers = [_mapper(expression, status, text) | {"status_code": status} for expression, status, text in told]
    later = (
        (RULE_MAINTENANCE, _CLOSED, MAINTENANCE_RETRY_SECONDS),
        (RULE_AUDIT, _UNAUDITED, MAINTENANCE_RETRY_SECONDS),
        (RULE_NO_TOKEN, _NO_PERSON_TOKEN, PERSON_RETRY_SECONDS),
    )
    for rule, text, seconds in later:
        closed = _mapper(_has(f"[{rule}]"), 503, text) | {"status_code": 503}
        closed["headers_to_add"] += [_header("retry-after", str(seconds))]
        mappers.append(closed)
    by_route = "response.code_details == 'direct_response'"
    for status in CODES:
        mappers.append(_mapper(f"response.code == {status} && {by_route}", status, "%LOCAL_REPLY_BODY%"))
        mappers.append(_mapper(f"response.code == {status}", status, _NO_ANSWER if status > 500 else _REFUSED))
    return {"mappers": mappers, "body_format": _body("INTERNAL_ERROR", _REFUSED)}


def _begins(text: str) -> str:
    return f"response.code_details.startsWith('{text}')"


def _has(text: str) -> str:
    return f"response.code_details.contains('{text}')"


def _mapper(expression: str, status: int, message: str) -> Json:
    told = _header(DRIVER_HEADER, message.replace(_RULE_NAME, "%RESPONSE_CODE_DETAILS%"))
    return {
        "filter": where(expression),
        "body_format_override": _body(CODES[status], message),
        "headers_to_add": [told],
    }


def _header(name: str, value: str) -> Json:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


_CEL: Final = {
    "name": "envoy.formatter.cel",
    "typed_config": any_of("envoy.extensions.formatter.cel.v3.Cel", {"cel_config": {"enable_string_functions": True}}),
}


def _body(code: str, message: str) -> Json:
    return {
        "formatters": [_CEL],
        "json_format": {"error_code": code, "message": message, "request_id": "%REQ(x-request-id)%"},
        "content_type": "application/json",
    }
