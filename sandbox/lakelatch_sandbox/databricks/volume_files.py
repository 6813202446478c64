"""Files API: files and directories of Unity Catalog volumes, streamed from and to the sandbox's own folder.

Source: the Files API's reference (`/api/2.0/fs/files`, `/api/2.0/fs/directories`), ranges: RFC 9110 §14. Any volume is
there as soon as something is put into it. Names are kept encoded, so that no path leads out of the folder.
"""

import asyncio
import email.utils
import os
import re
import secrets
import shutil
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from lakelatch_sandbox.databricks import fields, paging
from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.errors import ApiError, invalid
from lakelatch_sandbox.databricks.tokens import Caller

MAX_FILE_BYTES: Final = 5 * 1024**3
"""The vendor's bound for one upload."""

MAX_PAGE: Final = 1000
MAX_NAME_BYTES: Final = 255
"""Of one encoded name: what file systems take."""

_VOLUME_PARTS: Final = 4
"""`Volumes`, catalog, schema, volume: what stands below is the user's."""

_UNFINISHED = ".upload-"
_NAME = re.compile(r"[^\x00-\x1f\x7f]+")


class VolumeFiles:
    """The handlers; the caller has been authenticated."""

    def __init__(self, folder: Path, audit: Audit) -> None:
        self._folder = folder
        self._audit = audit

    def _local(self, request: Request) -> Path:
        """Where a path of the API is kept; raises `ApiError` 400 for one outside of volumes."""
        parts = [part for part in request.path_params["path"].split("/") if part]
        if len(parts) < _VOLUME_PARTS or parts[0] != "Volumes":
            raise invalid("The path must begin with /Volumes/<catalog>/<schema>/<volume>")
        names = [_kept(part) for part in parts]
        if any(part in (".", "..") or not _NAME.fullmatch(part) for part in parts) or any(
            len(name.encode()) > MAX_NAME_BYTES for name in names
        ):
            raise invalid("A name in the path is not one that a file may have")
        return self._folder.joinpath(*names)

    def _record(self, request: Request, who: Caller, action: str) -> None:
        self._audit.record(
            request, "filesystem", action, by=who.name, params={"path": "/" + request.path_params["path"]}
        )

    @staticmethod
    def _missing(request: Request) -> ApiError:
        return ApiError(404, "NOT_FOUND", f"/{request.path_params['path'][:500]} does not exist.")

    async def upload(self, request: Request, who: Caller) -> Response:
        """`PUT files/{path}`; with `overwrite=false` an existing file is refused with 409.

        The file appears when it is whole; its directories are made.
        """
        target = self._local(request)
        query = request.query_params
        overwrite = "overwrite" not in query or fields.flag(query, "overwrite")
        if target.is_dir() or (target.exists() and not overwrite):
            raise ApiError(409, "ALREADY_EXISTS", f"/{request.path_params['path'][:500]} already exists.")
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except (FileExistsError, NotADirectoryError) as error:
            raise ApiError(409, "ALREADY_EXISTS", "A directory of the path is a file.") from error
        beside = target.parent / f"{_UNFINISHED}{secrets.token_hex(8)}"
        size = 0
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                async for part in request.stream():
                    size += len(part)
                    if size > MAX_FILE_BYTES:
                        raise ApiError(413, "REQUEST_LIMIT_EXCEEDED", f"A file has at most {MAX_FILE_BYTES} bytes.")
                    await asyncio.to_thread(file.write, part)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
        self._record(request, who, "filesPut")
        return Response(status_code=204)

    async def begin_upload(self, request: Request, _: Caller) -> Response:
        """`POST files/{path}?action=initiate-upload`: how clients begin with a large file."""
        self._local(request)
        if request.query_params.get("action") != "initiate-upload":
            raise invalid("`action` must be initiate-upload")
        return JSONResponse({"multipart_upload": {"session_token": secrets.token_urlsafe(16)}})

    async def no_storage(self, _request: Request, _: Caller) -> Response:
        """`POST create-*-url`: as in workspaces that do not give out addresses of their cloud storage.

        Clients then send the whole file to its own path (databricks-sdk, `mixins/files.py`).
        """
        raise ApiError(403, "PERMISSION_DENIED", "Presigned URLs API is not enabled")

    async def download(self, request: Request, who: Caller) -> Response:
        """`GET` and `HEAD files/{path}`, with `Range` and `If-Unmodified-Since`."""
        target = self._local(request)
        if not target.is_file():
            raise self._missing(request)
        since = request.headers.get("if-unmodified-since")
        moment = None if since is None else email.utils.parsedate_tz(since)
        if moment is not None and int(target.stat().st_mtime) > email.utils.mktime_tz(moment):
            raise ApiError(412, "PRECONDITION_FAILED", "The file was changed after If-Unmodified-Since.")
        self._record(request, who, "filesGet" if request.method == "GET" else "filesHead")
        return FileResponse(target, media_type="application/octet-stream")

    async def delete(self, request: Request, who: Caller) -> Response:
        """`DELETE files/{path}`."""
        target = self._local(request)
        if not target.is_file():
            raise self._missing(request)
        target.unlink()
        self._record(request, who, "filesDelete")
        return Response(status_code=204)

    async def make_directory(self, request: Request, who: Caller) -> Response:
        """`PUT directories/{path}`, with its parents; one that is there is fine."""
        try:
            self._local(request).mkdir(parents=True, exist_ok=True, mode=0o700)
        except (FileExistsError, NotADirectoryError) as error:
            raise ApiError(409, "ALREADY_EXISTS", "There is a file with this name.") from error
        self._record(request, who, "directoriesPut")
        return Response(status_code=204)

    async def see_directory(self, request: Request, _: Caller) -> Response:
        """`HEAD directories/{path}`."""
        if not self._local(request).is_dir():
            raise self._missing(request)
        return Response(status_code=200)

    async def list_directory(self, request: Request, who: Caller) -> Response:
        """`GET directories/{path}`: in the order of their names, in pages."""
        target = self._local(request)
        if not target.is_dir():
            raise self._missing(request)
        size = fields.number(request.query_params, "page_size", most=MAX_PAGE) or MAX_PAGE
        entries = sorted((one for one in target.iterdir() if not one.name.startswith(_UNFINISHED)), key=_shown)
        found, following, _ = paging.page(entries, request.query_params.get("page_token"), size)
        base = "/" + request.path_params["path"].strip("/")
        contents = [_entry(base, one) for one in found]
        self._record(request, who, "directoriesList")
        return JSONResponse({"contents": contents} | ({"next_page_token": following} if following else {}))

    async def delete_directory(self, request: Request, who: Caller) -> Response:
        """`DELETE directories/{path}`: an empty one."""
        target = self._local(request)
        if not target.is_dir():
            raise self._missing(request)
        if any(not one.name.startswith(_UNFINISHED) for one in target.iterdir()):
            raise ApiError(400, "DIRECTORY_NOT_EMPTY", "The directory is not empty.")
        shutil.rmtree(target)
        self._record(request, who, "directoriesDelete")
        return Response(status_code=204)


def _kept(name: str) -> str:
    # a dot in front would be hidden among unfinished uploads
    encoded = quote(name, safe=" !#$&'()+,;=@[]{}~^-_.")
    return "%2E" + encoded[1:] if encoded.startswith(".") else encoded


def _shown(path: Path) -> str:
    return unquote(path.name)


def _entry(base: str, path: Path) -> dict[str, Any]:
    status = path.stat()
    entry: dict[str, Any] = {
        "path": f"{base}/{_shown(path)}",
        "name": _shown(path),
        "is_directory": path.is_dir(),
        "last_modified": int(status.st_mtime * 1000),
    }
    return entry if path.is_dir() else entry | {"file_size": status.st_size}
