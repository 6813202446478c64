"""OAuth secrets of service principals: made by administrators, shown once, kept as digests.

Source: docs.databricks.com/aws/en/dev-tools/auth/oauth-m2m; the lifetime's bound is the API reference's.
"""

import datetime
import hashlib
import hmac
import re
import secrets
import uuid
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.directory import Directory, secrets_kind
from lakelatch_sandbox.databricks.errors import ApiError, invalid
from lakelatch_sandbox.databricks.requests import json_object
from lakelatch_sandbox.store import Document, Store

MAX_SECRETS: Final = 5
MAX_LIFETIME_SECONDS: Final = 730 * 86_400
"""Also the lifetime of a secret that none was asked for."""

PREFIX: Final = "dose"
"""The vendor's OAuth secrets begin with it; scanners know them by it."""

_LIFETIME = re.compile(r"([1-9][0-9]{0,9})s")


def lifetime_seconds(text: object) -> int:
    """The seconds of a lifetime such as `3600s`; raises `ApiError` 400."""
    if text in (None, ""):
        return MAX_LIFETIME_SECONDS
    parsed = _LIFETIME.fullmatch(text) if isinstance(text, str) else None
    if parsed is None:
        raise invalid("lifetime must be a whole number of seconds followed by `s`, for example `3600s`")
    if int(parsed[1]) > MAX_LIFETIME_SECONDS:
        raise invalid(f"lifetime must be at most {MAX_LIFETIME_SECONDS}s (730 days)")
    return int(parsed[1])


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _time(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat().replace("+00:00", "Z")


class PrincipalSecrets:
    """The handlers; the caller has been authenticated as an administrator."""

    def __init__(self, store: Store, directory: Directory, clock: Clock, audit: Audit) -> None:
        self._store = store
        self._directory = directory
        self._clock = clock
        self._audit = audit

    def is_valid(self, principal_id: str, secret: str) -> bool:
        """Whether this is a secret of the principal that has not expired."""
        digest = _digest(secret)
        return any(hmac.compare_digest(one["_digest"], digest) for one in self._live(principal_id))

    def _live(self, principal_id: str) -> list[Document]:
        now = self._clock.now()
        return [one for one in self._store.all(secrets_kind(principal_id)) if one["_expires"] > now]

    def _owner(self, request: Request) -> str:
        id: str = request.path_params["principal_id"]
        if self._directory.get(id) is None or not self._visible(request, id):
            raise ApiError(404, "NOT_FOUND", f"Service principal {id} does not exist.")
        return id

    def _visible(self, request: Request, id: str) -> bool:
        """On the workspace's paths only principals of the workspace are known."""
        return "account_id" in request.path_params or bool(self._directory.permissions(id))

    def _record(self, request: Request, action: str, id: str, **params: str) -> None:
        self._audit.record(
            request,
            "servicePrincipalCredentials",
            action,
            by=request.state.caller.name,
            params={"servicePrincipalId": id, **params},
            on_account=True,
        )

    async def create(self, request: Request) -> Response:
        """`POST .../servicePrincipals/{principal_id}/credentials/secrets`; the only answer with the secret."""
        body = await json_object(request)
        owner = self._owner(request)
        expires = self._clock.now() + lifetime_seconds(body.get("lifetime"))
        if len(self._live(owner)) >= MAX_SECRETS:
            raise ApiError(
                400, "RESOURCE_LIMIT_EXCEEDED", f"A service principal can have {MAX_SECRETS} secrets at most."
            )
        secret = PREFIX + secrets.token_hex(16)
        now = _time(self._clock.now())
        made: Document = {
            "id": str(uuid.uuid4()),
            "secret_hash": _digest(_digest(secret))[:32],
            "status": "ACTIVE",
            "create_time": now,
            "update_time": now,
            "expire_time": _time(expires),
            "_digest": _digest(secret),
            "_expires": expires,
        }
        self._store.put(secrets_kind(owner), made["id"], made)
        self._record(request, "create", owner, secretId=made["id"])
        return JSONResponse({**_shown(made), "secret": secret})

    async def list(self, request: Request) -> Response:
        """`GET .../credentials/secrets`; expired ones are not listed."""
        return JSONResponse({"secrets": [_shown(one) for one in self._live(self._owner(request))]})

    async def delete(self, request: Request) -> Response:
        """`DELETE .../credentials/secrets/{secret_id}`."""
        owner, id = self._owner(request), request.path_params["secret_id"]
        if not self._store.delete(secrets_kind(owner), id):
            raise ApiError(404, "NOT_FOUND", f"Secret {id} does not exist.")
        self._record(request, "delete", owner, secretId=id)
        return JSONResponse({})


def _shown(secret: Document) -> Document:
    return {name: value for name, value in secret.items() if not name.startswith("_")}
