"""Owners and members as the azuread plugin writes them, and its guard against names that are there already."""

from lakelatch_sandbox.plugins.azuread_api import AzureAdApi
from lakelatch_sandbox.plugins.errors import PluginError
from lakelatch_sandbox.plugins.spec import State


async def refuse_duplicate(api: AzureAdApi, path: str, inputs: State) -> None:
    """Raise PluginError when the inputs forbid a name that another object has."""
    if not inputs.get("preventDuplicateNames"):
        return
    quoted = str(inputs["displayName"]).replace("'", "''")
    found = await api.listed(path, {"$filter": f"displayName eq '{quoted}'"})
    if found:
        raise PluginError(
            f"an object with the name `{inputs['displayName']}` is there already, and prevent_duplicate_names is set",
            hint="import it, or choose another name",
        )


async def bind_owners(api: AzureAdApi, inputs: State) -> list[str]:
    """The links of a new object's owners: without any, the caller, who may then change what it just made."""
    return [await api.link(owner) for owner in inputs.get("owners") or [await api.caller()]]


async def write_links(api: AzureAdApi, id: str, link: str, wanted: list[str]) -> None:
    """Make owners or members those that are wanted, one request for each difference; added before removed."""
    found = [one["id"] for one in await api.listed(f"{id}/{link}")]
    for added in sorted(set(wanted) - set(found)):
        await api.call("POST", f"{id}/{link}/$ref", {"@odata.id": await api.link(added)})
    for removed in sorted(set(found) - set(wanted)):
        await api.call("DELETE", f"{id}/{link}/{removed}/$ref", missing=True)
