"""Refusals in the shape of a Kubernetes `Status` (meta/v1)."""

from typing import Any


class StatusError(Exception):
    """Raised when the API server refuses; `status` is the body and `code` the HTTP status."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            **({} if details is None else {"details": details}),
            "code": code,
        }


def unauthorized() -> StatusError:
    """The answer to a missing or wrong bearer token; like the real one it does not say which."""
    return StatusError(401, "Unauthorized", "Unauthorized")


def bad_request(message: str) -> StatusError:
    """The answer to a body that cannot be read as a TokenRequest."""
    return StatusError(400, "BadRequest", message)


def not_found(resource: str, name: str) -> StatusError:
    """The answer for a name that no object can have."""
    return StatusError(404, "NotFound", f'{resource} "{name}" not found', {"name": name, "kind": resource})


def invalid(field: str, problem: str) -> StatusError:
    """The answer to a TokenRequest that does not validate; `problem` begins with the kind, as in `Invalid value`."""
    cause = {"reason": "FieldValueInvalid", "message": problem, "field": field}
    return StatusError(
        422,
        "Invalid",
        f'TokenRequest.authentication.k8s.io "" is invalid: {field}: {problem}',
        {"group": "authentication.k8s.io", "kind": "TokenRequest", "causes": [cause]},
    )
