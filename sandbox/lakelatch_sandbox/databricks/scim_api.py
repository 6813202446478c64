"""Service principals over SCIM, on account paths: create, read, replace, patch, delete, list."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.databricks import scim
from lakelatch_sandbox.databricks.directory import Directory, new_id
from lakelatch_sandbox.databricks.errors import ScimError
from lakelatch_sandbox.databricks.requests import json_object, whole_number
from lakelatch_sandbox.store import Document

MEDIA_TYPE = "application/scim+json"
MAX_PAGE = 100_000


class ScimApi:
    """The handlers; the caller has been authenticated as an account administrator."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def _find(self, request: Request) -> Document:
        id = request.path_params["id"]
        found = self._directory.get(id)
        if found is None:
            raise ScimError(404, f"Service principal with id {id} not found.")
        return found

    async def create(self, request: Request) -> Response:
        """`POST .../scim/v2/ServicePrincipals`."""
        id = new_id()
        while self._directory.get(id) is not None:
            id = new_id()
        principal = scim.from_body(await json_object(request), id=id, application_id=None)
        if self._directory.by_application(principal["applicationId"]) is not None:
            raise ScimError(
                409, f"Service principal with application ID {principal['applicationId']} already exists.", "uniqueness"
            )
        return _answer(scim.shown(self._directory.save(principal), None), 201)

    async def read(self, request: Request) -> Response:
        """`GET .../ServicePrincipals/{id}[?attributes=...]`."""
        return _answer(scim.shown(self._find(request), request.query_params.get("attributes")))

    async def replace(self, request: Request) -> Response:
        """`PUT .../ServicePrincipals/{id}`; what the body leaves out is emptied."""
        found = self._find(request)
        body = await json_object(request)
        replaced = scim.from_body(body, id=found["id"], application_id=found["applicationId"])
        if "roles" in found and "roles" not in body:
            replaced["roles"] = found["roles"]
        return _answer(scim.shown(self._directory.save(replaced), None))

    async def patch(self, request: Request) -> Response:
        """`PATCH .../ServicePrincipals/{id}`."""
        found = self._find(request)
        return _answer(scim.shown(self._directory.save(scim.patched(found, await json_object(request))), None))

    async def delete(self, request: Request) -> Response:
        """`DELETE .../ServicePrincipals/{id}`."""
        self._directory.delete(self._find(request))
        return Response(status_code=204)

    async def list(self, request: Request) -> Response:
        """`GET .../ServicePrincipals[?filter=...&startIndex=...&count=...]`."""
        query = request.query_params
        found = scim.matching(self._directory.all(), query.get("filter"))
        start = whole_number(request, "startIndex", 1, least=1, most=MAX_PAGE)
        count = whole_number(request, "count", MAX_PAGE, least=0, most=MAX_PAGE)
        return _answer(
            scim.listing([scim.shown(one, query.get("attributes")) for one in found], start=start, count=count)
        )


def _answer(body: Document, status: int = 200) -> Response:
    return JSONResponse(body, status, media_type=MEDIA_TYPE)
