"""Network policies of the account in the databricks plugin, from the source of the Terraform provider."""

# ruff: noqa: ARG001 - every call of a spec has the same signature

from collections.abc import Mapping
from typing import Any, Final

from lakelatch_sandbox.plugins.databricks_api import DatabricksApi
from lakelatch_sandbox.plugins.spec import Spec, State
from lakelatch_sandbox.plugins.wire import camel, snake


def _deep(rename: Any, value: Any) -> Any:
    """Names of all members, at every depth."""
    if isinstance(value, Mapping):
        return {key: _deep(rename, item) for key, item in rename(value).items()}
    return [_deep(rename, item) for item in value] if isinstance(value, list) else value


def _policies(api: DatabricksApi) -> str:
    return f"{api.account_path}/network-policies"


async def _create_policy(api: DatabricksApi, inputs: State) -> tuple[str, State]:
    found = await api.call("POST", _policies(api), _deep(snake, inputs))
    return str(found["network_policy_id"]), _deep(camel, found)


async def _read_policy(api: DatabricksApi, id: str, state: State) -> State | None:
    found = await api.call("GET", f"{_policies(api)}/{state['networkPolicyId']}", missing=True)
    return None if found is None else _deep(camel, found)


async def _update_policy(api: DatabricksApi, id: str, old: State, new: State) -> State:
    policy = new.get("networkPolicyId") or old["networkPolicyId"]
    found: State = _deep(camel, await api.call("PUT", f"{_policies(api)}/{policy}", _deep(snake, new)))
    return found


async def _delete_policy(api: DatabricksApi, id: str, state: State) -> None:
    await api.call("DELETE", f"{_policies(api)}/{state['networkPolicyId']}", missing=True)


def _turn(api: DatabricksApi, state: State) -> str:
    return f"{api.account_path}/workspaces/{state['workspaceId']}/network"


async def _put_turn(api: DatabricksApi, inputs: State) -> State:
    body = {"network_policy_id": inputs.get("networkPolicyId"), "workspace_id": int(inputs["workspaceId"])}
    return _shown(await api.call("PUT", _turn(api, inputs), body))


def _shown(found: Any) -> State:
    return {"networkPolicyId": found["network_policy_id"], "workspaceId": str(found["workspace_id"])}


async def _create_turn(api: DatabricksApi, inputs: State) -> tuple[str, State]:
    return str(inputs["workspaceId"]), await _put_turn(api, inputs)


async def _read_turn(api: DatabricksApi, id: str, state: State) -> State | None:
    found = await api.call("GET", _turn(api, state), missing=True)
    return None if found is None else _shown(found)


async def _update_turn(api: DatabricksApi, id: str, old: State, new: State) -> State:
    return await _put_turn(api, {**old, **new})


async def _delete_turn(api: DatabricksApi, id: str, state: State) -> None:
    """Nothing, as in the official plugin: the workspace stays with the policy that it has."""


SPECS: Final[tuple[Spec[DatabricksApi], ...]] = (
    Spec(
        type="databricks:index/accountNetworkPolicy:AccountNetworkPolicy",
        module="account_network_policy",
        create=_create_policy,
        read=_read_policy,
        update=_update_policy,
        delete=_delete_policy,
        identify=lambda id: {"networkPolicyId": id},
        replace_on=frozenset({"accountId"}),
        filled=frozenset({"accountId", "networkPolicyId"}),
        exact=True,
    ),
    Spec(
        type="databricks:index/workspaceNetworkOption:WorkspaceNetworkOption",
        module="workspace_network_option",
        create=_create_turn,
        read=_read_turn,
        update=_update_turn,
        delete=_delete_turn,
        identify=lambda id: {"workspaceId": id},
        exact=True,
    ),
)
