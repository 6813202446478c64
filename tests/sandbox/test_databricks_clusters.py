"""Clusters are a state machine that the sandbox's clock drives: what a state does not allow is refused."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import ResourceDoesNotExist
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service.compute import EventType, GetEventsOrder, ListClustersFilterBy, State
from hypothesis import given
from hypothesis import strategies as st
from support.workspace import administrator

from lakelatch_sandbox.databricks import cluster_states

pytestmark = pytest.mark.usefixtures("environment")

SPEC: dict[str, Any] = {"spark_version": "15.4.x-scala2.12", "node_type_id": "i3.xlarge", "num_workers": 2}


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


def made(workspace: WorkspaceClient, name: str, **more: Any) -> str:
    started: Any = workspace.clusters.create(cluster_name=name, **{**SPEC, **more})
    return str(started.response.cluster_id)


def test_life_of_a_cluster(workspace: WorkspaceClient, wait: Callable[[int], None]) -> None:
    """PENDING, RUNNING, TERMINATING, TERMINATED, and again; the events tell it in order."""
    id = made(workspace, "life")

    def state() -> State | None:
        return workspace.clusters.get(id).state

    assert state() is State.PENDING
    wait(10)
    assert state() is State.RUNNING
    workspace.clusters.resize(id, num_workers=5)
    assert workspace.clusters.get(id).num_workers == 5
    workspace.clusters.restart(id)
    assert state() is State.RESTARTING
    wait(10)
    assert state() is State.RUNNING
    workspace.clusters.delete(id)
    assert state() is State.TERMINATING
    wait(10)
    ended = workspace.clusters.get(id)
    assert ended.state is State.TERMINATED
    assert ended.termination_reason is not None
    assert ended.termination_reason.code is not None
    assert ended.termination_reason.code.value == "USER_REQUEST"
    # again: nothing to do, and no error
    workspace.clusters.delete(id)
    workspace.clusters.start(id)
    assert state() is State.PENDING
    wait(10)
    told = [one.type for one in workspace.clusters.events(id, order=GetEventsOrder.ASC, limit=2)]
    expected = "CREATING RUNNING RESIZING UPSIZE_COMPLETED RESTARTING RUNNING TERMINATING STARTING RUNNING"
    assert [one.value for one in told if one] == expected.split()
    only = list(workspace.clusters.events(id, event_types=[EventType.TERMINATING]))
    assert [one.type for one in only] == [EventType.TERMINATING]
    workspace.clusters.permanent_delete(id)
    with pytest.raises(ResourceDoesNotExist, match="does not exist"):
        workspace.clusters.get(id)


@pytest.mark.parametrize(
    ("operation", "refused_in"),
    [
        pytest.param("start", "PENDING RUNNING TERMINATING", id="start"),
        pytest.param("restart", "PENDING TERMINATING TERMINATED", id="restart"),
        pytest.param("resize", "PENDING TERMINATING TERMINATED", id="resize"),
        pytest.param("edit", "PENDING TERMINATING", id="edit"),
        pytest.param("delete", "", id="delete"),
    ],
)
def test_operations_by_state(
    workspace: WorkspaceClient, wait: Callable[[int], None], operation: str, refused_in: str
) -> None:
    """In a state that does not allow an operation the API answers INVALID_STATE; in the others it obeys."""
    for state in ("PENDING", "RUNNING", "TERMINATING", "TERMINATED"):
        id = made(workspace, f"{operation}-{state}")
        if state != "PENDING":
            wait(10)
        if state.startswith("TERMINAT"):
            workspace.clusters.delete(id)
        if state == "TERMINATED":
            wait(10)
        found = workspace.clusters.get(id).state
        assert found is not None
        assert found.value == state
        body = {"cluster_id": id, **(SPEC if operation == "edit" else {"num_workers": 1})}
        if state in refused_in.split():
            with pytest.raises(DatabricksError, match="unexpected state") as refusal:
                workspace.api_client.do("POST", f"/api/2.1/clusters/{operation}", body=body)
            assert refusal.value.error_code == "INVALID_STATE"
        else:
            workspace.api_client.do("POST", f"/api/2.1/clusters/{operation}", body=body)


def test_idle_cluster_ends_by_itself(workspace: WorkspaceClient, wait: Callable[[int], None]) -> None:
    """After `autotermination_minutes` without a request, with the vendor's reason; 0 means never."""
    idle, lasting = (
        made(workspace, "idle", autotermination_minutes=10),
        made(workspace, "on", autotermination_minutes=0),
    )
    wait(599)
    assert workspace.clusters.get(idle).state is State.RUNNING
    wait(60)
    ended = workspace.clusters.get(idle)
    assert ended.state is State.TERMINATED
    assert ended.termination_reason is not None
    assert ended.termination_reason.parameters == {"inactivity_duration_min": "10"}
    assert workspace.clusters.get(lasting).state is State.RUNNING


