"""Groups and their members: requests, ids and quirks of the azuread plugin."""

# ruff: noqa: ARG001 - every call of a spec has the same signature

import secrets
from typing import Any, Final

from lakelatch_sandbox.plugins.azuread_api import AzureAdApi
from lakelatch_sandbox.plugins.azuread_links import bind_owners, refuse_duplicate, write_links
from lakelatch_sandbox.plugins.azuread_objects import Document, Entity
from lakelatch_sandbox.plugins.azuread_shapes import Names, Table
from lakelatch_sandbox.plugins.spec import Spec, State

BOUND_AT_ONCE: Final = 20
"""Members in the request that makes a group; more are added one by one."""

_GROUP: Final[Table] = {
    "assignableToRole": "isAssignableToRole",
    "autoSubscribeNewMembers": "autoSubscribeNewMembers",
    "behaviors": Names("resourceBehaviorOptions"),
    "description": "description",
    "displayName": "displayName",
    "externalSendersAllowed": "allowExternalSenders",
    "hideFromAddressLists": "hideFromAddressLists",
    "hideFromOutlookClients": "hideFromOutlookClients",
    "mailEnabled": "mailEnabled",
    "mailNickname": "mailNickname",
    "onpremisesGroupType": "writebackConfiguration.onPremisesGroupType",
    "provisioningOptions": Names("resourceProvisioningOptions"),
    "securityEnabled": "securityEnabled",
    "theme": "theme",
    "types": Names("groupTypes"),
    "visibility": "visibility",
    "writebackEnabled": "writebackConfiguration.isEnabled",
}
_GROUP_ANSWER: Final[Table] = {
    "mail": "mail",
    "objectId": "id",
    "onpremisesDomainName": "onPremisesDomainName",
    "onpremisesNetbiosName": "onPremisesNetBiosName",
    "onpremisesSamAccountName": "onPremisesSamAccountName",
    "onpremisesSecurityIdentifier": "onPremisesSecurityIdentifier",
    "onpremisesSyncEnabled": "onPremisesSyncEnabled",
    "preferredLanguage": "preferredLanguage",
    "proxyAddresses": "proxyAddresses",
}


def _group_body(inputs: State) -> Document:
    rule = inputs.get("dynamicMembership")
    dynamic = {
        "membershipRule": rule["rule"] if rule else None,
        "membershipRuleProcessingState": ("On" if rule["enabled"] else "Paused") if rule else None,
    }
    return {"mailEnabled": False, "securityEnabled": False, **_flags(inputs), **dynamic}


def _flags(inputs: State) -> Document:
    return {name: inputs[name] for name in ("mailEnabled", "securityEnabled") if name in inputs}


def _group_state(document: Document, given: State) -> State:
    kept = {name: given[name] for name in ("preventDuplicateNames",) if name in given}
    if document.get("membershipRule"):
        enabled = document.get("membershipRuleProcessingState") == "On"
        kept["dynamicMembership"] = {"enabled": enabled, "rule": document["membershipRule"]}
    return kept


_GROUPS: Final = Entity(
    "/groups", "#microsoft.graph.group", _GROUP, _GROUP_ANSWER, beta=True, body=_group_body, state=_group_state
)


def _nickname() -> str:
    """What the official plugin makes up when the program has none: random, so that it is nobody's."""
    return secrets.token_hex(8)


async def _create_group(api: AzureAdApi, inputs: State) -> tuple[str, State]:
    await refuse_duplicate(api, "/groups", inputs)
    named = {"mailNickname": _nickname(), **inputs}
    members = list(inputs.get("members") or ())
    body = _GROUPS.written(named) | {"owners@odata.bind": await bind_owners(api, inputs)}
    if members:
        body["members@odata.bind"] = [await api.link(member) for member in members[:BOUND_AT_ONCE]]
    made = await api.call("POST", "/groups", body, beta=True)
    id = f"/groups/{made['id']}"
    await _GROUPS.made(api, id)
    if len(members) > BOUND_AT_ONCE:
        await write_links(api, id, "members", members)
    return id, await _read_group(api, id, inputs) or {}


async def _read_group(api: AzureAdApi, id: str, state: State) -> State | None:
    shown = await _GROUPS.read(api, id, state)
    if shown is None:
        return None
    links = {name: sorted(one["id"] for one in await api.listed(f"{id}/{name}")) for name in ("owners", "members")}
    return {**shown, **links}


async def _update_group(api: AzureAdApi, id: str, old: State, new: State) -> State:
    changed = {name: new[name] for name in new if name not in ("mailNickname",)}
    await _GROUPS.update(api, id, {name: old[name] for name in old if name in _CHANGEABLE}, changed)
    for link in ("owners", "members"):
        if link in new:
            await write_links(api, id, link, list(new[link]))
    return await _read_group(api, id, new) or {}


_CHANGEABLE: Final = frozenset({"description", "theme"})
"""Properties that go away when the program no longer names them; others stay as they are."""

_GROUP_QUIRKS: Final[dict[str, Any]] = {
    "create": _create_group,
    "read": _read_group,
    "update": _update_group,
    "replace_on": frozenset(
        {"assignableToRole", "behaviors", "mailEnabled", "mailNickname", "provisioningOptions", "types"}
    ),
    "fixed": frozenset({"preventDuplicateNames"}),
    "sets": frozenset({"members", "owners"}),
    "unsupported": frozenset({"administrativeUnitIds"}),
}
_GROUP_FILLED: Final = frozenset(
    {
        "autoSubscribeNewMembers",
        "externalSendersAllowed",
        "hideFromAddressLists",
        "hideFromOutlookClients",
        "mailNickname",
        "onpremisesGroupType",
        "owners",
        "visibility",
        "writebackEnabled",
    }
)


async def _create_member(api: AzureAdApi, inputs: State) -> tuple[str, State]:
    group, member = inputs["groupObjectId"], inputs["memberObjectId"]
    async with api.lock(f"/groups/{group}"):
        await api.call("POST", f"/groups/{group}/members/$ref", {"@odata.id": await api.link(member)})
    return f"{group}/member/{member}", dict(inputs)


async def _read_member(api: AzureAdApi, id: str, state: State) -> State | None:
    group, _, member = id.partition("/member/")
    there = any(one["id"] == member for one in await api.listed(f"/groups/{group}/members"))
    return {"groupObjectId": group, "memberObjectId": member} if there else None


async def _delete_member(api: AzureAdApi, id: str, state: State) -> None:
    group, _, member = id.partition("/member/")
    async with api.lock(f"/groups/{group}"):
        await api.call("DELETE", f"/groups/{group}/members/{member}/$ref", missing=True)


SPECS: Final[tuple[Spec[Any], ...]] = (
    _GROUPS.spec("group:Group", "group", **_GROUP_QUIRKS, filled=_GROUP_FILLED | {"members"}),
    _GROUPS.spec(
        "groupWithoutMembers:GroupWithoutMembers",
        "group_without_members",
        **{**_GROUP_QUIRKS, "sets": frozenset({"owners"})},
        filled=_GROUP_FILLED,
    ),
    Spec(
        type="azuread:index/groupMember:GroupMember",
        module="group_member",
        create=_create_member,
        read=_read_member,
        delete=_delete_member,
        replace_on=frozenset({"groupObjectId", "memberObjectId"}),
    ),
)
