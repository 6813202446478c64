"""The workspace's data APIs: SQL, jobs, clusters, secrets, serving and files, put together and given their paths.

Whoever may use the workspace may use all of them: of the vendor's access lists for single objects only those of secret
scopes are kept. What each does is refused or allowed by the gateway in front, and by the token's scopes.
"""

from lakelatch_sandbox.context import Context
from lakelatch_sandbox.databricks import cluster_specs, driver_support
from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.audit_table import AuditTable
from lakelatch_sandbox.databricks.clusters import Clusters
from lakelatch_sandbox.databricks.directory import Directory
from lakelatch_sandbox.databricks.job_runs import JobRuns
from lakelatch_sandbox.databricks.jobs import Jobs
from lakelatch_sandbox.databricks.mlflow_paths.proxy import METHODS, PATHS, MlflowProxy
from lakelatch_sandbox.databricks.mlflow_paths.server import MlflowServer
from lakelatch_sandbox.databricks.queries import Queries
from lakelatch_sandbox.databricks.run_tasks import RunTasks
from lakelatch_sandbox.databricks.secret_scopes import SecretScopes
from lakelatch_sandbox.databricks.serving import Serving
from lakelatch_sandbox.databricks.statements import Statements
from lakelatch_sandbox.databricks.thrift.catalog import Catalog
from lakelatch_sandbox.databricks.thrift.service import ThriftService
from lakelatch_sandbox.databricks.volume_files import VolumeFiles
from lakelatch_sandbox.databricks.warehouses import Warehouses
from lakelatch_sandbox.databricks.workspace_admin import CallerHandler, Route

_VERSIONS = {"jobs": ("2.0", "2.1", "2.2"), "clusters": ("2.0", "2.1")}
"""Clients of all ages are about; the shapes that the sandbox takes are those of the newest."""


