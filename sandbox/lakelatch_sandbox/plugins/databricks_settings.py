"""Settings of a workspace in the databricks plugin, from the source of the Terraform provider that it is made of.

One thing differs: that provider sends a change without an etag, and again with the one that the refusal tells; this one
asks for the etag first.
"""

# ruff: noqa: ARG001 - every call of a spec has the same signature

from collections.abc import Mapping
from typing import Any, Final

from lakelatch_sandbox.plugins.databricks_api import DatabricksApi
from lakelatch_sandbox.plugins.spec import Spec, State
from lakelatch_sandbox.plugins.wire import camel, snake

_CONF: Final = "/api/2.0/workspace-conf"
_TRUTH: Final = frozenset({"1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"})
"""What Go's `strconv.ParseBool` takes."""


def _off(value: Any) -> str:
    """What is sent for a key that is no longer wanted."""
    return "false" if value in _TRUTH else ""


async def _set_conf(api: DatabricksApi, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    gone = {key: _off(value) for key, value in old.items() if key not in new}
    await (await api.workspace({})).call("PATCH", _CONF, {**gone, **new})


async def _create_conf(api: DatabricksApi, inputs: State) -> tuple[str, State]:
    await _set_conf(api, {}, inputs.get("customConfig") or {})
    return "_", dict(inputs)


async def _read_conf(api: DatabricksApi, id: str, state: State) -> State | None:
    kept = state.get("customConfig") or {}
    found = await (await api.workspace({})).call("GET", _CONF, query={"keys": ",".join(sorted(kept))})
    return {**state, "customConfig": {**kept, **found}}


async def _update_conf(api: DatabricksApi, id: str, old: State, new: State) -> State:
    await _set_conf(api, old.get("customConfig") or {}, new.get("customConfig") or {})
    return dict(new)


async def _delete_conf(api: DatabricksApi, id: str, state: State) -> None:
    kept = state.get("customConfig") or {}
    gone = {key: _off(value) for key, value in kept.items() if key.startswith(("enable", "enforce"))}
    await (await api.workspace({})).call("PATCH", _CONF, gone)


_LISTS: Final = "/api/2.0/ip-access-lists"
_LIST: Final = ("label", "listType", "ipAddresses", "enabled")


def _list(found: Any) -> State:
    return {name: item for name, item in camel(found["ip_access_list"]).items() if name in (*_LIST, "listId")}


async def _create_list(api: DatabricksApi, inputs: State) -> tuple[str, State]:
    sent = snake({name: inputs.get(name) for name in _LIST if name != "enabled"})  # its request has no such member
    made = _list(await (await api.workspace({})).call("POST", _LISTS, sent))
    return str(made["listId"]), made


async def _read_list(api: DatabricksApi, id: str, state: State) -> State | None:
    found = await (await api.workspace({})).call("GET", f"{_LISTS}/{id}", missing=True)
    return None if found is None else _list(found)


async def _update_list(api: DatabricksApi, id: str, old: State, new: State) -> State:
    sent = snake({name: new.get(name) for name in _LIST})
    return _list(await (await api.workspace({})).call("PATCH", f"{_LISTS}/{id}", sent))


async def _delete_list(api: DatabricksApi, id: str, state: State) -> None:
    await (await api.workspace({})).call("DELETE", f"{_LISTS}/{id}", missing=True)


def _setting(name: str, type: str, mask: str) -> Spec[DatabricksApi]:
    """A setting with an etag; `type` is its name at the vendor, and with that of its member."""
    path, member = f"/api/2.0/settings/types/{type}/names/default", next(iter(camel({type: 0})))

    def shown(found: Any) -> State:
        return {member: camel(found[type]), "etag": found["etag"], "settingName": found["setting_name"]}

    async def put(api: DatabricksApi, inputs: State) -> State:
        where = await api.workspace({})
        etag = (await where.call("GET", path))["etag"]
        setting = {type: snake(inputs[member]), "etag": etag, "setting_name": type}
        return shown(await where.call("PATCH", path, {"allow_missing": True, "setting": setting, "field_mask": mask}))

    async def create(api: DatabricksApi, inputs: State) -> tuple[str, State]:
        return "global", await put(api, inputs)

    async def read(api: DatabricksApi, id: str, state: State) -> State | None:
        return shown(await (await api.workspace({})).call("GET", path))

    async def update(api: DatabricksApi, id: str, old: State, new: State) -> State:
        return await put(api, new)

    async def delete(api: DatabricksApi, id: str, state: State) -> None:
        where = await api.workspace({})
        etag = (await where.call("GET", path))["etag"]
        await where.call("DELETE", path, query={"etag": etag})

    return Spec(
        type=f"databricks:index/{name[0].lower()}{name[1:]}Setting:{name}Setting",
        module=f"{type}_setting",
        create=create,
        read=read,
        update=update,
        delete=delete,
        filled=frozenset({"etag", "settingName"}),
        volatile=frozenset({"etag"}),
        unsupported=frozenset({"providerConfig"}),
    )


SPECS: Final[tuple[Spec[DatabricksApi], ...]] = (
    Spec(
        type="databricks:index/workspaceConf:WorkspaceConf",
        module="workspace_conf",
        create=_create_conf,
        read=_read_conf,
        update=_update_conf,
        delete=_delete_conf,
        unsupported=frozenset({"providerConfig"}),
    ),
    Spec(
        type="databricks:index/ipAccessList:IpAccessList",
        module="ip_access_list",
        create=_create_list,
        read=_read_list,
        update=_update_list,
        delete=_delete_list,
        defaults={"enabled": True},
        unsupported=frozenset({"providerConfig"}),
    ),
    _setting("RestrictWorkspaceAdmins", "restrict_workspace_admins", "restrict_workspace_admins"),
    _setting("DisableLegacyAccess", "disable_legacy_access", "disable_legacy_access.value"),
    _setting("DisableLegacyDbfs", "disable_legacy_dbfs", "disable_legacy_dbfs.value"),
)
