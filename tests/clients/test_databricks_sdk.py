"""`databricks-sdk`: identity, SQL, jobs, warehouses and clusters, with the token in a variable or in a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.compute import State
from databricks.sdk.service.sql import Disposition, StatementState

pytestmark = pytest.mark.usefixtures("environment")


@pytest.fixture(params=["env-oidc", "file-oidc"])
def client(request: Any, world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., WorkspaceClient]:
    """Makes clients from the environment alone, as programs do that name nothing in their code."""

    def make(workload: str = "sdk") -> WorkspaceClient:
        monkeypatch.setenv("DATABRICKS_HOST", world.gateway.url)
        monkeypatch.setenv("DATABRICKS_CLIENT_ID", world.applications[workload])
        monkeypatch.setenv("DATABRICKS_AUTH_TYPE", request.param)
        if request.param == "env-oidc":
            monkeypatch.setenv("DATABRICKS_OIDC_TOKEN", world.token(workload))
        else:
            (tmp_path / "token").write_text(world.token(workload) + "\n")
            monkeypatch.setenv("DATABRICKS_OIDC_TOKEN_FILEPATH", str(tmp_path / "token"))
        return WorkspaceClient()

    return make


def test_identity(world: Any, client: Any) -> None:
    """Databricks sees the service principal, and the client has nothing but its own token."""
    made = client()
    assert made.current_user.me().user_name == world.applications["sdk"]
    assert made.config.authenticate() == {"Authorization": f"Bearer {made.config.oauth_token().access_token}"}
    assert made.config.oauth_token().access_token.count(".") == 2
    assert made.get_workspace_id() == int(world.sandbox.endpoints.workspace_id)


def test_statements(world: Any, client: Any) -> None:
    """Rows come back, at once and in chunks."""
    statements, warehouse = client().statement_execution, world.sandbox.endpoints.warehouse_id
    answer = statements.execute_statement("SELECT current_user(), 1 + 1", warehouse)
    assert answer.status.state is StatementState.SUCCEEDED
    assert answer.result.data_array == [[world.applications["sdk"], "2"]]
    many = statements.execute_statement("SELECT range FROM range(3000)", warehouse, disposition=Disposition.INLINE)
    chunks = [many.result]
    while chunks[-1].next_chunk_index is not None:
        chunks.append(statements.get_statement_result_chunk_n(many.statement_id, chunks[-1].next_chunk_index))
    assert [row[0] for chunk in chunks for row in chunk.data_array] == [str(number) for number in range(3000)]


def test_warehouses(world: Any, client: Any) -> None:
    """A list, and one of it."""
    made = client()
    assert [one.id for one in made.warehouses.list()] == [world.sandbox.endpoints.warehouse_id]
    assert made.warehouses.get(world.sandbox.endpoints.warehouse_id).id == world.sandbox.endpoints.warehouse_id


def test_clusters(world: Any, client: Any) -> None:
    """Made, waited for, deleted: the vendor's own waiter sees it run."""
    clusters = client().clusters
    waiter = clusters.create(
        cluster_name="through", spark_version="15.4.x-scala2.12", node_type_id="i3.xlarge", num_workers=1
    )
    world.sandbox.clock.offset_seconds += 60
    try:
        assert waiter.result().state is State.RUNNING
        assert "through" in [one.cluster_name for one in clusters.list()]
        clusters.permanent_delete(waiter.cluster_id)
    finally:
        world.sandbox.clock.offset_seconds = 0.0


def test_jobs(world: Any, client: Any) -> None:
    """A job is made and run, and its end is waited for."""
    made = client()
    task = {"task_key": "a", "notebook_task": {"notebook_path": "/nightly"}}
    job = made.api_client.do("POST", "/api/2.2/jobs/create", body={"name": "through", "tasks": [task]})
    waiter = made.jobs.run_now(job["job_id"])
    world.sandbox.clock.offset_seconds += 100
    try:
        assert waiter.result().state.result_state.value == "SUCCESS"
        assert [one.run_id for one in made.jobs.list_runs(job_id=job["job_id"])] == [waiter.run_id]
    finally:
        world.sandbox.clock.offset_seconds = 0.0


def test_refusals(client: Any) -> None:
    """A refusal is the vendor's own error, and names the action."""
    with pytest.raises(PermissionDenied, match=r"current_user\.me"):
        client("nothing").current_user.me()
