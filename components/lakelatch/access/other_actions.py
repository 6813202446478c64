"""What clients of Databricks send that the published SDK does not have, written by hand; MLflow's is in its own module.

Sources: databricks-sql-connector (`client.py`, `backend/sea/backend.py`, `telemetry/`, `common/feature_flag.py`),
databricks-jdbc (`PathConstants.java`), databricks-sdk (`mixins/files.py`), Databricks CLI (`libs/filer/`), and of the
Databricks documentation "Query foundation models", "Managed MCP servers" and "Iceberg REST catalog".
"""

from collections.abc import Iterable, Mapping
from typing import Final

from lakelatch.access.action import Action, requests
from lakelatch.access.requests import Request

_SERVING: Final = "/serving-endpoints"
_MCP: Final = "/api/2.0/mcp"
_ICEBERG: Final = "/api/2.1/unity-catalog/iceberg-rest/{path...}"


def _mcp(*paths: str) -> tuple[Request, ...]:
    """A server's requests: messages, the stream of answers, and the end of a session (MCP, "Streamable HTTP")."""
    return requests(*(f"{method} {_MCP}/{path}" for path in paths for method in ("POST", "GET", "DELETE")))


ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "thrift.query_warehouse",
        requests("POST /sql/1.0/warehouses/{id}", "POST /sql/1.0/endpoints/{id}"),
        "write",
        "medium",
        "Query a SQL warehouse as JDBC, ODBC and the SQL connectors do",
    ),
    Action(
        "thrift.query_cluster",
        requests("POST /sql/protocolv1/o/{workspace_id}/{cluster_id}"),
        "write",
        "medium",
        "Query a cluster as JDBC, ODBC and the SQL connectors do",
    ),
    Action(
        "statement_execution.create_session",
        requests("POST /api/2.0/sql/sessions"),
        "write",
        "medium",
        "Open a session for SQL statements",
    ),
    Action(
        "statement_execution.delete_session",
        requests("DELETE /api/2.0/sql/sessions/{session_id}"),
        "write",
        "medium",
        "Close a session for SQL statements",
    ),
    Action(
        "open_ai.chat_completions",
        requests(f"POST {_SERVING}/chat/completions"),
        "write",
        "medium",
        "Chat with a model that the body names",
    ),
    Action(
        "open_ai.completions",
        requests(f"POST {_SERVING}/completions"),
        "write",
        "medium",
        "Complete a text with a model that the body names",
    ),
    Action(
        "open_ai.embeddings",
        requests(f"POST {_SERVING}/embeddings"),
        "write",
        "medium",
        "Embed texts with a model that the body names",
    ),
    Action(
        "open_ai.responses",
        requests(f"POST {_SERVING}/responses"),
        "write",
        "medium",
        "Ask an agent or a model that the body names",
    ),
    Action("mcp.sql", _mcp("sql"), "write", "medium", "Run SQL over MCP"),
    Action(
        "mcp.functions",
        _mcp("functions/{catalog}/{schema}", "functions/{catalog}/{schema}/{function}"),
        "write",
        "medium",
        "Run functions of Unity Catalog over MCP",
    ),
    Action("mcp.genie", _mcp("genie", "genie/{space_id}"), "write", "medium", "Ask Genie over MCP"),
    Action(
        "mcp.ai_search",
        _mcp(
            *(f"{kind}/{{catalog}}/{{schema}}" for kind in ("ai-search", "vector-search")),
            *(f"{kind}/{{catalog}}/{{schema}}/{{index}}" for kind in ("ai-search", "vector-search")),
        ),
        "write",
        "medium",
        "Search indexes over MCP",
    ),
    Action(
        "mcp.external",
        _mcp("external/{connection}"),
        "write",
        "medium",
        "Use a server outside of Databricks over MCP, with the credentials of a connection",
    ),
    Action(
        "workspace_files.read",
        requests("GET /api/2.0/workspace-files/{path...}"),
        "read",
        "medium",
        "Read a file of the workspace by its path",
    ),
    Action(
        "workspace_files.import_file",
        requests("POST /api/2.0/workspace-files/import-file/{path...}"),
        "write",
        "medium",
        "Write a file of the workspace by its path",
    ),
    Action(
        "files.list_endpoints",
        requests("GET /api/2.0/fs/endpoints"),
        "read",
        "low",
        "Where files are sent to and fetched from",
    ),
    Action(
        "iceberg.read",
        requests(f"GET {_ICEBERG}", f"HEAD {_ICEBERG}"),
        "read",
        "high",
        "Read tables through the Iceberg REST catalog, which hands out credentials of their storage",
    ),
    Action(
        "iceberg.write",
        requests(f"POST {_ICEBERG}", f"DELETE {_ICEBERG}"),
        "write",
        "high",
        "Change tables through the Iceberg REST catalog, which hands out credentials of their storage",
    ),
    Action(
        "connector_service.get_feature_flags",
        requests("GET /api/2.0/connector-service/feature-flags/{client}/{version}"),
        "read",
        "low",
        "What a SQL driver switches on and off",
    ),
    Action(
        "telemetry.send",
        requests("POST /telemetry-ext", "POST /telemetry-unauth"),
        "write",
        "low",
        "Tell Databricks how a SQL driver is used",
    ),
)

MORE_REQUESTS: Final[Mapping[str, tuple[Request, ...]]] = {
    # The SDK asks for an address in cloud storage, and falls back to the file's own path.
    "files.download": requests("POST /api/2.0/fs/create-download-url"),
    "files.upload": requests(
        "POST /api/2.0/fs/files/{file_path...}",
        "POST /api/2.0/fs/create-upload-url",
        "POST /api/2.0/fs/create-upload-part-urls",
        "POST /api/2.0/fs/create-resumable-upload-url",
        "POST /api/2.0/fs/create-abort-upload-url",
    ),
    "files.delete": requests("POST /api/2.0/fs/create-delete-url"),
    "serving_endpoints.query": requests(f"POST {_SERVING}/{{name}}/served-models/{{served_model_name}}/invocations"),
    # Unity Catalog's open-source clients ask for credentials at the same version as for tables.
    "temporary_path_credentials.generate_temporary_path_credentials": requests(
        "POST /api/2.1/unity-catalog/temporary-path-credentials"
    ),
    "temporary_table_credentials.generate_temporary_table_credentials": requests(
        "POST /api/2.1/unity-catalog/temporary-table-credentials"
    ),
    "temporary_volume_credentials.generate_temporary_volume_credentials": requests(
        "POST /api/2.1/unity-catalog/temporary-volume-credentials"
    ),
}
"""Actions of the SDK with what clients send for them beside the SDK's own request."""

_OLDER: Final[Mapping[str, tuple[str, ...]]] = {
    "/api/2.2/jobs/": ("/api/2.1/jobs/", "/api/2.0/jobs/"),
    "/api/2.1/clusters/": ("/api/2.0/clusters/",),
    "/api/2.0/sql/warehouses": ("/api/2.0/sql/endpoints",),
}
"""Paths of older clients: Airflow's and Terraform's for jobs and clusters, dbt's for warehouses."""
_NEWER: Final = tuple(_OLDER)


def older(sent: Iterable[Request]) -> tuple[Request, ...]:
    """The same requests as older clients send them."""
    return tuple(
        [
            Request(method, old + path.removeprefix(new))
            for method, path in sent
            if path.startswith(_NEWER)
            for new, all_old in _OLDER.items()
            if path.startswith(new)
            for old in all_old
        ]
    )
