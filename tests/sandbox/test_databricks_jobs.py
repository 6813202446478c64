"""Jobs run: SQL tasks on the warehouse's engine, conditions decided, the rest recorded; states follow the clock."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import OperationFailed, ResourceDoesNotExist
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service import jobs
from databricks.sdk.service.jobs import RunLifeCycleState, RunResultState
from databricks.sdk.service.sql import CreateQueryRequestQuery
from hypothesis import given
from hypothesis import strategies as st
from support.workspace import administrator

from lakelatch_sandbox.databricks.job_settings import RUN_IF
from lakelatch_sandbox.databricks.run_states import FAILURES, overall, skipped_because, standings
from lakelatch_sandbox.databricks.run_tasks import condition
from lakelatch_sandbox.databricks.statements import WORKERS

pytestmark = pytest.mark.usefixtures("environment")

ENDLESS = "SELECT count(*) FROM range(100000000000) a, range(100000) b"


@pytest.fixture
def workspace(sandbox: Any) -> WorkspaceClient:
    return administrator(sandbox)


@pytest.fixture
def wait(sandbox: Any) -> Iterator[Callable[[int], None]]:
    """Let so many seconds pass on the sandbox's clock."""

    def shift(seconds: int) -> None:
        sandbox.clock.offset_seconds += seconds

    yield shift
    sandbox.clock.offset_seconds = 0.0


@pytest.fixture
def sql(workspace: WorkspaceClient, sandbox: Any) -> Callable[..., dict[str, Any]]:
    """Makes SQL tasks, with the saved query that each runs."""

    def task(key: str, text: str, **more: Any) -> dict[str, Any]:
        saved = workspace.queries.create(query=CreateQueryRequestQuery(display_name=key, query_text=text))
        warehouse = sandbox.endpoints.warehouse_id
        return {"task_key": key, "sql_task": {"warehouse_id": warehouse, "query": {"query_id": saved.id}}, **more}

    return task


def notebook(key: str, *after: str, **more: Any) -> dict[str, Any]:
    depends_on = [{"task_key": one} for one in after]
    return {"task_key": key, "notebook_task": {"notebook_path": "/nightly"}, "depends_on": depends_on, **more}


def create(workspace: WorkspaceClient, name: str, *tasks: dict[str, Any], **more: Any) -> int:
    made: Any = workspace.api_client.do("POST", "/api/2.2/jobs/create", body={"name": name, "tasks": tasks, **more})
    return int(made["job_id"])


def run_now(workspace: WorkspaceClient, job_id: int, **more: Any) -> int:
    started: Any = workspace.jobs.run_now(job_id, **more)
    return int(started.response.run_id)


def finished(workspace: WorkspaceClient, wait: Callable[[int], None], run_id: int) -> jobs.Run:
    """The run when it has ended: the clock leaps over every state, the statements run in real time."""
    wait(100)
    return workspace.jobs.wait_get_run_job_terminated_or_skipped(run_id)


def test_settings(workspace: WorkspaceClient) -> None:
    """Create, read, list, update, reset and delete as the vendor's client does them."""
    id = create(workspace, "Settings", notebook("a"), notebook("b", "a"), tags={"team": "x"})
    job = workspace.jobs.get(id)
    assert job.settings is not None
    assert (job.settings.name, job.settings.max_concurrent_runs) == ("Settings", 1)
    assert [one.task_key for one in job.settings.tasks or []] == ["a", "b"]
    new = jobs.JobSettings(timeout_seconds=60, tasks=[jobs.Task.from_dict(notebook("a", description="new"))])
    workspace.jobs.update(id, new_settings=new, fields_to_remove=["tasks/b", "tags"])
    changed = workspace.jobs.get(id).settings
    assert changed is not None
    assert [(one.task_key, one.description) for one in changed.tasks or []] == [("a", "new")]
    assert (changed.name, changed.timeout_seconds, changed.tags) == ("Settings", 60, None)
    workspace.jobs.reset(id, jobs.JobSettings(name="other"))
    after = workspace.jobs.get(id).settings
    assert after is not None
    assert (after.name, after.timeout_seconds, after.tasks) == ("other", 0, [])
    workspace.jobs.delete(id)
    with pytest.raises(ResourceDoesNotExist, match="does not exist"):
        workspace.jobs.get(id)