def test_list_in_pages_and_filtered(workspace: WorkspaceClient) -> None:
    """The vendor's client walks the pages; pinned clusters and states can be asked for."""
    ids = [made(workspace, f"page-{number}") for number in range(5)]
    found = [one.cluster_id for one in workspace.clusters.list(page_size=2)]
    assert found[:5] == ids[::-1]
    workspace.clusters.pin(ids[0])
    assert [one.cluster_id for one in workspace.clusters.list(filter_by=ListClustersFilterBy(is_pinned=True))] == [
        ids[0]
    ]
    with pytest.raises(DatabricksError, match="pinned"):
        workspace.clusters.permanent_delete(ids[0])
    workspace.clusters.unpin(ids[0])
    pending = ListClustersFilterBy(cluster_states=[State.TERMINATED])
    assert not {one.cluster_id for one in workspace.clusters.list(filter_by=pending)} & set(ids)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        pytest.param({"spark_version": None}, "spark_version", id="no version"),
        pytest.param({"node_type_id": None}, "node_type_id", id="no node type"),
        pytest.param({"num_workers": -1}, "num_workers", id="workers"),
        pytest.param({"autoscale": {"min_workers": 1, "max_workers": 2}}, "autoscale", id="workers twice"),
        pytest.param({"autotermination_minutes": 5}, "autotermination_minutes", id="too short"),
    ],
)
def test_bad_specifications(workspace: WorkspaceClient, changed: dict[str, Any], message: str) -> None:
    """A wrong member is refused by its name."""
    body = {name: value for name, value in {**SPEC, **changed}.items() if value is not None}
    with pytest.raises(DatabricksError, match=message) as refusal:
        workspace.api_client.do("POST", "/api/2.1/clusters/create", body=body)
    assert refusal.value.error_code == "INVALID_PARAMETER_VALUE"


def test_select_helpers_of_the_client(workspace: WorkspaceClient) -> None:
    """The client's own choosers find something to choose."""
    assert workspace.clusters.select_node_type(min_cores=4) == "m5d.xlarge"
    assert workspace.clusters.select_spark_version(latest=True) == "16.4.x-scala2.12"


@given(
    st.lists(
        st.tuples(st.sampled_from(["start", "restart", "delete", "wait"]), st.integers(min_value=0, max_value=2000)),
        max_size=20,
    )
)
def test_states_do_not_depend_on_when_they_are_read(steps: list[tuple[str, int]]) -> None:
    """Whoever looks in between changes nothing: settling often and settling late come to the same."""

    def play(look_often: bool) -> list[object]:
        now = 0
        cluster: dict[str, Any] = {"cluster_id": "c", "autotermination_minutes": 10, "start_time": 0}
        cluster, log = cluster_states.starting(cluster, now, "me", "create")
        for step, seconds in steps:
            for second in range(now, now + seconds, 7) if look_often else ():
                cluster, events = cluster_states.settled(cluster, second)
                log += events
            now += seconds
            cluster, events = cluster_states.settled(cluster, now)
            log += events
            if step in cluster_states.ALLOWED and cluster_states.obstacle(cluster, step) is None:
                cluster, events = cluster_states.starting(cluster, now, "me", step)
            elif step == "delete":
                cluster, events = cluster_states.terminating(cluster, now, cluster_states.by_request("me"))
            else:
                events = []
            log += events
        return [cluster, log]

    assert play(look_often=True) == play(look_often=False)
