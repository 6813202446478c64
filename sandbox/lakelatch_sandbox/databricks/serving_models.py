"""The models behind serving endpoints: small functions whose answers follow from the request alone, and say so.

Source of the shapes: docs.databricks.com/aws/en/machine-learning/model-serving/score-custom-model-endpoints (frames,
instances, inputs) and the chat completions of foundation model APIs.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lakelatch_sandbox.databricks.errors import ApiError

DISCLOSURE: Final = "[sandbox: no model runs here] "
"""Every text that a chat answers begins with it."""

MAX_ROWS: Final = 10_000

WORDS_PER_CHUNK: Final = 1


def bad_request(message: str) -> ApiError:
    """A request that a model cannot take."""
    return ApiError(400, "BAD_REQUEST", message)


def rows(body: Mapping[str, Any]) -> list[Any]:
    """The rows of a scoring request, in whichever of the vendor's formats; raises `ApiError` 400."""
    given = [name for name in ("dataframe_split", "dataframe_records", "instances", "inputs") if name in body]
    if len(given) != 1:
        raise bad_request("Exactly one of dataframe_split, dataframe_records, instances and inputs must be given")
    value = body[given[0]]
    if given[0] == "dataframe_split":
        if not isinstance(value, dict) or not isinstance(value.get("data"), list):
            raise bad_request("dataframe_split must be an object with columns and data")
        value = value["data"]
    if given[0] == "inputs" and isinstance(value, dict):
        # a column for each name
        lists = list(value.values())
        if not all(isinstance(one, list) and len(one) == len(lists[0]) for one in lists):
            raise bad_request("inputs must hold lists of the same length")
        value = [list(row) for row in zip(*lists, strict=True)]
    if not isinstance(value, list) or len(value) > MAX_ROWS:
        raise bad_request(f"{given[0]} must be a list of at most {MAX_ROWS} rows")
    return value


def prediction(row: Any) -> Any:
    """The sum of a row's numbers, or the row itself when it has none."""
    values = list(row.values()) if isinstance(row, dict) else row if isinstance(row, list) else [row]
    numbers = [one for one in values if isinstance(one, int | float) and not isinstance(one, bool)]
    return sum(numbers) if numbers else row


def chat_text(body: Mapping[str, Any]) -> str:
    """The answer of a chat: an echo of the last message of the user. Raises `ApiError` 400."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(one, dict) for one in messages):
        raise bad_request("messages must be a list of objects that is not empty")
    users = [one for one in messages if one.get("role") == "user"]
    content = users[-1].get("content") if users else None
    if isinstance(content, list):
        content = " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if not isinstance(content, str):
        raise bad_request("one message must be of the user and have content")
    words = f"{DISCLOSURE}You said: {content}".split(" ")
    most = body.get("max_tokens")
    if most is None:
        return " ".join(words)
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        raise bad_request("max_tokens must be a positive whole number")
    return " ".join(words[:most])


def _usage(body: Mapping[str, Any], text: str) -> dict[str, int]:
    asked = sum(len(str(one.get("content", "")).split()) for one in body["messages"])
    answered = len(text.split(" "))
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


def completion(body: Mapping[str, Any], model: str, id: str, now: int) -> dict[str, Any]:
    """A whole chat completion; each word counts as a token."""
    text = chat_text(body)
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", "logprobs": None}
    return {
        "id": id,
        "object": "chat.completion",
        "created": now,
        "model": model,
        "choices": [choice],
        "usage": _usage(body, text),
    }


def chunks(body: Mapping[str, Any], model: str, id: str, now: int) -> Iterator[str]:
    """The same as server-sent events: one for each word, one that ends, then `[DONE]`. Raises `ApiError` at once."""
    text = chat_text(body)

    def event(delta: dict[str, str], finish: str | None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        head = {"id": id, "object": "chat.completion.chunk", "created": now, "model": model, "choices": [choice]}
        return f"data: {json.dumps(head | more)}\n\n"

    def events() -> Iterator[str]:
        for position, word in enumerate(text.split(" ")):
            delta = {"content": f" {word}" if position else word}
            yield event({"role": "assistant", **delta} if position == 0 else delta, None)
        yield event({}, "stop", usage=_usage(body, text))
        yield "data: [DONE]\n\n"

    return events()
