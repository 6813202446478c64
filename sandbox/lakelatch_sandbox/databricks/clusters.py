"""Clusters API: clusters that are states and events; no machine stands behind them, and they run nothing.

Source: the Clusters API's reference (`/api/2.1/clusters/*`).
"""

import datetime
import secrets
import string
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.databricks import cluster_states, fields, paging
from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.cluster_specs import checked
from lakelatch_sandbox.databricks.cluster_states import Event
from lakelatch_sandbox.databricks.errors import ApiError, invalid
from lakelatch_sandbox.databricks.requests import json_object
from lakelatch_sandbox.databricks.tokens import Caller
from lakelatch_sandbox.store import Document, Store

CLUSTERS: Final = "databricks/clusters"
_EVENTS: Final = "_databricks/cluster_events"

MAX_EVENTS: Final = 500
"""Of each cluster, the newest; the vendor keeps them for 60 days."""

MAX_PAGE: Final = 100
DEFAULT_PAGE: Final = 20
DEFAULT_EVENTS: Final = 50
MAX_EVENTS_PAGE: Final = 500


class Clusters:
    """The handlers; the caller has been authenticated."""

    def __init__(self, store: Store, clock: Clock, audit: Audit) -> None:
        self._store = store
        self._clock = clock
        self._audit = audit

    def find(self, id: str) -> Document:
        """The cluster as it is now; raises `ApiError` 400 when there is none, as the vendor does."""
        cluster = self._store.get(CLUSTERS, id)
        if cluster is None:
            # clients know this refusal by its words
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Cluster {id[:100]} does not exist")
        return self._settled(cluster)

    def _settled(self, cluster: Document) -> Document:
        found, events = cluster_states.settled(cluster, self._clock.now())
        return self._keep(found, events) if found != cluster else found

    def _keep(self, cluster: Document, events: list[Event]) -> Document:
        id = cluster["cluster_id"]
        log = (self._store.get(_EVENTS, id) or {"events": []})["events"]
        log += [
            {"cluster_id": id, "timestamp": one.second * 1000, "type": one.type, "details": one.details}
            for one in events
        ]
        self._store.put(_EVENTS, id, {"events": log[-MAX_EVENTS:]})
        return self._store.put(CLUSTERS, id, cluster)

    def _record(self, request: Request, who: Caller, action: str, cluster: Document) -> None:
        params = {"cluster_id": cluster["cluster_id"], "cluster_name": cluster.get("cluster_name")}
        self._audit.record(request, "clusters", action, by=who.name, params=params)

    def _new_id(self) -> str:
        moment = datetime.datetime.fromtimestamp(self._clock.now(), datetime.UTC)
        tail = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(8))
        return f"{moment:%m%d-%H%M%S}-{tail}"

    async def create(self, request: Request, who: Caller) -> Response:
        """`POST create`; answers with the id at once, while the cluster is PENDING."""
        spec = checked(await json_object(request))
        cluster = {
            "cluster_name": "",
            "autotermination_minutes": 120,
            "cluster_source": "API",
            "data_security_mode": "SINGLE_USER",
            **spec,
            "cluster_id": self._new_id(),
            "creator_user_name": who.name,
            "default_tags": {"Vendor": "Databricks", "Creator": who.name, "ClusterName": spec.get("cluster_name", "")},
            "spec": spec,
        }
        cluster, events = cluster_states.starting(cluster, self._clock.now(), who.name, "create")
        self._keep(cluster, events)
        self._record(request, who, "create", cluster)
        return JSONResponse({"cluster_id": cluster["cluster_id"]})

    async def read(self, request: Request, _: Caller) -> Response:
        """`GET get?cluster_id=...`."""
        return JSONResponse(_shown(self.find(fields.required(request.query_params, "cluster_id"))))

    async def list(self, request: Request, _: Caller) -> Response:
        """`GET list`: newest first, filtered by `filter_by.cluster_states` and `filter_by.is_pinned`."""
        query = request.query_params
        size = fields.number(query, "page_size", most=MAX_PAGE) or DEFAULT_PAGE
        states = query.getlist("filter_by.cluster_states")
        found = [self._settled(one) for one in self._store.all(CLUSTERS)]
        found = [one for one in reversed(found) if not states or one["state"] in states]
        if "filter_by.is_pinned" in query:
            pinned = fields.flag(query, "filter_by.is_pinned")
            found = [one for one in found if one.get("_pinned", False) == pinned]
        shown, following, previous = paging.page(found, query.get("page_token"), size)
        body = {"clusters": [_shown(one) for one in shown]}
        return JSONResponse(body | _tokens(following, previous))

    async def _named(self, request: Request, operation: str | None = None) -> tuple[Document, dict[str, Any]]:
        body = await json_object(request)
        cluster = self.find(fields.required(body, "cluster_id"))
        refused = None if operation is None else cluster_states.obstacle(cluster, operation)
        if refused is not None:
            raise ApiError(400, "INVALID_STATE", refused)
        return cluster, body

    async def start(self, request: Request, who: Caller) -> Response:
        """`POST start`: a terminated cluster only."""
        cluster, _ = await self._named(request, "start")
        self._keep(*cluster_states.starting(cluster, self._clock.now(), who.name))
        self._record(request, who, "start", cluster)
        return JSONResponse({})

    async def restart(self, request: Request, who: Caller) -> Response:
        """`POST restart`: a running cluster only."""
        cluster, _ = await self._named(request, "restart")
        self._keep(*cluster_states.starting(cluster, self._clock.now(), who.name, "restart"))
        self._record(request, who, "restart", cluster)
        return JSONResponse({})

    async def resize(self, request: Request, who: Caller) -> Response:
        """`POST resize`: a running cluster only; there are no machines, so it is done at once."""
        cluster, body = await self._named(request, "resize")
        workers = fields.required_number(body, "num_workers")
        now = self._clock.now()
        details = {"current_num_workers": cluster.get("num_workers") or 0, "target_num_workers": workers}
        events = [Event(now, "RESIZING", details | {"user": who.name}), Event(now, "UPSIZE_COMPLETED", details)]
        self._keep({**cluster, "num_workers": workers, "_active": now}, events)
        self._record(request, who, "resize", cluster)
        return JSONResponse({})

    async def edit(self, request: Request, who: Caller) -> Response:
        """`POST edit`: the whole specification anew; a running cluster restarts with it."""
        cluster, body = await self._named(request, "edit")
        spec, now = checked(body), self._clock.now()
        edited = {name: value for name, value in cluster.items() if name not in cluster["spec"]} | spec | {"spec": spec}
        events = [Event(now, "EDITED", {"user": who.name})]
        if edited["state"] == "RUNNING":
            edited, restarted = cluster_states.starting(edited, now, who.name, "edit")
            events += restarted
        self._keep(edited, events)
        self._record(request, who, "edit", edited)
        return JSONResponse({})

    async def delete(self, request: Request, who: Caller) -> Response:
        """`POST delete`: terminates; the cluster stays in the list."""
        cluster, _ = await self._named(request)
        self._keep(*cluster_states.terminating(cluster, self._clock.now(), cluster_states.by_request(who.name)))
        self._record(request, who, "delete", cluster)
        return JSONResponse({})

    async def permanent_delete(self, request: Request, who: Caller) -> Response:
        """`POST permanent-delete`: gone at once, in whatever state; a pinned one must be unpinned first."""
        cluster, _ = await self._named(request)
        if cluster.get("_pinned"):
            raise ApiError(400, "INVALID_STATE", f"Cluster {cluster['cluster_id']} is pinned; unpin it first.")
        for kind in (CLUSTERS, _EVENTS):
            self._store.delete(kind, cluster["cluster_id"])
        self._record(request, who, "permanentDelete", cluster)
        return JSONResponse({})

    async def pin(self, request: Request, who: Caller) -> Response:
        """`POST pin` and `POST unpin`; both may be repeated."""
        cluster, _ = await self._named(request)
        pinned = request.url.path.endswith("/pin")
        if cluster.get("_pinned", False) != pinned:
            event = Event(self._clock.now(), "PINNED" if pinned else "UNPINNED", {"user": who.name})
            self._keep({**cluster, "_pinned": pinned}, [event])
        return JSONResponse({})

    async def events(self, request: Request, _: Caller) -> Response:
        """`POST events`: newest first, or with `order: ASC` oldest first; `next_page` is the next request's body."""
        body = await json_object(request)
        id = self.find(fields.required(body, "cluster_id"))["cluster_id"]
        order, types = body.get("order") or "DESC", body.get("event_types") or []
        if order not in ("ASC", "DESC") or not isinstance(types, list):
            raise invalid("order must be ASC or DESC, event_types a list")
        first = fields.number(body, "start_time") or 0
        last = fields.number(body, "end_time") or 2**63
        size = fields.number(body, "page_size") or fields.number(body, "limit") or DEFAULT_EVENTS
        position = fields.number(body, "offset") or paging.position_of(fields.text(body, "page_token"))
        log = (self._store.get(_EVENTS, id) or {"events": []})["events"]
        found = [one for one in log if first <= one["timestamp"] <= last and (not types or one["type"] in types)]
        if order == "DESC":
            found.reverse()
        end = position + min(size, MAX_EVENTS_PAGE)
        answer: dict[str, Any] = {"events": found[position:end], "total_count": len(found)}
        if end < len(found):
            kept = {name: value for name, value in body.items() if name != "page_token"}
            answer["next_page"] = {**kept, "order": order, "offset": end, "limit": size}
            answer["next_page_token"] = paging.token_for(end)
        return JSONResponse(answer)


def _shown(cluster: Document) -> Document:
    return {name: value for name, value in cluster.items() if not name.startswith("_")}


def _tokens(following: str | None, previous: str | None) -> dict[str, str]:
    return {name: token for name, token in (("next_page_token", following), ("prev_page_token", previous)) if token}
