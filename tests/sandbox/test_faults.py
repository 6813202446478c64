"""Faults strike the requests that they were made for, in the vendor's shape, and the vendor's client copes."""

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from databricks.sdk import AccountClient, WorkspaceClient
from databricks.sdk.clock import Clock
from databricks.sdk.config import Config
from databricks.sdk.errors import InternalError
from databricks.sdk.errors.base import DatabricksError
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse

from lakelatch_sandbox.faults import FIELDS, Fault, Faults, parse, refusal


class ImpatientClock(Clock):
    """Sleeps no time at all, and remembers for how long it should have."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._ticks = itertools.count()

    def time(self) -> float:
        return float(next(self._ticks))

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def switch(sandbox: Any) -> Iterator[Callable[..., httpx.Response]]:
    url = f"{sandbox.endpoints.control_url}/faults"
    yield lambda **fault: sandbox.http.post(url, json=fault)
    assert sandbox.http.delete(url).status_code == 204


@pytest.fixture
def clock() -> ImpatientClock:
    return ImpatientClock()


@pytest.fixture
def admin(sandbox: Any, clock: ImpatientClock, monkeypatch: pytest.MonkeyPatch) -> AccountClient:
    for name in [name for name in os.environ if name.startswith(("DATABRICKS_", "ARM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", sandbox.endpoints.ca_bundle_file)
    endpoints = sandbox.endpoints
    config = Config(
        host=endpoints.account_host,
        account_id=endpoints.account_id,
        client_id=endpoints.admin_client_id,
        client_secret=endpoints.admin_client_secret,
        auth_type="oauth-m2m",
        clock=clock,
    )
    return AccountClient(config=config)


@pytest.mark.parametrize("status", [429, 503])
def test_the_vendors_client_waits_as_told_and_tries_again(
    switch: Callable[..., httpx.Response], admin: AccountClient, clock: ImpatientClock, status: int, sandbox: Any
) -> None:
    list(admin.workspaces.list())
    switch(double="databricks_account", path="*/workspaces", status=status, retry_after_seconds=7, count=2)
    assert [one.workspace_name for one in admin.workspaces.list()] == ["sandbox"]
    assert [int(seconds) for seconds in clock.slept] == [7, 7]
    struck = sandbox.http.get(f"{sandbox.endpoints.control_url}/faults").json()["faults"][0]["struck"]
    assert struck == 2


def test_the_vendors_client_does_not_repeat_what_an_error_ended(
    switch: Callable[..., httpx.Response], admin: AccountClient, clock: ImpatientClock
) -> None:
    switch(double="databricks_account", path="*/workspaces", status=500)
    with pytest.raises(InternalError, match="Fault"):
        list(admin.workspaces.list())
    assert clock.slept == []


def test_a_dropped_connection_is_tried_again(
    switch: Callable[..., httpx.Response], admin: AccountClient, clock: ImpatientClock
) -> None:
    list(admin.workspaces.list())
    switch(double="databricks_account", path="*/workspaces", drop=True, count=1)
    assert [one.workspace_name for one in admin.workspaces.list()] == ["sandbox"]
    assert len(clock.slept) == 1


def test_a_token_endpoint_that_is_down_is_said(
    switch: Callable[..., httpx.Response], sandbox: Any, admin: AccountClient
) -> None:
    switch(double="databricks_workspace", path="/oidc/v1/token", status=503)
    endpoints = sandbox.endpoints
    client = WorkspaceClient(
        host=endpoints.workspace_host,
        client_id=endpoints.admin_client_id,
        client_secret=endpoints.admin_client_secret,
        auth_type="oauth-m2m",
    )
    with pytest.raises((ValueError, DatabricksError), match="temporarily_unavailable"):
        client.current_user.me()


def test_the_clients_see_a_cut_and_not_an_answer(switch: Callable[..., httpx.Response], sandbox: Any) -> None:
    switch(double="databricks_workspace", method="get", drop=True, count=1)
    url = f"{sandbox.endpoints.workspace_host}/.well-known/databricks-config"
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        sandbox.http.get(url)
    assert sandbox.http.get(url).status_code == 200


def test_faults_of_one_double_leave_the_others_alone(switch: Callable[..., httpx.Response], sandbox: Any) -> None:
    switch(double="graph", status=500)
    assert sandbox.http.get(f"{sandbox.endpoints.graph_base}/v1.0/users").json()["error"]["code"] == (
        "InternalServerError"
    )
    assert sandbox.http.get(f"{sandbox.endpoints.workspace_host}/oidc/jwks.json").status_code == 200
    switch(double="*", status=503)
    assert sandbox.http.get(f"{sandbox.endpoints.workspace_host}/oidc/jwks.json").status_code == 503
    assert sandbox.http.get(f"{sandbox.endpoints.control_url}/health").status_code == 200


async def test_latency_waits_and_then_answers() -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    faults = Faults(sleep)
    transport = httpx.ASGITransport(faults.in_front_of("graph", PlainTextResponse("fine")))
    faults.add({"double": "graph", "latency_seconds": 12.5})
    async with httpx.AsyncClient(transport=transport, base_url="http://graph") as client:
        assert (await client.get("/x")).text == "fine"
    assert waited == [12.5]


def test_faults_are_taken_back_one_by_one(switch: Callable[..., httpx.Response], sandbox: Any) -> None:
    first = switch(double="graph", status=500).json()
    url = f"{sandbox.endpoints.control_url}/faults"
    assert [one["id"] for one in sandbox.http.get(url).json()["faults"]] == [first["id"]]
    assert sandbox.http.delete(f"{url}/{first['id']}").status_code == 204
    assert sandbox.http.delete(f"{url}/{first['id']}").status_code == 404
    assert sandbox.http.get(url).json()["faults"] == []


def test_control_says_what_it_can_do(sandbox: Any) -> None:
    assert "POST /faults" in sandbox.http.get(sandbox.endpoints.control_url).json()
    assert sandbox.http.get(f"{sandbox.endpoints.control_url}/faults").json()["fields"] == dict(FIELDS)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param([], "must be an object", id="list"),
        pytest.param({"status": 500}, "`double` must be one of", id="no double"),
        pytest.param({"double": "control", "status": 500}, "`double` must be one of", id="control"),
        pytest.param({"double": "graph"}, "a fault needs", id="nothing to do"),
        pytest.param({"double": "graph", "status": 200}, "`status` must be a number from 400", id="status"),
        pytest.param({"double": "graph", "status": True}, "`status` must be", id="bool"),
        pytest.param({"double": "graph", "drop": 1}, "`drop` must be", id="drop"),
        pytest.param({"double": "graph", "status": 500, "count": 0}, "`count` must be", id="count"),
        pytest.param({"double": "graph", "latency_seconds": 1e9}, "`latency_seconds` must be", id="latency"),
        pytest.param({"double": "graph", "status": 500, "times": 3}, "there is no `times`", id="unknown"),
    ],
)
def test_bad_faults_are_refused(switch: Callable[..., httpx.Response], body: Any, reason: str, sandbox: Any) -> None:
    answer = sandbox.http.post(f"{sandbox.endpoints.control_url}/faults", json=body)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]


@pytest.mark.parametrize(
    ("double", "path", "member"),
    [
        ("databricks_account", "/api/2.0/accounts/a/workspaces", "error_code"),
        ("databricks_workspace", "/api/2.0/preview/scim/v2/Me", "detail"),
        ("databricks_workspace", "/oidc/v1/token", "error_description"),
        ("entra", "/t/oauth2/v2.0/token", "error_description"),
        ("graph", "/v1.0/users", "error"),
        ("cluster", "/api", "kind"),
    ],
)
def test_refusals_have_the_vendors_shape(double: str, path: str, member: str) -> None:
    answer = refusal(Fault(id="1", double=double, status=429, retry_after_seconds=3), double, path)
    assert member.encode() in bytes(answer.body)
    assert answer.headers["Retry-After"] == "3"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text() | st.floats(), st.lists), st.data())
def test_no_body_breaks_the_reader(value: Any, data: st.DataObject) -> None:
    body = data.draw(st.dictionaries(st.sampled_from([*FIELDS, "x"]), st.just(value) | st.just("graph")))
    try:
        fault = parse(body, "1", ("graph",))
    except ValueError:
        return
    assert fault.double == "graph"
    assert fault.latency_seconds or fault.status or fault.drop
