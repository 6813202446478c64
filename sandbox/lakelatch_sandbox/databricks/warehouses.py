"""SQL warehouses: one is there from the start; a statement starts it when it is stopped, as serverless ones do."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.errors import ApiError
from lakelatch_sandbox.databricks.tokens import Caller
from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.store import Document, Store

_KIND = "_databricks/warehouses"


class Warehouses:
    """The warehouses and their handlers; the caller has been authenticated."""

    def __init__(self, store: Store, endpoints: Endpoints, audit: Audit) -> None:
        self._store = store
        self._audit = audit
        self._hostname, _, self._port = endpoints.workspace_host.removeprefix("https://").partition(":")
        if store.get(_KIND, endpoints.warehouse_id) is None:
            store.put(
                _KIND,
                endpoints.warehouse_id,
                {
                    "id": endpoints.warehouse_id,
                    "name": "sandbox",
                    "cluster_size": "2X-Small",
                    "warehouse_type": "PRO",
                    "enable_serverless_compute": True,
                    "enable_photon": True,
                    "auto_stop_mins": 10,
                    "min_num_clusters": 1,
                    "max_num_clusters": 1,
                    "creator_name": endpoints.admin_client_id,
                    "state": "RUNNING",
                },
            )

    def _find(self, id: str) -> Document:
        found = self._store.get(_KIND, id)
        if found is None:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"SQL warehouse {id} does not exist.")
        return found

    def _shown(self, warehouse: Document) -> Document:
        path = f"/sql/1.0/warehouses/{warehouse['id']}"
        return {
            **warehouse,
            "num_clusters": 1 if warehouse["state"] == "RUNNING" else 0,
            "odbc_params": {"hostname": self._hostname, "port": int(self._port), "path": path, "protocol": "https"},
        }

    def use(self, id: str) -> None:
        """Make sure that a warehouse runs; raises `ApiError` 404 when there is none."""
        self._set(id, "RUNNING")

    def _set(self, id: str, state: str) -> None:
        found = self._find(id)
        if found["state"] != state:
            self._store.put(_KIND, id, {**found, "state": state})

    def _switch(self, request: Request, who: Caller, state: str, action: str) -> Response:
        id = request.path_params["id"]
        self._set(id, state)
        self._audit.record(request, "databrickssql", action, by=who.name, params={"warehouseId": id})
        return JSONResponse({})

    async def list(self, _request: Request, _: Caller) -> Response:
        """`GET /api/2.0/sql/warehouses`."""
        return JSONResponse({"warehouses": [self._shown(one) for one in self._store.all(_KIND)]})

    async def read(self, request: Request, _: Caller) -> Response:
        """`GET /api/2.0/sql/warehouses/{id}`."""
        return JSONResponse(self._shown(self._find(request.path_params["id"])))

    async def start(self, request: Request, who: Caller) -> Response:
        """`POST /api/2.0/sql/warehouses/{id}/start`."""
        return self._switch(request, who, "RUNNING", "startWarehouse")

    async def stop(self, request: Request, who: Caller) -> Response:
        """`POST /api/2.0/sql/warehouses/{id}/stop`."""
        return self._switch(request, who, "STOPPED", "stopWarehouse")