def test_list_in_pages_and_by_name(workspace: WorkspaceClient) -> None:
    """The vendor's client walks the pages, newest first; a name is found in any case; tasks show when asked for."""
    ids = [create(workspace, f"Page {number}", notebook("a")) for number in range(5)]
    assert [one.job_id for one in workspace.jobs.list(limit=2)][:5] == ids[::-1]
    (found,) = workspace.jobs.list(name="PAGE 3", expand_tasks=True)
    assert found.job_id == ids[3]
    assert found.settings is not None
    assert [one.task_key for one in found.settings.tasks or []] == ["a"]


def test_sql_task_is_executed(
    workspace: WorkspaceClient, sql: Callable[..., dict[str, Any]], wait: Callable[[int], None]
) -> None:
    """The saved query runs on the engine, with the run's parameters and its user; its rows can be fetched."""
    task = sql("count", "SELECT count(*), :zone, current_user() FROM samples.nyctaxi.trips")
    id = create(workspace, "sql", task, parameters=[{"name": "zone", "default": "north"}])
    run_id = run_now(workspace, id, job_parameters={"zone": "south"})
    run = finished(workspace, wait, run_id)
    assert run.state is not None
    assert (run.state.life_cycle_state, run.state.result_state) == (
        RunLifeCycleState.TERMINATED,
        RunResultState.SUCCESS,
    )
    output = workspace.jobs.get_run_output((run.tasks or [])[0].run_id or 0)
    assert output.sql_output is not None
    assert output.sql_output.query_output is not None
    (statement,) = output.sql_output.query_output.sql_statements or []
    rows = workspace.statement_execution.get_statement(statement.lookup_key or "")
    assert rows.result is not None
    assert rows.result.data_array == [["5000", "south", workspace.config.client_id]]


def test_failing_and_dependent_tasks(
    workspace: WorkspaceClient, sql: Callable[..., dict[str, Any]], wait: Callable[[int], None]
) -> None:
    """A failed query fails its run with the reason; what depends on it does not run, unless its `run_if` says so."""
    id = create(
        workspace,
        "failing",
        sql("broken", "SELECT * FROM nothing"),
        notebook("after", "broken"),
        notebook("anyway", "broken", run_if="ALL_DONE"),
    )
    run_id = run_now(workspace, id)
    with pytest.raises(OperationFailed, match=r"Task broken failed with message: \[TABLE_OR_VIEW_NOT_FOUND\]"):
        finished(workspace, wait, run_id)
    run = workspace.jobs.get_run(run_id)
    assert run.state is not None
    assert run.state.result_state is RunResultState.FAILED
    results = {one.task_key: one.state.result_state for one in run.tasks or [] if one.state}
    assert results == {
        "broken": RunResultState.FAILED,
        "after": RunResultState.UPSTREAM_FAILED,
        "anyway": RunResultState.SUCCESS,
    }
    outputs = {one.task_key: workspace.jobs.get_run_output(one.run_id or 0) for one in run.tasks or []}
    assert "TABLE_OR_VIEW_NOT_FOUND" in (outputs["broken"].error or "")
    notebook_output = outputs["anyway"].notebook_output
    assert notebook_output is not None
    assert "not executed" in (notebook_output.result or "")
    with pytest.raises(DatabricksError, match="multiple tasks"):
        workspace.jobs.get_run_output(run_id)


def test_condition_chooses_the_branch(workspace: WorkspaceClient, wait: Callable[[int], None]) -> None:
    """Only the branch of the outcome runs, and the run succeeds."""
    check = {"task_key": "check", "condition_task": {"op": "GREATER_THAN", "left": "12", "right": "5"}}
    branches = [
        {**notebook(outcome), "depends_on": [{"task_key": "check", "outcome": outcome}]}
        for outcome in ("true", "false")
    ]
    submitted: Any = workspace.api_client.do("POST", "/api/2.2/jobs/runs/submit", body={"tasks": [check, *branches]})
    run = finished(workspace, wait, submitted["run_id"])
    assert run.state is not None
    assert run.state.result_state is RunResultState.SUCCESS
    results = {one.task_key: one.state.result_state for one in run.tasks or [] if one.state}
    assert results["true"] is RunResultState.SUCCESS
    assert results["false"] is RunResultState.EXCLUDED


