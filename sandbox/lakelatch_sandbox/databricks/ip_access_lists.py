"""IP access lists: from where a workspace is reached.

Sources: the reference of `ip-access-lists` and docs.databricks.com, IP access lists for workspaces. The vendor's
changes take minutes; these are in force at once.
"""

import uuid
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.databricks.errors import ApiError, invalid
from lakelatch_sandbox.databricks.requests import json_object
from lakelatch_sandbox.databricks.workspace_settings import CONF
from lakelatch_sandbox.store import Document, Store

LISTS: Final = "databricks/ip_access_lists"
MOST_ADDRESSES: Final = 1000
"""Of all lists of a workspace together."""
_SWITCH: Final = "enableIpAccessLists"


def network(address: object) -> IPv4Network:
    """An address or range as one; raises `ApiError` 400 for what is none."""
    try:
        return IPv4Network(address)
    except ValueError as error:
        raise invalid(f"{str(address)[:50]} is not an IPv4 address or CIDR range") from error


def within(address: str, ranges: Iterable[str]) -> bool:
    """Whether an address is in any of these."""
    return any(IPv4Address(address) in network(one) for one in ranges)


class IpAccessLists:
    """The handlers, whose callers have been authenticated as administrators, and what the lists decide."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def admit(self, address: str) -> bool:
        """Whether a caller from this address is let in."""
        return self._admitted(address, list(self._store.all(LISTS)))

    def _admitted(self, address: str, lists: list[Document]) -> bool:
        if (self._store.get(CONF, "conf") or {}).get(_SWITCH) != "true":
            return True
        allowed, blocked = (
            [one for one in lists if one["enabled"] and one["list_type"] == kind] for kind in ("ALLOW", "BLOCK")
        )
        return not within(address, _addresses(blocked)) and (not allowed or within(address, _addresses(allowed)))

    def _kept(self, request: Request, wanted: Document) -> Response:
        """Keep a list, if it is in order and lets its caller in."""
        if not wanted.get("label") or wanted.get("list_type") not in ("ALLOW", "BLOCK"):
            raise invalid("label and list_type (ALLOW or BLOCK) are required")
        for address in wanted["ip_addresses"]:
            network(address)
        after = [*(one for one in self._store.all(LISTS) if one["list_id"] != wanted["list_id"]), wanted]
        if len(_addresses(after)) > MOST_ADDRESSES:
            raise ApiError(400, "QUOTA_EXCEEDED", f"A workspace has at most {MOST_ADDRESSES} addresses.")
        caller = request.client.host if request.client else ""
        if not self._admitted(caller, after):
            said = f"Your current IP {caller} will not be allowed to access the workspace."
            raise ApiError(400, "INVALID_STATE", said)
        self._store.put(LISTS, wanted["list_id"], {**wanted, "address_count": len(wanted["ip_addresses"])})
        return JSONResponse({"ip_access_list": wanted})

    async def create(self, request: Request) -> Response:
        """`POST /api/2.0/ip-access-lists`; a new list is enabled: its request has no member to say otherwise."""
        body = await json_object(request)
        made: Document = {name: body.get(name) for name in ("label", "list_type")}
        addresses = body.get("ip_addresses") or []
        return self._kept(request, {**made, "ip_addresses": addresses, "list_id": str(uuid.uuid4()), "enabled": True})

    async def update(self, request: Request) -> Response:
        """`PATCH /api/2.0/ip-access-lists/{list_id}`."""
        body = await json_object(request)
        kept = ("label", "list_type", "ip_addresses", "enabled")
        changes: Document = {name: body[name] for name in kept if name in body}
        return self._kept(request, {**self._found(request), **changes})

    async def read(self, request: Request) -> Response:
        """`GET /api/2.0/ip-access-lists/{list_id}`."""
        return JSONResponse({"ip_access_list": self._found(request)})

    async def list(self, _: Request) -> Response:
        """`GET /api/2.0/ip-access-lists`."""
        return JSONResponse({"ip_access_lists": [*self._store.all(LISTS)]})

    async def delete(self, request: Request) -> Response:
        """`DELETE /api/2.0/ip-access-lists/{list_id}`."""
        self._store.delete(LISTS, self._found(request)["list_id"])
        return JSONResponse({})

    def _found(self, request: Request) -> Document:
        found = self._store.get(LISTS, request.path_params["list_id"])
        if found is None:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", "IP access list does not exist.")
        return found


def _addresses(lists: Iterable[Document]) -> list[str]:
    return [address for one in lists for address in one["ip_addresses"]]
