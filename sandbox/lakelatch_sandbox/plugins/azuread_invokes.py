"""Functions of the azuread plugin that look objects up: client configuration, application, principal, group, user."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from lakelatch_sandbox.plugins import azuread_applications, azuread_groups, azuread_principals, azuread_users
from lakelatch_sandbox.plugins.azuread_api import AzureAdApi
from lakelatch_sandbox.plugins.errors import PluginError
from lakelatch_sandbox.plugins.spec import Function, State

Invoke = Callable[[AzureAdApi, State], Awaitable[State]]


async def client_config(api: AzureAdApi, _: State) -> State:
    """Who the provider signs in as."""
    object_id = await api.caller()
    return {
        "clientId": api.client_id,
        "id": f"{api.tenant_id}-{api.client_id}-{object_id}",
        "objectId": object_id,
        "tenantId": api.tenant_id,
    }


def _lookup(path: str, by: Mapping[str, str], read: Callable[..., Awaitable[State | None]]) -> Invoke:
    """Find the one object that an argument names; `by` gives each argument its filter, or `id`."""

    async def find(api: AzureAdApi, given: State) -> State:
        named = {name: given[name] for name in by if given.get(name)}
        if len(named) != 1:
            raise PluginError(f"exactly one of {', '.join(f'`{name}`' for name in by)} must be given")
        [(name, value)] = named.items()
        if by[name] == "id":
            ids = [str(value)]
        else:
            query = {"$filter": by[name].format(str(value).replace("'", "''"))}
            ids = [one["id"] for one in await api.listed(path, query)]
        if len(ids) > 1:
            raise PluginError(f"more than one object of {path} has {name} `{value}`", hint="name it by its object id")
        found = await read(api, f"{path}/{ids[0]}", {}) if ids else None
        if found is None:
            raise PluginError(f"no object of {path} has {name} `{value}`")
        return {**found, "id": f"{path}/{ids[0]}", **given}

    return find


def _spec(specs: tuple[Any, ...], type: str) -> Any:
    return next(spec for spec in specs if spec.type == f"azuread:index/{type}")


def _plural(invoke: Invoke, names: Mapping[str, str]) -> Invoke:
    """Single blocks of a resource are lists of one in a lookup."""

    async def find(api: AzureAdApi, given: State) -> State:
        found = await invoke(api, given)
        blocks = {many: [found.pop(one)] for one, many in names.items() if one in found}
        return {**found, **blocks}

    return find


_CALLS: Final[Mapping[str, Invoke]] = {
    "getClientConfig": client_config,
    "getApplication": _plural(
        _lookup(
            "/applications",
            {
                "clientId": "appId eq '{}'",
                "displayName": "displayName eq '{}'",
                "identifierUri": "identifierUris/any(uri:uri eq '{}')",
                "objectId": "id",
            },
            _spec(azuread_applications.SPECS, "application:Application").read,
        ),
        {
            "api": "apis",
            "publicClient": "publicClients",
            "singlePageApplication": "singlePageApplications",
            "web": "webs",
        },
    ),
    "getServicePrincipal": _plural(
        _lookup(
            "/servicePrincipals",
            {"clientId": "appId eq '{}'", "displayName": "displayName eq '{}'", "objectId": "id"},
            _spec(azuread_principals.SPECS, "servicePrincipal:ServicePrincipal").read,
        ),
        {"samlSingleSignOn": "samlSingleSignOns"},
    ),
    "getGroup": _plural(
        _lookup(
            "/groups",
            {"displayName": "displayName eq '{}'", "mailNickname": "mailNickname eq '{}'", "objectId": "id"},
            _spec(azuread_groups.SPECS, "group:Group").read,
        ),
        {"dynamicMembership": "dynamicMemberships"},
    ),
    "getUser": _lookup(
        "/users",
        {
            "mail": "mail eq '{}'",
            "mailNickname": "mailNickname eq '{}'",
            "objectId": "id",
            "userPrincipalName": "userPrincipalName eq '{}'",
        },
        _spec(azuread_users.SPECS, "user:User").read,
    ),
}

FUNCTIONS: Final[tuple[Function[AzureAdApi], ...]] = tuple(
    Function(token=f"azuread:index/{name}:{name}", module=re.sub(r"([A-Z])", r"_\1", name).lower(), call=call)
    for name, call in _CALLS.items()
)
