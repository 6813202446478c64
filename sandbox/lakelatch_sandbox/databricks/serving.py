"""Serving endpoints: their configuration as states that the sandbox's clock drives, and their queries.

Source: the Serving Endpoints API's reference (`/api/2.0/serving-endpoints`, `/serving-endpoints/{name}/invocations`).
"""

import re
import secrets
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.databricks import fields, serving_models
from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.errors import ApiError, invalid
from lakelatch_sandbox.databricks.requests import json_object
from lakelatch_sandbox.databricks.tokens import Caller
from lakelatch_sandbox.store import Document, Store

ENDPOINTS: Final = "databricks/serving_endpoints"
UPDATE_SECONDS: Final = 2
"""How long an endpoint is updating; the vendor's need minutes."""

MAX_PAYLOAD_BYTES: Final = 16 * 1024 * 1024
CHAT_TASK: Final = "llm/v1/chat"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


class Serving:
    """The handlers; the caller has been authenticated."""

    def __init__(self, store: Store, clock: Clock, audit: Audit) -> None:
        self._store = store
        self._clock = clock
        self._audit = audit

    def _find(self, name: str) -> Document:
        found = self._store.get(ENDPOINTS, name)
        if found is None:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Endpoint with name '{name[:100]}' does not exist.")
        return found

    def _record(self, request: Request, who: Caller, action: str, name: str) -> None:
        self._audit.record(request, "serverlessRealTimeInference", action, by=who.name, params={"name": name})

    async def create(self, request: Request, who: Caller) -> Response:
        """`POST /api/2.0/serving-endpoints`."""
        body = await json_object(request)
        name = fields.required(body, "name")
        if not _NAME.fullmatch(name):
            raise invalid("Endpoint names have 1 to 63 letters, digits, dashes and underscores")
        if self._store.get(ENDPOINTS, name) is not None:
            raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"Endpoint with name '{name}' already exists.")
        now = self._clock.now()
        endpoint: Document = {
            "name": name,
            "id": secrets.token_hex(16),
            "creator": who.name,
            "creation_timestamp": now * 1000,
            "tags": fields.objects(body, "tags"),
            "description": fields.text(body, "description") or "",
            "permission_level": "CAN_MANAGE",
            "route_optimized": False,
            "_config": None,
            "_pending": _config(fields.mapping(body, "config"), 1, who.name, now),
            "_updated": now,
        }
        self._store.put(ENDPOINTS, name, endpoint)
        self._record(request, who, "createServingEndpoint", name)
        return JSONResponse(_shown(endpoint, now))

    async def read(self, request: Request, who: Caller) -> Response:
        """`GET /api/2.0/serving-endpoints/{name}`."""
        endpoint = self._find(request.path_params["name"])
        self._record(request, who, "getServingEndpoint", endpoint["name"])
        return JSONResponse(_shown(endpoint, self._clock.now()))

    async def list(self, _request: Request, _: Caller) -> Response:
        """`GET /api/2.0/serving-endpoints`."""
        now = self._clock.now()
        return JSONResponse({"endpoints": [_shown(one, now) for one in self._store.all(ENDPOINTS)]})

    async def update_config(self, request: Request, who: Caller) -> Response:
        """`PUT /api/2.0/serving-endpoints/{name}/config`; the old configuration serves until the new one is ready."""
        endpoint, now = self._find(request.path_params["name"]), self._clock.now()
        current = _current(endpoint, now)
        if current is None or (endpoint["_pending"] is not None and current is not endpoint["_pending"]):
            message = f"Endpoint '{endpoint['name']}' is being updated; wait until that has ended."
            raise ApiError(409, "RESOURCE_CONFLICT", message)
        version = current["config_version"] + 1
        pending = _config(await json_object(request), version, who.name, now)
        endpoint |= {"_config": current, "_pending": pending, "_updated": now}
        self._store.put(ENDPOINTS, endpoint["name"], endpoint)
        self._record(request, who, "updateServingEndpoint", endpoint["name"])
        return JSONResponse(_shown(endpoint, now))

    async def delete(self, request: Request, who: Caller) -> Response:
        """`DELETE /api/2.0/serving-endpoints/{name}`."""
        name = self._find(request.path_params["name"])["name"]
        self._store.delete(ENDPOINTS, name)
        self._record(request, who, "deleteServingEndpoint", name)
        return JSONResponse({})

    async def invoke(self, request: Request, _: Caller) -> Response:
        """`POST /serving-endpoints/{name}/invocations`: a chat, or rows to be scored."""
        return await self._answer(request, request.path_params["name"], await self._payload(request))

    async def chat(self, request: Request, _: Caller) -> Response:
        """`POST /serving-endpoints/chat/completions`: as OpenAI's clients ask, with the endpoint's name as `model`."""
        body = await self._payload(request)
        return await self._answer(request, fields.required(body, "model"), body)

    @staticmethod
    async def _payload(request: Request) -> dict[str, Any]:
        declared = request.headers.get("content-length", "0")
        if declared.isdigit() and int(declared) > MAX_PAYLOAD_BYTES:
            raise ApiError(413, "REQUEST_LIMIT_EXCEEDED", f"A payload has at most {MAX_PAYLOAD_BYTES} bytes.")
        return await json_object(request)

    async def _answer(self, _: Request, name: str, body: Mapping[str, Any]) -> Response:
        now = self._clock.now()
        config = _current(self._find(name), now)
        if config is None:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Endpoint '{name}' is not ready yet.")
        model = config["served_entities"][0]["name"]
        headers = {"served-model-name": model}
        if "messages" not in body:
            predictions = [serving_models.prediction(row) for row in serving_models.rows(body)]
            return JSONResponse({"predictions": predictions}, headers=headers)
        id = f"chatcmpl-{uuid.uuid4()}"
        if fields.flag(body, "stream"):
            events = serving_models.chunks(body, model, id, now)
            return StreamingResponse(_each(events), media_type="text/event-stream", headers=headers)
        return JSONResponse(serving_models.completion(body, model, id, now), headers=headers)


