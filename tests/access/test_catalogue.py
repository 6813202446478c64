"""Proves that the catalogue has every operation of the published SDK, and what real clients send beside.

The SDK's source is read a second time, by regular expressions where `tools/catalogue.py` reads its syntax tree.
"""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakelatch.access import mlflow_actions, other_actions
from lakelatch.access.actions import ACTIONS, ALIASES, SDK_VERSION, action_of
from lakelatch.envoy.authentication import PUBLIC_PATHS

SDK = Path(next(iter(importlib.util.find_spec("databricks.sdk").submodule_search_locations or [])))  # type: ignore[union-attr]
BY_HAND = {action.name for action in (*other_actions.ACTIONS, *mlflow_actions.ACTIONS)}
ELSEWHERE = {"serving_endpoints_data_plane.query"}
"""Goes to another host."""


def _services() -> Iterator[tuple[str, str]]:
    """Class to what a client calls it, from the clients' constructors and those of `settings`."""
    bases = {
        ext: base
        for path in (SDK / "mixins").glob("*.py")
        for ext, base in re.findall(r"^class (\w+Ext)\((?:\w+\.)?(\w+API)\)", path.read_text(), re.MULTILINE)
    }
    workspace, account = (SDK / "__init__.py").read_text().split("class AccountClient")
    for text, prefix in ((workspace, ""), (account, "account_")):
        for name, package, kind in re.findall(r"self\._(\w+) = (?:pkg_(\w+)\.)?(\w+)\(", text):
            if kind == "_make_files_client":
                kind = "FilesExt"
            yield f"{package}.{kind}" if package else bases.get(kind, kind), prefix + name
    yield "ServingEndpointsAPI", "serving_endpoints"
    nested = re.findall(r"self\._(\w+) = (\w+API)\(self\._api\)", (SDK / "service" / "settings.py").read_text())
    for name, kind in nested:
        yield f"settings.{kind}", f"{'account_settings' if _of_account(kind) else 'settings'}.{name}"


def _of_account(kind: str) -> bool:
    """Whether a class within `settings` sends requests to the account."""
    text = (SDK / "service" / "settings.py").read_text()
    return "account_id" in text.split(f"class {kind}:")[1].split("\nclass ")[0]


def _sent() -> dict[str, tuple[str, str]]:
    """Name to method and path as the source has them, for each operation of a service that a client has."""
    services: dict[str, list[str]] = {}
    for kind, name in _services():
        services.setdefault(kind, []).append(name)
    found = {}
    for path in (SDK / "service").glob("*.py"):
        for part in re.split(r"^class ", path.read_text(), flags=re.MULTILINE)[1:]:
            kind = re.match(r"\w+", part)[0]  # type: ignore[index]
            for body in re.split(r"^    def ", part, flags=re.MULTILINE)[1:]:
                operation = re.match(r"\w+", body)[0]  # type: ignore[index]
                call = re.search(r"""_api\.do\(\s*["']([A-Z]+)["'],\s*(?:url=)?f?["']?([^"',\n]+)""", body)
                for name in {*services.get(f"{path.stem}.{kind}", []), *services.get(kind, [])} if call else ():
                    found[f"{name}.{operation}"] = (call[1], call[2])  # type: ignore[index]
    return found


SENT = _sent()


def test_every_operation_of_the_sdk_is_there_and_nothing_else() -> None:
    here = {*ACTIONS, *ALIASES} - BY_HAND
    assert len(SENT) > 1300
    assert set(SENT) - ELSEWHERE == here


def test_each_is_sent_as_the_source_says() -> None:
    """A name in a path may be several segments: there the catalogue says more than the source."""
    for name in sorted(set(SENT) - ELSEWHERE):
        method, path = SENT[name]
        action = ACTIONS[ALIASES.get(name, name)]
        source = re.compile(
            "".join(".+" if part[0] == "{" else re.escape(part) for part in re.findall(r"\{[^}]+\}|[^{]+", path))
        )
        assert any(sent.method == method and source.fullmatch(sent.path) for sent in action.requests), name


