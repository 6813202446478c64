"""SCIM on account paths: users, service principals and groups; create, read, replace, patch, delete, list."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.databricks import scim
from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.directory import Directory
from lakelatch_sandbox.databricks.errors import ScimError
from lakelatch_sandbox.databricks.requests import json_object, whole_number
from lakelatch_sandbox.databricks.resource_types import GROUP, SERVICE_PRINCIPAL, WORKSPACE_GROUP, ResourceType
from lakelatch_sandbox.databricks.scim_filter import matching
from lakelatch_sandbox.store import Document

MEDIA_TYPE = "application/scim+json"
MAX_PAGE = 100_000

ROLE_SECONDS = 0.05
"""How long a change of a service principal's roles takes. Of changes that overlap all but the last are lost, and
nobody is told: as at the vendor (pulumi/pulumi-databricks#575)."""

Handler = Callable[[Request], Awaitable[Response]]
Events = tuple[str, str, str]
_GROUPS = (GROUP, WORKSPACE_GROUP)
_EVENTS: Final[Mapping[bool, Events]] = {
    True: ("createGroup", "updateGroup", "removeGroup"),
    False: ("add", "updateUser", "delete"),
}
"""The vendor's action names for groups, and for users and service principals alike."""


class ScimApi:
    """The handlers of one type; the caller has been authenticated as an account administrator."""

    on_account = True

    def __init__(self, type: ResourceType, directory: Directory, audit: Audit) -> None:
        self._type = type
        self._directory = directory
        self._audit = audit

    def _find(self, request: Request) -> tuple[ResourceType, Document]:
        """The resource in the path and the type that keeps it; raises `ScimError` 404."""
        id = request.path_params["id"]
        found = self._directory.get(id, self._type)
        if found is None:
            raise self._missing(id)
        return self._type, found

    def _missing(self, id: str) -> ScimError:
        return ScimError(404, f"{self._type.called} with id {id} not found.")

    def _all(self) -> Iterable[Document]:
        return self._directory.all(self._type)

    def _filled(self, resource: Document) -> Document:
        """With what follows from other resources: the groups it belongs to, and its members' names."""
        groups = [
            {"value": one["id"], "display": one["displayName"], "type": "direct", "$ref": f"Groups/{one['id']}"}
            for one in self._directory.groups_of(resource["id"], direct=True)
        ]
        filled = {**resource, "groups": groups}
        if resource.get("members"):
            filled["members"] = [self._member(one["value"]) for one in resource["members"]]
        return filled

    def _member(self, id: str) -> Document:
        found = self._directory.principal(id)
        if found is None:
            return {"value": id}
        type, principal = found
        display = principal.get("displayName") or principal[type.key]
        return {"value": id, "display": display, "$ref": f"{type.collection}/{id}"}

    def _answer(self, request: Request, resource: Document, status: int = 200) -> Response:
        query = request.query_params
        body = scim.shown(self._filled(resource), query.get("attributes"), query.get("excludedAttributes"))
        return JSONResponse(body, status, media_type=MEDIA_TYPE)

    def _check(self, type: ResourceType, resource: Document, old: Document | None) -> None:
        """Raise `ScimError` when the name is another's, or a member does not exist."""
        if old is None or old[type.key] != resource[type.key]:
            other = self._directory.by_key(type, resource[type.key])
            if other is not None and other["id"] != resource["id"]:
                raise ScimError(409, type.taken.format(resource[type.key]), "uniqueness")
        for member in resource.get("members", ()):
            if member["value"] == resource["id"] or self._directory.principal(member["value"]) is None:
                raise scim.bad(f"Principal with id {member['value'][:100]} cannot be a member of this group.")

    def _record(self, request: Request, action: str, resource: Document, **more: Any) -> None:
        type_name = "Group" if self._type in _GROUPS else "User"
        params = {f"target{type_name}Id": resource["id"], f"target{type_name}Name": resource[self._type.key], **more}
        by = request.state.caller.name
        self._audit.record(request, "accounts", action, by=by, params=params, on_account=self.on_account)

    def _record_change(self, request: Request, old: Document, new: Document) -> None:
        before, after = ({one["value"] for one in group.get("members", ())} for group in (old, new))
        for action, members in (("addPrincipalToGroup", after - before), ("removePrincipalFromGroup", before - after)):
            for member in sorted(members):
                self._record(request, action, new, targetUserId=member)
        if old.get("active", True) != new.get("active", True):
            self._record(request, "activateUser" if new["active"] else "deactivateUser", new)
        if {**old, "members": 0} != {**new, "members": 0}:
            self._record(request, _EVENTS[self._type in _GROUPS][1], new)

    async def create(self, request: Request) -> Response:
        """`POST .../scim/v2/{collection}`."""
        resource = scim.from_body(self._type, await json_object(request), id=self._directory.new_id())
        self._check(self._type, resource, None)
        self._directory.save(self._type, resource)
        self._record(request, _EVENTS[self._type in _GROUPS][0], resource)
        return self._answer(request, resource, 201)

    async def read(self, request: Request) -> Response:
        """`GET .../{collection}/{id}[?attributes=...]`."""
        return self._answer(request, self._find(request)[1])

    async def replace(self, request: Request) -> Response:
        """`PUT .../{collection}/{id}`; what the body leaves out is emptied, but roles are kept."""
        body = await json_object(request)
        type, old = self._find(request)
        new = scim.from_body(type, body, id=old["id"], old=old)
        if "roles" in old and "roles" not in body:
            new["roles"] = old["roles"]
        return self._save(request, type, old, new)

    async def patch(self, request: Request) -> Response:
        """`PATCH .../{collection}/{id}`."""
        body = await json_object(request)
        type, old = self._find(request)
        new = scim.patched(type, old, body)
        if type is SERVICE_PRINCIPAL and new.get("roles") != old.get("roles"):
            await asyncio.sleep(ROLE_SECONDS)
            self._find(request)
        return self._save(request, type, old, new)

    def _save(self, request: Request, type: ResourceType, old: Document, new: Document) -> Response:
        self._check(type, new, old)
        self._directory.save(type, new)
        self._record_change(request, old, new)
        return self._answer(request, new)

    async def delete(self, request: Request) -> Response:
        """`DELETE .../{collection}/{id}`."""
        type, found = self._find(request)
        self._directory.delete(type, found)
        self._record(request, _EVENTS[self._type in _GROUPS][2], found)
        return Response(status_code=204)

    async def list(self, request: Request) -> Response:
        """`GET .../{collection}[?filter=...&startIndex=...&count=...&attributes=...]`."""
        query = request.query_params
        found = matching(self._all(), query.get("filter"))
        start = whole_number(request, "startIndex", 1, least=1, most=MAX_PAGE)
        count = whole_number(request, "count", MAX_PAGE, least=0, most=MAX_PAGE)
        resources = [
            scim.shown(self._filled(one), query.get("attributes"), query.get("excludedAttributes")) for one in found
        ]
        return JSONResponse(scim.listing(resources, start=start, count=count), media_type=MEDIA_TYPE)


def scim_routes(base: str, type: ResourceType, scim: ScimApi) -> list[tuple[str, str, Handler]]:
    """Method, path and handler of everything that SCIM has for a type."""
    collection = f"{base}/{type.collection}"
    return [
        ("POST", collection, scim.create),
        ("GET", collection, scim.list),
        ("GET", collection + "/{id}", scim.read),
        ("PUT", collection + "/{id}", scim.replace),
        ("PATCH", collection + "/{id}", scim.patch),
        ("DELETE", collection + "/{id}", scim.delete),
    ]
