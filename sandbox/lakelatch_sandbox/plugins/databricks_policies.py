"""Federation policies of the databricks plugin: one shape for the account's and a service principal's."""

# ruff: noqa: ARG001 - every call of a spec has the same signature

from collections.abc import Iterator
from typing import Any, Final

from lakelatch_sandbox.plugins.databricks_api import DatabricksApi
from lakelatch_sandbox.plugins.spec import Spec, State
from lakelatch_sandbox.plugins.wire import camel, snake

_POLICY: Final = ("description", "policyId", "servicePrincipalId", "createTime", "name", "uid", "updateTime")
_SENT_ONCE: Final = ("updateTime",)

EXACT_INTEGERS: Final = 2**53
"""Above it the engine's numbers are rounded, and the official plugin addresses another principal."""


def policies_path(api: DatabricksApi, state: State) -> str:
    """Where the policies of a service principal, or of the account, are."""
    if (principal := state.get("servicePrincipalId")) is None:
        return f"{api.account_path}/federationPolicies"
    return f"{api.account_path}/servicePrincipals/{int(principal)}/federationPolicies"


def _body(state: State) -> dict[str, Any]:
    body = snake({name: state.get(name) for name in _POLICY if name not in _SENT_ONCE})
    if "service_principal_id" in body:
        body["service_principal_id"] = int(body["service_principal_id"])
    if state.get("oidcPolicy") is not None:
        body["oidc_policy"] = snake(state["oidcPolicy"])
    return body


def properties(document: dict[str, Any], given: State) -> State:
    """The properties of a policy, from an answer."""
    state = {name: item for name, item in camel(document).items() if name in _POLICY}
    if document.get("oidc_policy") is not None:
        state["oidcPolicy"] = camel(document["oidc_policy"])
    if "servicePrincipalId" in given:
        state["servicePrincipalId"] = given["servicePrincipalId"]
    return state


async def _create(api: DatabricksApi, inputs: State) -> tuple[str, State]:
    query = {"policy_id": inputs["policyId"]} if inputs.get("policyId") else None
    document = await api.call("POST", policies_path(api, inputs), _body(inputs), query)
    return "id", properties(document, inputs)  # the official plugin's id is this literal, for every policy


async def _read(api: DatabricksApi, id: str, state: State) -> State | None:
    document = await api.call("GET", f"{policies_path(api, state)}/{state['policyId']}", missing=True)
    return None if document is None else properties(document, state)


async def _update(api: DatabricksApi, id: str, old: State, new: State) -> State:
    body = _body({**old, **new})
    path = f"{policies_path(api, old)}/{old['policyId']}"
    return properties(await api.call("PATCH", path, body, {"update_mask": "description,oidc_policy"}), old)


async def _delete(api: DatabricksApi, id: str, state: State) -> None:
    await api.call("DELETE", f"{policies_path(api, state)}/{state['policyId']}", missing=True)


def _identify(id: str) -> State:
    principal, comma, policy = id.rpartition(",")
    return {"policyId": policy, **({"servicePrincipalId": float(principal)} if comma else {})}


def _rounded(inputs: State) -> Iterator[tuple[str, str]]:
    if (inputs.get("servicePrincipalId") or 0) > EXACT_INTEGERS:
        yield (
            "servicePrincipalId",
            "is above 2^53: numbers are rounded there, and the policy would land on another service principal",
        )


def _spec(type_token: str, module: str) -> Spec[DatabricksApi]:
    return Spec(
        type=type_token,
        module=module,
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
        identify=_identify,
        replace_on=frozenset({"policyId", "servicePrincipalId"}),
        filled=frozenset({"policyId"}),
        volatile=frozenset({"updateTime"}),
        findings=_rounded,
        exact=True,
    )


SPECS: Final[tuple[Spec[DatabricksApi], ...]] = (
    _spec(
        "databricks:index/servicePrincipalFederationPolicy:ServicePrincipalFederationPolicy",
        "service_principal_federation_policy",
    ),
    _spec("databricks:index/accountFederationPolicy:AccountFederationPolicy", "account_federation_policy"),
)
