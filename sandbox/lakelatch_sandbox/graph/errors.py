"""Refusals of Microsoft Graph, in its error envelope (learn.microsoft.com/graph/errors)."""

import uuid
from datetime import UTC, datetime
from typing import Any


class GraphError(Exception):
    """Raised when Graph refuses: HTTP status, Graph's code and its message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def bad_request(message: str, code: str = "Request_BadRequest") -> GraphError:
    """The request says something that cannot be."""
    return GraphError(400, code, message)


def unauthenticated(message: str) -> GraphError:
    """The bearer token is missing or not one for Graph."""
    return GraphError(401, "InvalidAuthenticationToken", message)


def denied() -> GraphError:
    """The token is good, but carries no permission for this operation."""
    return GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def not_found(id: str) -> GraphError:
    """No object has this id."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{id}' does not exist or one of its queried reference-property objects are not present.",
    )


def conflict(message: str) -> GraphError:
    """Another object has what must be unique."""
    return GraphError(409, "Request_MultipleObjectsWithSameKeyValue", message)


def envelope(error: GraphError, *, now: int, client_request_id: str | None = None) -> dict[str, Any]:
    """The body of a refusal; `now` is seconds since the epoch."""
    request_id = str(uuid.uuid4())
    return {
        "error": {
            "code": error.code,
            "message": error.message,
            "innerError": {
                "date": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
                "request-id": request_id,
                "client-request-id": client_request_id or request_id,
            },
        }
    }
