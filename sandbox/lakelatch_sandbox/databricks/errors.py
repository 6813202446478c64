"""Refusals in the vendor's three shapes.

REST: `{"error_code": "<string>", "message": "..."}`. SCIM: RFC 7644 §3.12. Token endpoint: RFC 6749 §5.2.
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

DRIVERS_PATH = "/sql/1.0/"
"""Below it stand the SQL warehouses for the Thrift protocol."""


class ApiError(Exception):
    """A refusal of the REST API; the vendor's clients need `error_code` to be a string."""

    def __init__(self, status: int, error_code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code
        self.message = message


class ScimError(Exception):
    """A refusal of the SCIM API."""

    def __init__(self, status: int, detail: str, scim_type: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.scim_type = scim_type


class OAuthError(Exception):
    """A refusal of a token endpoint. The description never holds a token."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description


def invalid(message: str) -> ApiError:
    """A request that is wrong in itself."""
    return ApiError(400, "INVALID_PARAMETER_VALUE", message)


async def _api(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101
    headers = {}
    if request.url.path.startswith(DRIVERS_PATH):
        # the SQL drivers read refusals from these
        headers = {
            "X-Thriftserver-Error-Message": error.message,
            "x-databricks-error-or-redirect-message": error.message,
            "x-databricks-reason-phrase": error.error_code,
        }
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="DatabricksRealm"'
    return JSONResponse({"error_code": error.error_code, "message": error.message}, error.status, headers)


async def _scim(_: Request, error: Exception) -> Response:
    assert isinstance(error, ScimError)  # noqa: S101
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "detail": error.detail,
        "status": str(error.status),
    }
    if error.scim_type:
        body["scimType"] = error.scim_type
    return JSONResponse(body, error.status, media_type="application/scim+json")


async def _oauth(_: Request, error: Exception) -> Response:
    assert isinstance(error, OAuthError)  # noqa: S101
    return JSONResponse(
        {"error": error.error, "error_description": error.description}, error.status, {"Cache-Control": "no-store"}
    )


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    body = {
        "error_code": "ENDPOINT_NOT_FOUND" if error.status_code == 404 else "BAD_REQUEST",
        "message": f"No API found for '{request.method} {request.url.path}'",
    }
    return JSONResponse(body, error.status_code)


HANDLERS = {ApiError: _api, ScimError: _scim, OAuthError: _oauth, HTTPException: _http}
"""For `Starlette(exception_handlers=...)`."""