def test_states_follow_the_clock(workspace: WorkspaceClient, wait: Callable[[int], None]) -> None:
    """PENDING, RUNNING, TERMINATED as the sandbox's clock goes on; a second run meanwhile is skipped."""
    id = create(workspace, "states", notebook("a"), notebook("b", "a"))
    wait(1000)
    run_id = run_now(workspace, id)
    seen = [workspace.jobs.get_run(run_id)]
    second = run_now(workspace, id)
    skipped = workspace.jobs.get_run(second).state
    assert skipped is not None
    assert skipped.result_state is RunResultState.MAXIMUM_CONCURRENT_RUNS_REACHED
    assert [one.run_id for one in workspace.jobs.list_runs(job_id=id, active_only=True)] == [run_id]
    for _ in range(100):
        if seen[-1].end_time:
            break
        wait(1)
        seen.append(workspace.jobs.get_run(run_id))
    states = list(
        dict.fromkeys(one.state.life_cycle_state.value for one in seen if one.state and one.state.life_cycle_state)
    )
    assert states == ["PENDING", "RUNNING", "TERMINATED"]
    assert [one.run_id for one in workspace.jobs.list_runs(job_id=id, completed_only=True)] == [second, run_id]


def test_cancel_ends_the_statement(
    workspace: WorkspaceClient, sql: Callable[..., dict[str, Any]], wait: Callable[[int], None]
) -> None:
    """A canceled run is CANCELED at once, its statement stops, and no later task begins; an active one stays."""
    id = create(workspace, "endless", sql("endless", ENDLESS), notebook("after", "endless"))
    run_id = run_now(workspace, id)
    with pytest.raises(DatabricksError, match="active"):
        workspace.jobs.delete_run(run_id)
    workspace.jobs.cancel_run(run_id).result()
    run = workspace.jobs.get_run(run_id)
    assert run.state is not None
    assert run.state.result_state is RunResultState.CANCELED
    assert run.state.user_cancelled_or_timedout
    workspace.jobs.delete_run(run_id)
    with pytest.raises(ResourceDoesNotExist, match="does not exist"):
        workspace.jobs.get_run(run_id)


def test_canceled_runs_free_the_engine(
    workspace: WorkspaceClient, sandbox: Any, sql: Callable[..., dict[str, Any]]
) -> None:
    """As many endless runs as the engine has threads, all canceled: the next statement runs."""
    id = create(workspace, "crowd", sql("endless", ENDLESS), max_concurrent_runs=WORKERS)
    for _ in range(WORKERS):
        run_now(workspace, id)
    workspace.jobs.cancel_all_runs(job_id=id)
    answer = workspace.statement_execution.execute_statement(
        "SELECT 1", sandbox.endpoints.warehouse_id, wait_timeout="50s"
    )
    assert answer.result is not None
    assert answer.result.data_array == [["1"]]


def test_timeout(workspace: WorkspaceClient, sql: Callable[..., dict[str, Any]], wait: Callable[[int], None]) -> None:
    """A run that takes longer than its timeout has TIMEDOUT."""
    id = create(workspace, "slow", sql("endless", ENDLESS), timeout_seconds=30)
    run_id = run_now(workspace, id)
    wait(60)
    run = workspace.jobs.get_run(run_id)
    assert run.state is not None
    assert run.state.result_state is RunResultState.TIMEDOUT
    workspace.jobs.cancel_all_runs(job_id=id)


