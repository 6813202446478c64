"""Serving endpoints come up by the sandbox's clock, answer what follows from the request, and stream word by word."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, ResourceAlreadyExists, ResourceConflict
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service.serving import (
    ChatMessage,
    ChatMessageRole,
    EndpointCoreConfigInput,
    EndpointStateConfigUpdate,
    EndpointStateReady,
    ServedEntityInput,
)
from hypothesis import given
from hypothesis import strategies as st
from support.workspace import administrator

from lakelatch_sandbox.databricks.serving_models import DISCLOSURE, chat_text, chunks, completion, prediction

pytestmark = pytest.mark.usefixtures("environment")


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


def config(name: str, model: str = "main.sales.echo", version: str = "1") -> EndpointCoreConfigInput:
    return EndpointCoreConfigInput(
        name=name, served_entities=[ServedEntityInput(entity_name=model, entity_version=version)]
    )


@pytest.fixture
def endpoint(workspace: WorkspaceClient, wait: Callable[[int], None], request: Any) -> Iterator[str]:
    """The name of an endpoint that is ready."""
    name = f"ready-{abs(hash(request.node.name)) % 10**8}"
    workspace.serving_endpoints.create(name, config=config(name))
    wait(10)
    yield name
    workspace.serving_endpoints.delete(name)


def test_life_of_an_endpoint(workspace: WorkspaceClient, wait: Callable[[int], None]) -> None:
    """Not ready, ready, updating while the old configuration serves, deleted."""
    serving = workspace.serving_endpoints
    serving.create("life", config=config("life"))
    with pytest.raises(ResourceAlreadyExists, match="already exists"):
        serving.create("life", config=config("life"))
    made = serving.get("life")
    assert made.state is not None
    assert made.state.ready is EndpointStateReady.NOT_READY
    with pytest.raises(NotFound, match="not ready"):
        serving.query("life", inputs=[1])
    wait(10)
    ready = serving.get("life")
    assert ready.state is not None
    assert ready.state.ready is EndpointStateReady.READY
    serving.update_config("life", served_entities=[ServedEntityInput(entity_name="main.sales.new", entity_version="2")])
    updating = serving.get("life")
    assert updating.state is not None
    assert updating.state.config_update is EndpointStateConfigUpdate.IN_PROGRESS
    with pytest.raises(ResourceConflict, match="being updated"):
        serving.update_config("life", served_entities=[ServedEntityInput(entity_name="x")])
    assert serving.query("life", inputs=[1]).served_model_name == "echo-1"
    wait(10)
    assert serving.query("life", inputs=[1]).served_model_name == "new-2"
    assert "life" in [one.name for one in serving.list()]
    serving.delete("life")
    with pytest.raises(NotFound, match="does not exist"):
        serving.get("life")


def test_rows_are_scored(workspace: WorkspaceClient, endpoint: str) -> None:
    """In each of the vendor's formats: the sum of a row's numbers."""
    query = workspace.serving_endpoints.query
    assert query(endpoint, inputs=[[1, 2], [3, 4.5]]).predictions == [3, 7.5]
    assert query(endpoint, instances=[{"a": 1, "b": "x"}]).predictions == [1]
    assert query(endpoint, dataframe_records=[{"a": 2, "b": 5}]).predictions == [7]
    answer: Any = workspace.api_client.do(
        "POST",
        f"/serving-endpoints/{endpoint}/invocations",
        body={"dataframe_split": {"columns": ["a", "b"], "data": [[1, 1], [2, 2]]}},
    )
    assert answer["predictions"] == [2, 4]


def test_chat(workspace: WorkspaceClient, endpoint: str) -> None:
    """An echo that says what it is, in OpenAI's shape."""
    messages = [ChatMessage(role=ChatMessageRole.USER, content="hello there")]
    answer = workspace.serving_endpoints.query(endpoint, messages=messages)
    (choice,) = answer.choices or []
    assert choice.message is not None
    assert choice.message.content == f"{DISCLOSURE}You said: hello there"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 2