async def _each(events: Iterator[str]) -> AsyncIterator[str]:
    # each event leaves as a write of its own, as a model's would
    for event in events:
        yield event


def _config(body: Mapping[str, Any], version: int, user: str, now: int) -> Document:
    """A configuration as it is kept; raises `ApiError` 400."""
    given = fields.objects(body, "served_entities") or fields.objects(body, "served_models")
    if not given:
        raise invalid("served_entities must name at least one model")
    entities = []
    for one in given:
        entity = fields.text(one, "entity_name") or fields.text(one, "model_name")
        external = fields.mapping(one, "external_model")
        if entity is None and not external:
            raise invalid("each served entity needs entity_name or external_model")
        # settings of external models hold keys of other services: only the model's name is kept
        kept = {name: value for name, value in one.items() if name not in ("external_model", "environment_vars")}
        label = str(entity or external.get("name")).rpartition(".")[2]
        version_text = fields.text(one, "entity_version") or fields.text(one, "model_version") or "1"
        entities.append(
            {
                **kept,
                "name": fields.text(one, "name") or f"{label}-{version_text}",
                "creator": user,
                "creation_timestamp": now * 1000,
            }
        )
    share = {"served_model_name": entities[0]["name"], "traffic_percentage": 100}
    traffic = fields.mapping(body, "traffic_config") or {"routes": [share]}
    return {"served_entities": entities, "traffic_config": traffic, "config_version": version}


def _current(endpoint: Document, now: int) -> Document | None:
    """The configuration that serves now; None before the first one does."""
    if endpoint["_pending"] is not None and now >= endpoint["_updated"] + UPDATE_SECONDS:
        found: Document = endpoint["_pending"]
        return found
    before: Document | None = endpoint["_config"]
    return before


def _shown(endpoint: Document, now: int) -> Document:
    current, pending = _current(endpoint, now), endpoint["_pending"]
    updating = pending is not None and current is not pending
    shown = {name: value for name, value in endpoint.items() if not name.startswith("_")}
    shown |= {
        "last_updated_timestamp": endpoint["_updated"] * 1000,
        "task": CHAT_TASK,
        "state": {
            "ready": "NOT_READY" if current is None else "READY",
            "config_update": "IN_PROGRESS" if updating else "NOT_UPDATING",
        },
    }
    for name, config, deployment in (
        ("config", current, "DEPLOYMENT_READY"),
        ("pending_config", pending if updating else None, "DEPLOYMENT_CREATING"),
    ):
        if config is not None:
            state = {"deployment": deployment, "deployment_state_message": "The sandbox's own function, no model"}
            shown[name] = {**config, "served_entities": [{**one, "state": state} for one in config["served_entities"]]}
    return shown
