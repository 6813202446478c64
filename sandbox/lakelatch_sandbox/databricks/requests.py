"""Reading requests: bounded bodies, JSON objects, forms, numbers in queries."""

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from lakelatch_sandbox.databricks.errors import ApiError, OAuthError, invalid

MAX_BODY = 17 * 1024 * 1024
"""The vendor takes statement texts of up to 16 MiB; the rest is the envelope."""

MAX_FORM = 256 * 1024
"""For token requests: a JWT with every group of a person is still far smaller."""


async def body(request: Request, limit: int = MAX_BODY) -> bytes:
    """The request's body; raises `ApiError` 413 beyond the limit, without reading on."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise ApiError(413, "REQUEST_LIMIT_EXCEEDED", f"the request's body is larger than {limit} bytes")
        parts.append(part)
    return b"".join(parts)


async def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object; raises `ApiError` 400 when it is something else."""
    try:
        found = json.loads(await body(request) or b"{}")
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "MALFORMED_REQUEST", "the request's body is not JSON") from error
    if not isinstance(found, dict):
        raise ApiError(400, "MALFORMED_REQUEST", "the request's body is not a JSON object")
    return found


async def form(request: Request) -> dict[str, str]:
    """The body as a form (RFC 6749 §3.2: no parameter twice); raises `OAuthError` 400 otherwise."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise OAuthError(400, "invalid_request", "the body must be application/x-www-form-urlencoded")
    try:
        pairs = parse_qsl((await body(request, MAX_FORM)).decode(), keep_blank_values=True, max_num_fields=50)
    except (ApiError, ValueError) as error:
        raise OAuthError(400, "invalid_request", "the form is malformed or too large") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise OAuthError(400, "invalid_request", "a parameter appears more than once")
    return fields


def whole_number(request: Request, name: str, default: int, *, least: int, most: int) -> int:
    """A whole number of the query, clamped to its range; raises `ApiError` 400 when it is no number."""
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        return min(max(int(text), least), most)
    except ValueError as error:
        raise invalid(f"`{name}` must be a whole number") from error