@pytest.mark.parametrize("by_model", [False, True], ids=["invocations", "OpenAI's path"])
def test_streaming(workspace: WorkspaceClient, sandbox: Any, endpoint: str, by_model: bool) -> None:
    """Server-sent events, each of its own, that put together say what the whole answer says; `[DONE]` is the last."""
    path = "chat/completions" if by_model else f"{endpoint}/invocations"
    url = f"{sandbox.endpoints.workspace_host}/serving-endpoints/{path}"
    body = {"model": endpoint, "stream": True, "messages": [{"role": "user", "content": "a b c"}]}
    with sandbox.http.stream("POST", url, json=body, headers=workspace.config.authenticate()) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    events = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    text = "".join(one["choices"][0]["delta"].get("content", "") for one in events)
    assert text == f"{DISCLOSURE}You said: a b c"
    assert [one["choices"][0]["finish_reason"] for one in events] == [None] * (len(events) - 1) + ["stop"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"inputs": [1], "instances": [1]}, id="two formats"),
        pytest.param({"inputs": {"a": [1], "b": [1, 2]}}, id="uneven columns"),
        pytest.param({"dataframe_split": []}, id="split"),
        pytest.param({"messages": []}, id="no message"),
        pytest.param({"messages": [{"role": "system", "content": "x"}]}, id="no user"),
        pytest.param({"messages": [{"role": "user", "content": "x"}], "max_tokens": 0}, id="max_tokens"),
        pytest.param({"messages": "x", "stream": True}, id="streamed"),
    ],
)
def test_bad_queries(workspace: WorkspaceClient, endpoint: str, body: dict[str, Any]) -> None:
    """A request that a model cannot take is refused with 400, streamed or not."""
    with pytest.raises(DatabricksError) as refusal:
        workspace.api_client.do("POST", f"/serving-endpoints/{endpoint}/invocations", body=body)
    assert refusal.value.error_code == "BAD_REQUEST"


def test_keys_of_external_models_are_not_kept(workspace: WorkspaceClient, sandbox: Any) -> None:
    """The settings of an external model hold keys: no answer and no dump shows them."""
    body = {
        "name": "external",
        "config": {
            "served_entities": [
                {"external_model": {"name": "m", "openai_config": {"openai_api_key_plaintext": "sk-not-for-any-log"}}}
            ]
        },
    }
    made = workspace.api_client.do("POST", "/api/2.0/serving-endpoints", body=body)
    state = (sandbox.state / "state.sqlite").read_bytes() + (sandbox.state / "state.sqlite-wal").read_bytes()
    assert "sk-not-for-any-log" not in str(made)
    assert b"sk-not-for-any-log" not in state


@given(content=st.text(max_size=50), most=st.one_of(st.none(), st.integers(1, 20)))
def test_stream_and_whole_answer_agree(content: str, most: int | None) -> None:
    """For any message: the stream's parts are the whole answer, and so is the number of words."""
    body: dict[str, Any] = {"messages": [{"role": "user", "content": content}], "max_tokens": most}
    whole = completion(body, "m", "id", 0)
    events = [json.loads(one.removeprefix("data: ")) for one in list(chunks(body, "m", "id", 0))[:-1]]
    text = "".join(one["choices"][0]["delta"].get("content", "") for one in events)
    assert text == whole["choices"][0]["message"]["content"] == chat_text(body)
    assert events[-1]["usage"] == whole["usage"]
    assert most is None or whole["usage"]["completion_tokens"] <= most


@pytest.mark.parametrize(
    ("row", "expected"), [([1, 2], 3), ({"a": 1.5}, 1.5), ("x", "x"), ([True, "y"], [True, "y"]), (4, 4)]
)
def test_predictions(row: Any, expected: Any) -> None:
    """The sum of the numbers, or the row itself."""
    assert prediction(row) == expected
