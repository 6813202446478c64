"""Unity Catalog grants of the databricks plugin: of one principal (`Grant`), or of all (`Grants`)."""

# ruff: noqa: ARG001 - every call of a spec has the same signature

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from lakelatch_sandbox.plugins.databricks_api import DatabricksApi
from lakelatch_sandbox.plugins.spec import Spec, State

_SECURABLES: Final = {
    "catalog": "catalog",
    "credential": "credential",
    "externalLocation": "external_location",
    "foreignConnection": "connection",
    "function": "function",
    "mcpService": "mcp_service",
    "metastore": "metastore",
    "model": "function",
    "modelProviderService": "model_provider_service",
    "modelService": "model_service",
    "pipeline": "pipeline",
    "recipient": "recipient",
    "schema": "schema",
    "secret": "secret",
    "share": "share",
    "storageCredential": "storage_credential",
    "table": "table",
    "volume": "volume",
}
"""The input that names an object, and the type in the path."""

_IDS: Final = {name: "".join(f"_{one.lower()}" if one.isupper() else one for one in name) for name in _SECURABLES}
"""The input's name as it stands in a resource's id."""


def _privileges(given: Iterable[str]) -> list[str]:
    return sorted({one.upper().replace(" ", "_") for one in given})


def _securable(state: State) -> tuple[str, str]:
    return next((name, str(state[name])) for name in _SECURABLES if state.get(name))


def _id(state: State) -> str:
    name, full_name = _securable(state)
    return f"{_IDS[name]}/{full_name}"


def _identify(id: str) -> State:
    kind, _, rest = id.partition("/")
    full_name, slash, principal = rest.partition("/")
    name = next((name for name, known in _IDS.items() if known == kind), "catalog")
    return {name: full_name, **({"principal": principal} if slash else {})}


def _path(state: State) -> str:
    name, full_name = _securable(state)
    return f"/api/2.1/unity-catalog/permissions/{_SECURABLES[name]}/{full_name}"


async def _held(api: DatabricksApi, state: State, *, missing: bool = False) -> dict[str, list[str]] | None:
    where = await api.workspace(state)
    found = await where.call("GET", _path(state), missing=missing)
    if found is None:
        return None
    return {one["principal"]: _privileges(one["privileges"]) for one in found.get("privilege_assignments") or ()}


def changes(held: Mapping[str, list[str]], wanted: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    """What a PATCH must add and remove, in the order of principals."""
    found = []
    for principal in sorted(held.keys() | wanted.keys()):
        before, after = set(held.get(principal, ())), set(wanted.get(principal, ()))
        if before != after:
            found.append({"principal": principal, "add": sorted(after - before), "remove": sorted(before - after)})
    return found


async def _enforce(api: DatabricksApi, state: State, wanted: Mapping[str, list[str]], *, alone: bool) -> None:
    """Make the grants so: those of the named principals only, or (`alone`) everyone's."""
    held = await _held(api, state) or {}
    mine = held if alone else {principal: held.get(principal, []) for principal in wanted}
    if found := changes(mine, wanted):
        await (await api.workspace(state)).call("PATCH", _path(state), {"changes": found})


def _one_securable(inputs: State) -> Iterator[tuple[str, str]]:
    given = [name for name in _SECURABLES if inputs.get(name)]
    if len(given) != 1:
        yield given[1] if given else "catalog", f"exactly one object must be named, by one of {', '.join(_SECURABLES)}"


def _kept(state: State) -> State:
    return {name: state[name] for name in ("providerConfig",) if name in state}


def _normal_grant(state: State) -> State:
    return {**state, **({"privileges": _privileges(state["privileges"])} if _is_texts(state.get("privileges")) else {})}


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


async def _create_grant(api: DatabricksApi, inputs: State) -> tuple[str, State]:
    await _enforce(api, inputs, {inputs["principal"]: _privileges(inputs["privileges"])}, alone=False)
    id = f"{_id(inputs)}/{inputs['principal']}"
    return id, await _read_grant(api, id, inputs) or {}


async def _read_grant(api: DatabricksApi, id: str, state: State) -> State | None:
    known = _identify(id)
    held = await _held(api, {**_kept(state), **known}, missing=True)
    if not held or known["principal"] not in held:
        return None
    return {**_kept(state), **known, "privileges": held[known["principal"]]}


async def _update_grant(api: DatabricksApi, id: str, old: State, new: State) -> State:
    await _enforce(api, new, {new["principal"]: _privileges(new["privileges"])}, alone=False)
    return await _read_grant(api, id, new) or {}


async def _delete_grant(api: DatabricksApi, id: str, state: State) -> None:
    if await _held(api, state, missing=True) is not None:
        await _enforce(api, state, {state["principal"]: []}, alone=False)


def _wanted(grants: list[Mapping[str, Any]]) -> dict[str, list[str]]:
    return {str(one["principal"]): _privileges(one["privileges"]) for one in grants}


def _normal_grants(state: State) -> State:
    grants = state.get("grants")
    if not isinstance(grants, list) or not all(
        isinstance(one, Mapping) and isinstance(one.get("principal"), str) and _is_texts(one.get("privileges"))
        for one in grants
    ):
        return state
    return {**state, "grants": [{"principal": who, "privileges": has} for who, has in sorted(_wanted(grants).items())]}


async def _create_grants(api: DatabricksApi, inputs: State) -> tuple[str, State]:
    await _enforce(api, inputs, _wanted(inputs["grants"]), alone=True)
    id = _id(inputs)
    return id, await _read_grants(api, id, inputs) or {}


async def _read_grants(api: DatabricksApi, id: str, state: State) -> State | None:
    known = _identify(id)
    held = await _held(api, {**_kept(state), **known}, missing=True)
    if not held:
        return None
    grants = [{"principal": who, "privileges": has} for who, has in sorted(held.items())]
    return {**_kept(state), **known, "grants": grants}


async def _update_grants(api: DatabricksApi, id: str, old: State, new: State) -> State:
    await _enforce(api, new, _wanted(new["grants"]), alone=True)
    return await _read_grants(api, id, new) or {}


async def _delete_grants(api: DatabricksApi, id: str, state: State) -> None:
    if await _held(api, state, missing=True) is not None:
        await _enforce(api, state, {}, alone=True)


SPECS: Final[tuple[Spec[DatabricksApi], ...]] = (
    Spec(
        type="databricks:index/grant:Grant",
        module="grant",
        create=_create_grant,
        read=_read_grant,
        update=_update_grant,
        delete=_delete_grant,
        identify=_identify,
        replace_on=frozenset({*_SECURABLES, "principal"}),
        normal=_normal_grant,
        findings=_one_securable,
    ),
    Spec(
        type="databricks:index/grants:Grants",
        module="grants",
        create=_create_grants,
        read=_read_grants,
        update=_update_grants,
        delete=_delete_grants,
        identify=_identify,
        replace_on=frozenset(_SECURABLES),
        normal=_normal_grants,
        findings=_one_securable,
    ),
)
