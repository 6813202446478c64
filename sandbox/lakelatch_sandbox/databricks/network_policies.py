"""Network policies of the account, and which one a workspace has.

Sources: the references of `network-policies` and `workspaces/{id}/network`, and docs.databricks.com, context-based
ingress. Known of ingress are the allow rules for public access by address; whatever else is in a policy is refused,
but for egress, which is kept and has no effect: nothing here calls the internet.
"""

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.databricks.errors import ApiError, invalid
from lakelatch_sandbox.databricks.ip_access_lists import network, within
from lakelatch_sandbox.databricks.requests import json_object
from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.store import Document, Store

POLICIES: Final = "databricks/network_policies"
TURNS: Final = "databricks/workspace_network"
DEFAULT: Final = "default-policy"
_PRIVATE: Final = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8")))
_ALL: Final = "0.0.0.0/0"
_INGRESS: Final = ("ingress", "ingress_dry_run")
_KNOWN: Final = ({"label", "origin", "destination"}, {"included_ip_ranges", "all_ip_ranges"})


class NetworkPolicies:
    """The handlers, whose callers have been authenticated as account administrators, and what a policy decides."""

    def __init__(self, store: Store, endpoints: Endpoints) -> None:
        self._store = store
        self._endpoints = endpoints

    def admit(self, address: str) -> bool:
        """Whether the workspace's policy lets a caller from this address in; a dry run lets everybody in."""
        ingress = (self._policy(self._turn()) or {}).get("ingress") or {}
        restricted = (ingress.get("public_access") or {}).get("restriction_mode") == "RESTRICTED_ACCESS"
        return not restricted or within(address, _ranges(ingress))

    def _turn(self) -> str:
        found = self._store.get(TURNS, self._endpoints.workspace_id)
        return DEFAULT if found is None else str(found["network_policy_id"])

    def _policy(self, id: str) -> Document | None:
        if id == DEFAULT:
            return {"network_policy_id": id, "account_id": self._endpoints.account_id}
        return self._store.get(POLICIES, id)

    def _known(self, id: str) -> Document:
        if (found := self._policy(id)) is None:
            raise ApiError(404, "NOT_FOUND", f"Network policy {id[:100]} does not exist.")
        return found

    def _kept(self, body: Document) -> Response:
        for name in _INGRESS:
            _check(name, body.get(name) or {})
        kept = {name: body[name] for name in ("network_policy_id", "egress", *_INGRESS) if body.get(name) is not None}
        id = kept["network_policy_id"]
        return JSONResponse(self._store.put(POLICIES, id, {"account_id": self._endpoints.account_id, **kept}))

    async def create(self, request: Request) -> Response:
        """`POST .../network-policies`."""
        body = await json_object(request)
        if not (id := body.get("network_policy_id")):
            raise invalid("network_policy_id is required")
        if self._policy(id) is not None:
            raise ApiError(409, "ALREADY_EXISTS", f"Network policy {id} exists already.")
        return self._kept(body)

    async def read(self, request: Request) -> Response:
        """`GET .../network-policies/{policy_id}`."""
        return JSONResponse(self._known(request.path_params["policy_id"]))

    async def replace(self, request: Request) -> Response:
        """`PUT .../network-policies/{policy_id}`: what is left out is gone."""
        id = self._known(request.path_params["policy_id"])["network_policy_id"]
        return self._kept({**await json_object(request), "network_policy_id": id})

    async def delete(self, request: Request) -> Response:
        """`DELETE .../network-policies/{policy_id}`. That one in use cannot go is assumed: the reference is silent."""
        id = self._known(request.path_params["policy_id"])["network_policy_id"]
        if id in (DEFAULT, self._turn()):
            raise ApiError(400, "INVALID_STATE", f"Network policy {id} is in use.")
        self._store.delete(POLICIES, id)
        return JSONResponse({})

    async def read_turn(self, request: Request) -> Response:
        """`GET .../workspaces/{workspace_id}/network`."""
        id = self._workspace(request)
        return JSONResponse({"workspace_id": int(id), "network_policy_id": self._turn()})

    async def turn(self, request: Request) -> Response:
        """`PUT .../workspaces/{workspace_id}/network`: give the workspace another policy."""
        workspace = self._workspace(request)
        policy = self._known(str((await json_object(request)).get("network_policy_id")))["network_policy_id"]
        if policy == DEFAULT:
            self._store.delete(TURNS, workspace)
        else:
            self._store.put(TURNS, workspace, {"network_policy_id": policy})
        return await self.read_turn(request)

    def _workspace(self, request: Request) -> str:
        id: str = request.path_params["workspace_id"]
        if id != self._endpoints.workspace_id:
            raise ApiError(404, "NOT_FOUND", f"Workspace {id[:100]} does not exist.")
        return id


def _ranges(ingress: Document) -> Iterator[str]:
    for rule in (ingress.get("public_access") or {}).get("allow_rules") or ():
        origin = rule.get("origin") or {}
        yield from [_ALL] if origin.get("all_ip_ranges") else ()
        yield from (origin.get("included_ip_ranges") or {}).get("ip_ranges") or ()


def _check(name: str, ingress: Document) -> None:
    access = ingress.get("public_access") or {}
    rules = access.get("allow_rules") or []
    known = set(access) <= {"restriction_mode", "allow_rules"} and all(
        set(rule) <= _KNOWN[0] and set(rule.get("origin") or {}) <= _KNOWN[1] for rule in rules
    )
    if set(ingress) - {"public_access"} or not known:
        raise invalid(f"This double knows allow rules for public access by address alone, and {name} says more.")
    for one in _ranges(ingress):
        if one != _ALL and any(map(network(one).overlaps, _PRIVATE)):
            raise invalid(f"{one} is a private range.")