class WorkspaceData:
    """Makes the APIs of one workspace and their routes."""

    def __init__(self, context: Context, directory: Directory, audit: Audit) -> None:
        store, clock, endpoints = context.store, context.clock, context.endpoints
        table = AuditTable(store, directory, audit)
        self._warehouses = Warehouses(store, endpoints, audit)
        self._statements = Statements(self._warehouses, clock, audit, table)
        self._thrift = ThriftService(self._statements, self._warehouses, Catalog(store), table)
        self._queries = Queries(store, clock, audit)
        self._jobs = Jobs(store, clock, audit)
        tasks = RunTasks(self._statements, self._queries, clock)
        self._runs = JobRuns(store, clock, audit, table, endpoints, self._jobs, tasks)
        self._clusters = Clusters(store, clock, audit)
        self._secrets = SecretScopes(store, clock, directory, audit)
        self._serving = Serving(store, clock, audit)
        self._files = VolumeFiles(context.state / "volumes", audit)
        self._mlflow_server = MlflowServer(context.state / "mlflow")
        self._mlflow = MlflowProxy(self._mlflow_server, audit)

    async def close(self) -> None:
        """End what runs, and wait for it."""
        self._runs.stop()
        await self._statements.close()
        await self._runs.close()
        await self._mlflow_server.close()

    def routes(self) -> list[Route]:
        """Every route of the data APIs."""
        return [
            *self._sql(),
            *self._job_routes(),
            *self._cluster_routes(),
            *self._secret_routes(),
            *self._serving_routes(),
            *self._file_routes(),
            *self._mlflow_routes(),
            *_support(),
        ]

    def _sql(self) -> list[Route]:
        warehouses, statements, queries = self._warehouses, self._statements, self._queries
        thrift: list[Entry] = [("POST", f"/{name}/{{id}}", self._thrift.call) for name in ("warehouses", "endpoints")]
        return _scoped("sql", "/sql/1.0", thrift) + _scoped(
            "sql",
            "/api/2.0/sql",
            [
                ("POST", "/statements", statements.execute),
                ("POST", "/statements/", statements.execute),
                ("GET", "/statements/{id}", statements.read),
                ("POST", "/statements/{id}/cancel", statements.cancel),
                ("GET", "/statements/{id}/result/chunks/{index:int}", statements.chunk),
                ("GET", "/warehouses", warehouses.list),
                ("GET", "/warehouses/{id}", warehouses.read),
                ("POST", "/warehouses/{id}/start", warehouses.start),
                ("POST", "/warehouses/{id}/stop", warehouses.stop),
                ("POST", "/queries", queries.create),
                ("GET", "/queries", queries.list),
                ("GET", "/queries/{id}", queries.read),
                ("PATCH", "/queries/{id}", queries.update),
                ("DELETE", "/queries/{id}", queries.delete),
            ],
        )

    def _job_routes(self) -> list[Route]:
        jobs, runs = self._jobs, self._runs
        return _versioned(
            "jobs",
            [
                ("POST", "/run-now", runs.run_now),
                ("GET", "/runs/get", runs.read),
                ("POST", "/create", jobs.create),
                ("GET", "/get", jobs.read),
                ("GET", "/list", jobs.list),
                ("POST", "/update", jobs.update),
                ("POST", "/reset", jobs.reset),
                ("POST", "/delete", jobs.delete),
                ("POST", "/runs/submit", runs.submit),
                ("GET", "/runs/get-output", runs.output),
                ("GET", "/runs/list", runs.list),
                ("POST", "/runs/cancel", runs.cancel),
                ("POST", "/runs/cancel-all", runs.cancel_all),
                ("POST", "/runs/delete", runs.delete),
            ],
        )

    def _cluster_routes(self) -> list[Route]:
        clusters = self._clusters
        return _versioned(
            "clusters",
            [
                ("GET", "/get", clusters.read),
                ("GET", "/list", clusters.list),
                ("POST", "/create", clusters.create),
                ("POST", "/start", clusters.start),
                ("POST", "/restart", clusters.restart),
                ("POST", "/resize", clusters.resize),
                ("POST", "/edit", clusters.edit),
                ("POST", "/delete", clusters.delete),
                ("POST", "/permanent-delete", clusters.permanent_delete),
                ("POST", "/pin", clusters.pin),
                ("POST", "/unpin", clusters.pin),
                ("POST", "/events", clusters.events),
                ("GET", "/list-node-types", cluster_specs.node_types),
                ("GET", "/spark-versions", cluster_specs.spark_versions),
            ],
        )

    def _secret_routes(self) -> list[Route]:
        secrets = self._secrets
        return _scoped(
            "secrets",
            "/api/2.0/secrets",
            [
                ("POST", "/scopes/create", secrets.create_scope),
                ("GET", "/scopes/list", secrets.list_scopes),
                ("POST", "/scopes/delete", secrets.delete_scope),
                ("POST", "/put", secrets.put),
                ("GET", "/get", secrets.get),
                ("GET", "/list", secrets.list),
                ("POST", "/delete", secrets.delete),
                ("POST", "/acls/put", secrets.put_acl),
                ("GET", "/acls/get", secrets.get_acl),
                ("GET", "/acls/list", secrets.list_acls),
                ("POST", "/acls/delete", secrets.delete_acl),
            ],
        )

    def _serving_routes(self) -> list[Route]:
        serving, one = self._serving, "/api/2.0/serving-endpoints/{name}"
        return _scoped(
            "model-serving",
            "",
            [
                ("POST", "/serving-endpoints/chat/completions", serving.chat),
                ("POST", "/serving-endpoints/{name}/invocations", serving.invoke),
                ("POST", "/api/2.0/serving-endpoints", serving.create),
                ("GET", "/api/2.0/serving-endpoints", serving.list),
                ("GET", one, serving.read),
                ("DELETE", one, serving.delete),
                ("PUT", one + "/config", serving.update_config),
            ],
        )

    def _file_routes(self) -> list[Route]:
        files = self._files
        return _scoped(
            "files",
            "/api/2.0/fs",
            [
                ("GET", "/files/{path:path}", files.download),
                ("PUT", "/files/{path:path}", files.upload),
                ("POST", "/files/{path:path}", files.begin_upload),
                ("POST", "/create-upload-part-urls", files.no_storage),
                ("POST", "/create-abort-upload-url", files.no_storage),
                ("DELETE", "/files/{path:path}", files.delete),
                # before GET, which would take it too
                ("HEAD", "/directories/{path:path}", files.see_directory),
                ("GET", "/directories/{path:path}", files.list_directory),
                ("PUT", "/directories/{path:path}", files.make_directory),
                ("DELETE", "/directories/{path:path}", files.delete_directory),
            ],
        )

    def _mlflow_routes(self) -> list[Route]:
        return [(method, path, "mlflow", self._mlflow.forward) for path in PATHS for method in METHODS]


Entry = tuple[str, str, CallerHandler]
"""Method, the rest of the path, handler."""


def _scoped(scope: str | None, base: str, entries: list[Entry]) -> list[Route]:
    return [(method, base + rest, scope, handler) for method, rest, handler in entries]


def _versioned(name: str, entries: list[Entry]) -> list[Route]:
    return [route for one in reversed(_VERSIONS[name]) for route in _scoped(name, f"/api/{one}/{name}", entries)]


def _support() -> list[Route]:
    flags = "/api/2.0/connector-service/feature-flags/{client}/{version}"
    return [
        ("POST", "/telemetry-ext", None, driver_support.telemetry),
        ("GET", flags, None, driver_support.feature_flags),
    ]