def test_the_version_is_that_of_the_sdk_here() -> None:
    assert f'"{SDK_VERSION}"' in (SDK / "version.py").read_text()


def test_nothing_written_by_hand_is_in_the_sdk() -> None:
    assert not BY_HAND & set(SENT)


def test_no_two_actions_have_the_same_request() -> None:
    requests = [
        (request.method, re.sub(r"\{[a-z_]+", "{", request.path))
        for action in ACTIONS.values()
        for request in action.requests
    ]
    assert len(requests) == len(set(requests))


def test_what_the_gateway_answers_itself_is_no_action() -> None:
    for path, method in PUBLIC_PATHS.items():
        assert action_of(method, path) is None


def test_every_template_is_well_formed() -> None:
    segment = re.compile(r"[A-Za-z0-9._:-]+|\{[a-z_]+\}(:[A-Za-z]+)?")
    for action in ACTIONS.values():
        assert action.summary
        assert re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", action.name)
        for request in action.requests:
            first, *segments = re.sub(r"/\{[a-z_]+\.\.\.\}$", "", request.path).split("/")
            assert first == ""
            assert all(segment.fullmatch(one) for one in segments), request.path


@pytest.mark.parametrize(
    ("method", "path", "name", "access", "risk"),
    [
        ("GET", "/api/2.0/preview/scim/v2/Me", "current_user.me", "read", "low"),
        ("POST", "/api/2.0/sql/statements", "statement_execution.execute_statement", "write", "medium"),
        ("GET", "/api/2.0/sql/statements/s1", "statement_execution.get_statement", "read", "low"),
        ("POST", "/api/2.0/sql/statements/s1/cancel", "statement_execution.cancel_execution", "write", "medium"),
        ("POST", "/api/2.0/sql/sessions", "statement_execution.create_session", "write", "medium"),
        ("GET", "/api/2.0/sql/warehouses", "warehouses.list", "read", "low"),
        ("GET", "/api/2.0/sql/endpoints/w1", "warehouses.get", "read", "low"),
        ("POST", "/api/2.0/sql/warehouses/w1/start", "warehouses.start", "write", "medium"),
        ("GET", "/api/2.0/sql/history/queries", "query_history.list", "read", "low"),
        ("POST", "/sql/1.0/warehouses/w1", "thrift.query_warehouse", "write", "medium"),
        ("POST", "/sql/1.0/endpoints/w1", "thrift.query_warehouse", "write", "medium"),
        ("POST", "/sql/protocolv1/o/123/0101-abc", "thrift.query_cluster", "write", "medium"),
        ("POST", "/api/2.2/jobs/run-now", "jobs.run_now", "write", "medium"),
        ("POST", "/api/2.1/jobs/run-now", "jobs.run_now", "write", "medium"),
        ("POST", "/api/2.0/jobs/runs/submit", "jobs.submit", "write", "medium"),
        ("GET", "/api/2.2/jobs/runs/get-output", "jobs.get_run_output", "read", "medium"),
        ("POST", "/api/2.1/clusters/create", "clusters.create", "write", "medium"),
        ("GET", "/api/2.0/clusters/list", "clusters.list", "read", "low"),
        ("POST", "/api/2.1/clusters/permanent-delete", "clusters.permanent_delete", "write", "high"),
        ("POST", "/api/2.1/clusters/events", "clusters.events", "read", "low"),
        ("POST", "/api/1.2/commands/execute", "command_execution.execute", "write", "medium"),
        ("POST", "/api/2.0/libraries/install", "libraries.install", "write", "medium"),
        ("GET", "/api/2.1/unity-catalog/tables/main.sales.orders", "tables.get", "read", "low"),
        ("DELETE", "/api/2.1/unity-catalog/tables/main.sales.orders", "tables.delete", "write", "high"),
        (
            "POST",
            "/api/2.1/unity-catalog/temporary-table-credentials",
            "temporary_table_credentials.generate_temporary_table_credentials",
            "write",
            "high",
        ),
        ("PATCH", "/api/2.1/unity-catalog/permissions/table/main.sales.orders", "grants.update", "write", "high"),
        ("GET", "/api/2.0/fs/files/Volumes/main/raw/v/a.csv", "files.download", "read", "medium"),
        ("POST", "/api/2.0/fs/create-download-url", "files.download", "read", "medium"),
        ("PUT", "/api/2.0/fs/files/Volumes/main/raw/v/a.csv", "files.upload", "write", "medium"),
        ("HEAD", "/api/2.0/fs/files/Volumes/main/raw/v/a.csv", "files.get_metadata", "read", "low"),
        ("GET", "/api/2.0/dbfs/read", "dbfs.read", "read", "medium"),
        ("GET", "/api/2.0/workspace/export", "workspace.export", "read", "medium"),
        ("POST", "/api/2.0/workspace/import", "workspace.import_", "write", "medium"),
        (
            "POST",
            "/api/2.0/workspace-files/import-file/Users/a@b.c/x",
            "workspace_files.import_file",
            "write",
            "medium",
        ),
        ("GET", "/api/2.0/secrets/get", "secrets.get_secret", "read", "high"),
        ("POST", "/api/2.0/token/create", "tokens.create", "write", "high"),
        ("GET", "/api/2.0/preview/scim/v2/Users", "users.list", "read", "medium"),
        ("PATCH", "/api/2.0/preview/scim/v2/Groups/1", "groups.patch", "write", "high"),
        ("PUT", "/api/2.0/permissions/jobs/1", "jobs.set_permissions", "write", "high"),
        ("PATCH", "/api/2.0/workspace-conf", "workspace_conf.set_status", "write", "high"),
        ("POST", "/serving-endpoints/m/invocations", "serving_endpoints.query", "write", "medium"),
        ("POST", "/serving-endpoints/chat/completions", "open_ai.chat_completions", "write", "medium"),
        ("POST", "/api/2.0/genie/spaces/g/start-conversation", "genie.start_conversation", "write", "medium"),
        ("POST", "/api/2.0/mcp/genie/g", "mcp.genie", "write", "medium"),
        ("POST", "/api/2.0/vector-search/indexes/c.s.i/query", "vector_search_indexes.query_index", "read", "low"),
        ("POST", "/api/2.0/mlflow/runs/search", "experiments.search_runs", "read", "low"),
        ("GET", "/api/2.0/mlflow/unity-catalog/model-versions/get", "model_registry.get_model_version", "read", "low"),
        ("POST", "/api/2.0/mlflow/artifacts/credentials-for-read", "mlflow.get_read_credentials", "read", "high"),
        ("POST", "/api/3.0/mlflow/traces", "mlflow.start_trace", "write", "medium"),
        ("POST", "/telemetry-ext", "telemetry.send", "write", "low"),
        (
            "GET",
            "/api/2.0/connector-service/feature-flags/PYTHON/4.9.0",
            "connector_service.get_feature_flags",
            "read",
            "low",
        ),
        ("GET", "/api/2.0/accounts/a/scim/v2/Users", "account_users.list", "read", "high"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and "/" not in value else "",
)
def test_well_known_requests(method: str, path: str, name: str, access: str, risk: str) -> None:
    action = action_of(method, path)
    assert action is not None
    assert (action.name, action.access, action.risk) == (name, access, risk)


def test_what_the_mlflow_client_knows_is_there() -> None:
    """By the table that MLflow's own client takes its requests from; what only its own server answers is left out."""
    from mlflow.protos import databricks_artifacts_pb2 as artifacts
    from mlflow.protos import databricks_pb2, databricks_tracing_pb2, databricks_uc_registry_service_pb2
    from mlflow.protos import unity_catalog_prompt_service_pb2 as prompts

    modules = (databricks_tracing_pb2, databricks_uc_registry_service_pb2, artifacts, prompts)
    missing = {
        f"{endpoint.method} {path}"
        for module in modules
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        for endpoint in method.GetOptions().Extensions[databricks_pb2.rpc].endpoints
        for path in [f"/api/{endpoint.since.major}.{endpoint.since.minor}{re.sub(r'{[^}]+}', 'x', endpoint.path)}"]
        if action_of(endpoint.method, path) is None
    }
    assert not missing
