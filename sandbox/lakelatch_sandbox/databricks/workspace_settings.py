"""Settings of a workspace: `workspace-conf`, and those of the Settings API with their etags.

Sources: the references of `workspace-conf` and `settings/types`. A setting that was never set is answered with the
vendor's default, where the vendor answers 404.
"""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.databricks.errors import ApiError, invalid
from lakelatch_sandbox.databricks.requests import json_object
from lakelatch_sandbox.store import Document, Store

CONF: Final = "databricks/workspace_conf"
SETTINGS: Final = "databricks/settings"
KEYS: Final = frozenset({"enableIpAccessLists", "enableTokensConfig", "enableVerboseAuditLogs", "maxTokenLifetimeDays"})
"""What can be set by `workspace-conf` here; every value is text."""

DEFAULTS: Final[dict[str, Document]] = {
    "restrict_workspace_admins": {"restrict_workspace_admins": {"status": "ALLOW_ALL"}},
    "disable_legacy_access": {"disable_legacy_access": {"value": False}},
    "disable_legacy_dbfs": {"disable_legacy_dbfs": {"value": False}},
}


class WorkspaceSettings:
    """The handlers; the caller has been authenticated as an administrator."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read_conf(self, request: Request) -> Response:
        """`GET /api/2.0/workspace-conf?keys=a,b`: without those never set."""
        kept = self._store.get(CONF, "conf") or {}
        keys = request.query_params.get("keys", "").split(",")
        _check_keys(set(keys))
        return JSONResponse({key: kept[key] for key in keys if key in kept})

    async def write_conf(self, request: Request) -> Response:
        """`PATCH /api/2.0/workspace-conf`."""
        body = await json_object(request)
        _check_keys(body.keys())
        if not all(isinstance(value, str) for value in body.values()):
            raise invalid("every value must be text")
        self._store.put(CONF, "conf", {**(self._store.get(CONF, "conf") or {}), **body})
        return Response(status_code=204)

    def _setting(self, request: Request) -> tuple[str, Document]:
        type = request.path_params["type"]
        if type not in DEFAULTS:
            raise ApiError(404, "NOT_FOUND", f"Setting {type[:100]} does not exist.")
        return type, self._store.get(SETTINGS, type) or {**DEFAULTS[type], "etag": "0", "setting_name": "default"}

    async def read(self, request: Request) -> Response:
        """`GET /api/2.0/settings/types/{type}/names/default`."""
        return JSONResponse(self._setting(request)[1])

    async def update(self, request: Request) -> Response:
        """`PATCH` of the same: 409 without the latest etag."""
        type, before = self._setting(request)
        body = await json_object(request)
        wanted: Any = body.get("setting")
        if (
            body.get("allow_missing") is not True
            or not isinstance(wanted, dict)
            or not isinstance(wanted.get(type), dict)
        ):
            raise invalid(f"allow_missing must be true, and setting must hold {type}")
        if wanted[type].keys() != DEFAULTS[type][type].keys():
            raise invalid(f"{type} must hold {', '.join(DEFAULTS[type][type])}")
        _check_etag(before, wanted.get("etag"))
        kept = {type: wanted[type], "etag": str(self._store.next(SETTINGS)), "setting_name": "default"}
        return JSONResponse(self._store.put(SETTINGS, type, kept))

    async def delete(self, request: Request) -> Response:
        """`DELETE` of the same: back to the default, whatever it was before."""
        type, before = self._setting(request)
        _check_etag(before, request.query_params.get("etag"))
        self._store.delete(SETTINGS, type)
        return JSONResponse({"etag": "0"})


def _check_keys(keys: Any) -> None:
    if unknown := set(keys) - KEYS:
        raise invalid(f"Invalid keys: {', '.join(sorted(unknown))[:200]}")


def _check_etag(before: Document, etag: object) -> None:
    if etag != before["etag"]:
        raise ApiError(409, "RESOURCE_CONFLICT", "The etag is not the setting's latest.")
