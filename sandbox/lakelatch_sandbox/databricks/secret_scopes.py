"""Secrets API: scopes, secrets and their access lists. A value is given out by `get` alone and is never logged.

Source: the Secrets API's reference (`/api/2.0/secrets/*`) and docs.databricks.com/aws/en/security/secrets.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.databricks import fields
from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.directory import Directory
from lakelatch_sandbox.databricks.errors import ApiError, invalid
from lakelatch_sandbox.databricks.requests import json_object
from lakelatch_sandbox.databricks.resource_types import GROUP, WORKSPACE_GROUP
from lakelatch_sandbox.databricks.tokens import Caller
from lakelatch_sandbox.store import Document, Store

SCOPES: Final = "databricks/secret_scopes"
EVERYONE: Final = "users"
"""The group of everyone in the workspace."""

MAX_SCOPES: Final = 1000
MAX_SECRETS: Final = 1000
MAX_VALUE_BYTES: Final = 128 * 1024

LEVELS: Final = {"READ": 1, "WRITE": 2, "MANAGE": 3}
"""Each level includes those below it."""

_NAME = re.compile(r"[\w.@-]{1,128}", re.ASCII)


def _kind(scope: str) -> str:
    return f"databricks/secrets/{scope}"


def _value(body: Mapping[str, Any]) -> bytes:
    """What is put, from exactly one of the two members; no message ever holds it."""
    text, encoded = body.get("string_value"), body.get("bytes_value")
    if (text is None) == (encoded is None):
        raise invalid("Exactly one of string_value and bytes_value must be given")
    if not isinstance(text or encoded or "", str):
        raise invalid("string_value and bytes_value must be strings")
    try:
        value = text.encode() if text is not None else base64.b64decode(str(encoded), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("bytes_value must be base64") from error
    if len(value) > MAX_VALUE_BYTES:
        raise ApiError(400, "MAX_SECRET_SIZE_EXCEEDED", f"A secret has at most {MAX_VALUE_BYTES} bytes.")
    return value


class SecretScopes:
    """The handlers; the caller has been authenticated."""

    def __init__(self, store: Store, clock: Clock, directory: Directory, audit: Audit) -> None:
        self._store = store
        self._clock = clock
        self._directory = directory
        self._audit = audit

    def _level(self, scope: Document, who: Caller) -> int:
        if "ADMIN" in self._directory.permissions(who.id):
            return LEVELS["MANAGE"]
        mine = {who.name, EVERYONE, *(str(group["displayName"]) for group in self._directory.groups_of(who.id))}
        return max((LEVELS[level] for name, level in scope["_acls"].items() if name in mine), default=0)

    def _scope(self, given: Mapping[str, Any], who: Caller, level: str) -> Document:
        """The scope that is named, for a caller who has at least this level on it."""
        name = fields.required(given, "scope")
        scope = self._store.get(SCOPES, name)
        if scope is None:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Scope {name} does not exist!")
        if self._level(scope, who) < LEVELS[level]:
            raise ApiError(
                403, "PERMISSION_DENIED", f"User {who.name} does not have {level} permission on scope {name}"
            )
        return scope

    def _record(self, request: Request, who: Caller, action: str, **params: str | None) -> None:
        self._audit.record(request, "secrets", action, by=who.name, params=params)

    async def create_scope(self, request: Request, who: Caller) -> Response:
        """`POST scopes/create`; the creator, or with `initial_manage_principal` everyone, may manage it."""
        body = await json_object(request)
        name = fields.required(body, "scope")
        if not _NAME.fullmatch(name):
            raise invalid("Scope names have 1 to 128 letters, digits and `_ - @ .`")
        if body.get("scope_backend_type", "DATABRICKS") != "DATABRICKS":
            raise ApiError(501, "NOT_IMPLEMENTED", "The sandbox has scopes with backend type DATABRICKS only.")
        first = fields.text(body, "initial_manage_principal")
        if first not in (None, EVERYONE):
            raise invalid(f"initial_manage_principal can only be `{EVERYONE}`")
        if self._store.get(SCOPES, name) is not None:
            raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"Scope {name} already exists!")
        if self._store.count(SCOPES) >= MAX_SCOPES:
            raise ApiError(400, "RESOURCE_LIMIT_EXCEEDED", f"A workspace has at most {MAX_SCOPES} scopes.")
        scope = {"name": name, "backend_type": "DATABRICKS", "_acls": {first or who.name: "MANAGE"}}
        self._store.put(SCOPES, name, scope)
        self._record(request, who, "createScope", scope=name, initial_manage_principal=first)
        return JSONResponse({})

    async def list_scopes(self, _: Request, who: Caller) -> Response:
        """`GET scopes/list`: those on which the caller has any level."""
        found = [one for one in self._store.all(SCOPES) if self._level(one, who)]
        return JSONResponse(
            {"scopes": [{"name": one["name"], "backend_type": one["backend_type"]} for one in found]} if found else {}
        )

    async def delete_scope(self, request: Request, who: Caller) -> Response:
        """`POST scopes/delete`, with the secrets in it."""
        name = self._scope(await json_object(request), who, "MANAGE")["name"]
        for secret in self._store.all(_kind(name)):
            self._store.delete(_kind(name), secret["key"])
        self._store.delete(SCOPES, name)
        self._record(request, who, "deleteScope", scope=name)
        return JSONResponse({})

    async def put(self, request: Request, who: Caller) -> Response:
        """`POST put`: creates or replaces."""
        body = await json_object(request)
        scope = self._scope(body, who, "WRITE")["name"]
        key = fields.required(body, "key")
        if not _NAME.fullmatch(key):
            raise invalid("Keys have 1 to 128 letters, digits and `_ - @ .`")
        value = _value(body)
        if self._store.count(_kind(scope)) >= MAX_SECRETS and self._store.get(_kind(scope), key) is None:
            raise ApiError(400, "RESOURCE_LIMIT_EXCEEDED", f"A scope has at most {MAX_SECRETS} secrets.")
        now = self._clock.now() * 1000
        secret = {"key": key, "last_updated_timestamp": now, "_value": base64.b64encode(value).decode()}
        self._store.put(_kind(scope), key, secret)
        self._record(request, who, "putSecret", scope=scope, key=key)
        return JSONResponse({})

    def _secret(self, scope: str, key: str) -> Document:
        secret = self._store.get(_kind(scope), key)
        if secret is None:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Secret does not exist with scope: {scope} and key: {key}")
        return secret

    async def get(self, request: Request, who: Caller) -> Response:
        """`GET get`: the one answer with the value, in base64."""
        scope = self._scope(request.query_params, who, "READ")["name"]
        secret = self._secret(scope, fields.required(request.query_params, "key"))
        self._record(request, who, "getSecret", scope=scope, key=secret["key"])
        return JSONResponse({"key": secret["key"], "value": secret["_value"]}, headers={"Cache-Control": "no-store"})

    async def list(self, request: Request, who: Caller) -> Response:
        """`GET list`: names and times, no values."""
        scope = self._scope(request.query_params, who, "READ")["name"]
        self._record(request, who, "listSecrets", scope=scope)
        found = [{name: one[name] for name in ("key", "last_updated_timestamp")} for one in self._secrets(scope)]
        return JSONResponse({"secrets": found} if found else {})

    def _secrets(self, scope: str) -> tuple[Document, ...]:
        return tuple(self._store.all(_kind(scope)))

    async def delete(self, request: Request, who: Caller) -> Response:
        """`POST delete`."""
        body = await json_object(request)
        scope = self._scope(body, who, "WRITE")["name"]
        key = self._secret(scope, fields.required(body, "key"))["key"]
        self._store.delete(_kind(scope), key)
        self._record(request, who, "deleteSecret", scope=scope, key=key)
        return JSONResponse({})

    def _principal(self, given: Mapping[str, Any]) -> str:
        name = fields.required(given, "principal")
        groups = (self._directory.by_key(type, name) for type in (GROUP, WORKSPACE_GROUP))
        if name not in (EVERYONE, "admins") and self._directory.by_name(name) is None and not any(groups):
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Principal {name} does not exist in the workspace")
        return name

    async def put_acl(self, request: Request, who: Caller) -> Response:
        """`POST acls/put`."""
        body = await json_object(request)
        scope = self._scope(body, who, "MANAGE")
        principal, level = self._principal(body), body.get("permission")
        if level not in LEVELS:
            raise invalid(f"permission must be one of {', '.join(LEVELS)}")
        self._store.put(SCOPES, scope["name"], {**scope, "_acls": {**scope["_acls"], principal: level}})
        self._record(request, who, "putAcl", scope=scope["name"], principal=principal, permission=str(level))
        return JSONResponse({})

    async def delete_acl(self, request: Request, who: Caller) -> Response:
        """`POST acls/delete`."""
        body = await json_object(request)
        scope = self._scope(body, who, "MANAGE")
        principal = fields.required(body, "principal")
        self._acl(scope, principal)
        left = {name: level for name, level in scope["_acls"].items() if name != principal}
        self._store.put(SCOPES, scope["name"], {**scope, "_acls": left})
        self._record(request, who, "deleteAcl", scope=scope["name"], principal=principal)
        return JSONResponse({})

    @staticmethod
    def _acl(scope: Document, principal: str) -> dict[str, str]:
        if principal not in scope["_acls"]:
            raise ApiError(
                404, "RESOURCE_DOES_NOT_EXIST", f"No permission of {principal[:200]} on scope {scope['name']}"
            )
        return {"principal": principal, "permission": scope["_acls"][principal]}

    async def get_acl(self, request: Request, who: Caller) -> Response:
        """`GET acls/get`."""
        scope = self._scope(request.query_params, who, "MANAGE")
        return JSONResponse(self._acl(scope, fields.required(request.query_params, "principal")))

    async def list_acls(self, request: Request, who: Caller) -> Response:
        """`GET acls/list`."""
        scope = self._scope(request.query_params, who, "MANAGE")
        return JSONResponse({"items": [self._acl(scope, principal) for principal in scope["_acls"]]})
