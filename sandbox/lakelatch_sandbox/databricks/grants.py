"""Unity Catalog: catalogs and schemas to hold grants, and the grants themselves, direct and effective."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.databricks import securables
from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.directory import GRANTS, Directory
from lakelatch_sandbox.databricks.errors import ApiError, invalid
from lakelatch_sandbox.databricks.requests import json_object
from lakelatch_sandbox.databricks.resource_types import GROUP, SERVICE_PRINCIPAL, USER
from lakelatch_sandbox.store import Document, Store

MADE = "databricks/securables"
EVERYONE = "account users"
"""The system group of everyone in the account; it exists without being made, and has no id."""


class GrantApi:
    """The handlers; the caller has been authenticated, as an administrator where something changes."""

    def __init__(self, store: Store, directory: Directory, audit: Audit) -> None:
        self._store = store
        self._directory = directory
        self._audit = audit

    def _exists(self, securable_type: str, full_name: str) -> bool:
        return (
            full_name in securables.SEEDED.get(securable_type, ())
            or self._store.get(MADE, f"{securable_type}/{full_name}") is not None
            # one metastore, whatever its id
            or securable_type == "metastore"
        )

    def _target(self, request: Request) -> tuple[str, str]:
        securable_type, full_name = request.path_params["type"].lower(), request.path_params["name"]
        if securable_type not in securables.PRIVILEGES:
            known = ", ".join(securables.PRIVILEGES)
            raise invalid(f"Securable type {securable_type[:100]} is not one that the sandbox has: {known}")
        if not self._exists(securable_type, full_name):
            raise ApiError(404, *securables.missing(securable_type, full_name))
        return securable_type, full_name

    def _held(self, securable_type: str, full_name: str) -> dict[str, list[str]]:
        found = self._store.get(GRANTS, f"{securable_type}/{full_name}")
        return {} if found is None else dict(found["privileges"])

    def _id(self, name: Any) -> str:
        """Whom a grant is for: a group by its name, a user by the user name, a service principal by application id."""
        if name == EVERYONE:
            return EVERYONE
        found = next(
            (one for type in (GROUP, USER, SERVICE_PRINCIPAL) if (one := self._directory.by_key(type, str(name)))), None
        )
        if found is None:
            raise ApiError(
                404, "PRINCIPAL_DOES_NOT_EXIST", f"Could not find principal with name {str(name)[:200]} in the account."
            )
        return str(found["id"])

    def _name(self, id: str) -> str:
        if id == EVERYONE:
            return EVERYONE
        found = self._directory.principal(id)
        return id if found is None else str(found[1][found[0].key])

    def _answer(self, held: dict[str, list[str]], principal: str | None) -> Response:
        named = [{"principal": self._name(id), "privileges": privileges} for id, privileges in held.items()]
        return JSONResponse({"privilege_assignments": [one for one in named if principal in (None, one["principal"])]})

    async def read(self, request: Request) -> Response:
        """`GET /api/2.1/unity-catalog/permissions/{type}/{name}[?principal=...]`."""
        return self._answer(self._held(*self._target(request)), request.query_params.get("principal"))

    async def update(self, request: Request) -> Response:
        """`PATCH .../permissions/{type}/{name}` with `changes` of `principal`, `add` and `remove`."""
        changes = (await json_object(request)).get("changes", [])
        securable_type, full_name = self._target(request)
        if not isinstance(changes, list) or not all(isinstance(change, dict) for change in changes):
            raise invalid("changes must be a list of objects")
        held = self._held(securable_type, full_name)
        for change in changes:
            id = self._id(change.get("principal"))
            add, remove = (self._privileges(securable_type, full_name, change.get(name)) for name in ("add", "remove"))
            held[id] = sorted({*held.get(id, []), *add} - remove)
        self._directory.save_grant({"securable_type": securable_type, "full_name": full_name, "privileges": held})
        self._audit.record(
            request,
            "unityCatalog",
            "updatePermissions",
            by=request.state.caller.name,
            params={"securable_type": securable_type, "securable_full_name": full_name, "changes": changes},
        )
        return self._answer(self._held(securable_type, full_name), None)

    @staticmethod
    def _privileges(securable_type: str, full_name: str, given: Any) -> set[str]:
        if given is None:
            return set()
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise invalid("add and remove must be lists of privileges")
        found = {securables.normalised(one) for one in given}
        for privilege in sorted(found - set(securables.PRIVILEGES[securable_type])):
            raise invalid(
                f"Privilege {privilege[:100]} is not applicable to this entity [{full_name}:{securable_type.upper()}]."
            )
        return found

    async def effective(self, request: Request) -> Response:
        """`GET /api/2.1/unity-catalog/effective-permissions/{type}/{name}`: with what is inherited, and from where.

        With `principal`, what it holds through its groups counts too.
        """
        target = self._target(request)
        asked = request.query_params.get("principal")
        mine: set[str] | None = None
        if asked is not None:
            id = self._id(asked)
            mine = {id, EVERYONE, *(group["id"] for group in self._directory.groups_of(id))}
        found: dict[str, list[Document]] = {}
        for level, (securable_type, full_name) in enumerate((target, *securables.parents(*target))):
            source = (
                {} if level == 0 else {"inherited_from_type": securable_type.upper(), "inherited_from_name": full_name}
            )
            for id, privileges in self._held(securable_type, full_name).items():
                if mine is None or id in mine:
                    name = self._name(id) if asked is None else asked
                    found.setdefault(name, []).extend({"privilege": one, **source} for one in privileges)
        return JSONResponse(
            {
                "privilege_assignments": [
                    {"principal": name, "privileges": privileges} for name, privileges in found.items()
                ]
            }
        )

    async def create(self, request: Request) -> Response:
        """`POST /api/2.1/unity-catalog/catalogs` and `.../schemas`."""
        body = await json_object(request)
        securable_type = _collection(request).removesuffix("s")
        name = str(body.get("name") or "")
        if not name or "." in name or "/" in name or len(name) > 255:
            raise invalid("name must be given, without `.` and `/`")
        full_name = name
        if securable_type == "schema":
            catalog = str(body.get("catalog_name"))
            if not self._exists("catalog", catalog):
                raise ApiError(404, *securables.missing("catalog", catalog))
            full_name = f"{catalog}.{name}"
        if self._exists(securable_type, full_name):
            code = f"{securable_type.upper()}_ALREADY_EXISTS"
            raise ApiError(400, code, f"{securable_type.capitalize()} '{full_name}' already exists")
        self._store.put(
            MADE, f"{securable_type}/{full_name}", {"securable_type": securable_type, "full_name": full_name}
        )
        self._record(request, f"create{securable_type.capitalize()}", full_name)
        return JSONResponse(_described(securable_type, full_name))

    def _record(self, request: Request, action: str, full_name: str) -> None:
        params = {"full_name_arg": full_name}
        self._audit.record(request, "unityCatalog", action, by=request.state.caller.name, params=params)

    async def list(self, request: Request) -> Response:
        """`GET .../catalogs` and `.../schemas?catalog_name=...`."""
        collection = _collection(request)
        securable_type = collection.removesuffix("s")
        made = [one["full_name"] for one in self._store.all(MADE) if one["securable_type"] == securable_type]
        names = sorted({*securables.SEEDED.get(securable_type, ()), *made})
        catalog = request.query_params.get("catalog_name")
        shown = [name for name in names if securable_type == "catalog" or name.partition(".")[0] == catalog]
        return JSONResponse({collection: [_described(securable_type, name) for name in shown]})

    async def describe(self, request: Request) -> Response:
        """`GET .../catalogs/{name}` and `.../schemas/{name}`."""
        securable_type, full_name = _collection(request).removesuffix("s"), request.path_params["name"]
        if not self._exists(securable_type, full_name):
            raise ApiError(404, *securables.missing(securable_type, full_name))
        return JSONResponse(_described(securable_type, full_name))

    async def delete(self, request: Request) -> Response:
        """`DELETE .../catalogs/{name}` and `.../schemas/{name}`, with the grants on it and on what is in it."""
        securable_type, full_name = _collection(request).removesuffix("s"), request.path_params["name"]
        if self._store.get(MADE, f"{securable_type}/{full_name}") is None:
            raise ApiError(404, *securables.missing(securable_type, full_name))
        for kind in (MADE, GRANTS):
            for one in self._store.all(kind):
                if one["full_name"] == full_name or one["full_name"].startswith(f"{full_name}."):
                    self._store.delete(kind, f"{one['securable_type']}/{one['full_name']}")
        self._record(request, f"delete{securable_type.capitalize()}", full_name)
        return JSONResponse({})


def _collection(request: Request) -> str:
    """`catalogs` or `schemas`, after `/api/2.1/unity-catalog/`."""
    return request.url.path.split("/")[4]


def _described(securable_type: str, full_name: str) -> Document:
    catalog, dot, schema = full_name.partition(".")
    described = {"name": schema if dot else catalog, "full_name": full_name}
    return described | (
        {"catalog_name": catalog} if securable_type == "schema" else {"catalog_type": "MANAGED_CATALOG"}
    )