def test_idempotency_token(workspace: WorkspaceClient) -> None:
    """The same token is the same run."""
    id = create(workspace, "once", notebook("a"))
    runs = {run_now(workspace, id, idempotency_token="t") for _ in range(2)}
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        pytest.param([notebook("a"), notebook("a")], "only once", id="key twice"),
        pytest.param([notebook("a", "z")], "does not exist", id="unknown dependency"),
        pytest.param([notebook("a", "b"), notebook("b", "a")], "cycle", id="cycle"),
        pytest.param([{"task_key": "a"}], "exactly one kind", id="no kind"),
        pytest.param([notebook("a", spark_python_task={})], "exactly one kind", id="two kinds"),
        pytest.param([notebook("a", run_if="NEVER")], "run_if", id="run_if"),
        pytest.param([{"task_key": "a", "sql_task": {}}], "warehouse_id", id="no warehouse"),
        pytest.param([{"task_key": "a", "condition_task": {"op": "LIKE"}}], "condition_task.op", id="operator"),
        pytest.param(["a"], "list of objects", id="no object"),
        pytest.param([notebook(str(number)) for number in range(101)], "at most 100", id="too many"),
    ],
)
def test_bad_settings(workspace: WorkspaceClient, tasks: list[Any], message: str) -> None:
    """A wrong task is refused with what is wrong in it."""
    with pytest.raises(DatabricksError, match=message) as refusal:
        create(workspace, "bad", *tasks)
    assert refusal.value.error_code == "INVALID_PARAMETER_VALUE"


def test_runs_outlive_a_restart(new_sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs and runs are there again; a task that the restart cut off says so."""
    sandbox = new_sandbox()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", sandbox.endpoints.ca_bundle_file)
    workspace = administrator(sandbox)
    saved = workspace.queries.create(query=CreateQueryRequestQuery(display_name="endless", query_text=ENDLESS))
    sql_task = {"warehouse_id": sandbox.endpoints.warehouse_id, "query": {"query_id": saved.id}}
    cut = run_now(workspace, create(workspace, "cut", {"task_key": "q", "sql_task": sql_task}))
    kept = run_now(workspace, create(workspace, "kept", notebook("a")))
    sandbox.restart()
    sandbox.clock.offset_seconds = 1000
    workspace = administrator(sandbox)
    assert {one.settings.name for one in workspace.jobs.list() if one.settings} == {"cut", "kept"}
    states = [workspace.jobs.get_run(run_id).state for run_id in (cut, kept)]
    assert [one.result_state for one in states if one] == [RunResultState.FAILED, RunResultState.SUCCESS]
    assert states[0] is not None
    assert "restarted" in (states[0].state_message or "")


@pytest.mark.parametrize(
    ("op", "left", "right", "holds"),
    [
        ("EQUAL_TO", "12.0", "12", False),
        ("NOT_EQUAL", "a", "b", True),
        ("GREATER_THAN_OR_EQUAL", "12", "12.0", True),
        ("LESS_THAN", "9", "10", True),
        ("LESS_THAN_OR_EQUAL", "11", "10", False),
    ],
)
def test_conditions(op: str, left: str, right: str, holds: bool) -> None:
    """Equality compares texts, order compares numbers, as the vendor's reference says."""
    assert condition({"op": op, "left": left, "right": right}) is holds


@given(
    edges=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from(RUN_IF)), max_size=8),
    failing=st.sets(st.integers(0, 5)),
    seconds=st.lists(st.integers(0, 20), max_size=10),
)
def test_any_graph_comes_to_an_end(edges: list[Any], failing: set[int], seconds: list[int]) -> None:
    """However the tasks hang together: no task goes back to an earlier state, and in the end the run has a result."""
    tasks: list[dict[str, Any]] = [
        {"task_key": str(number), "notebook_task": {}, "depends_on": []} for number in range(6)
    ]
    for before, after, run_if in edges:
        if before < after:
            tasks[after]["depends_on"].append({"task_key": str(before)})
            tasks[after]["run_if"] = run_if
    outcomes: dict[str, Any] = {}
    for number, task in enumerate(tasks):
        result = skipped_because(task, outcomes) or ("FAILED" if number in failing else "SUCCESS")
        outcomes[str(number)] = {"result_state": result, "message": "", "finished": number}
    run = {"tasks": tasks, "_created": 0, "_timeout": 0, "_canceled": None, "_outcomes": outcomes, "_skipped": ""}
    order = ["BLOCKED", "PENDING", "RUNNING", "TERMINATED"]
    last = dict.fromkeys(map(str, range(6)), 0)
    for second in [*sorted(seconds), 1000]:
        found = standings(run, second)
        for key, standing in found.items():
            assert order.index(standing.life_cycle) >= last[key]
            last[key] = order.index(standing.life_cycle)
    whole = overall(run, found)
    assert whole.ended
    # a run without any failure succeeds
    assert any(one["result_state"] in FAILURES for one in outcomes.values()) or whole.result == "SUCCESS"
