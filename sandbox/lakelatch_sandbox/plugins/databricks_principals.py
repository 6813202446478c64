"""Service principals, users and groups of the databricks plugin."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lakelatch_sandbox.plugins.databricks_api import DatabricksApi
from lakelatch_sandbox.plugins.databricks_scim import SCHEMA, collection, granted, patch, switches, token
from lakelatch_sandbox.plugins.errors import PluginError, VendorError
from lakelatch_sandbox.plugins.spec import Spec, State
from lakelatch_sandbox.plugins.wire import from_wire, to_wire

_COMMON: Final = {name: name for name in ("displayName", "externalId")}
_SWITCHES: Final = ("api", "disableAsUserDeletion", "force", "forceDeleteHomeDir", "forceDeleteRepos", "providerConfig")
"""What the vendor never tells: the resource keeps what it was given."""


@dataclass(frozen=True)
class _Kind:
    """One SCIM resource type as the plugin sees it."""

    schema: str
    collection: str
    key: str
    """The input that names it, by which `force` finds one that is there."""
    table: Mapping[str, str]
    attributes: str
    """What a read asks for."""
    before_update: str
    """What an update reads first, to send it again."""
    sent_again: tuple[str, ...]
    acl: str
    taken: tuple[str, ...]
    """The vendor's messages for a name that is taken."""

    def body(self, inputs: State) -> dict[str, Any]:
        """Everything that a POST or PUT sends."""
        return {
            **to_wire(inputs, self.table),
            "schemas": [SCHEMA + self.schema],
            "entitlements": granted(inputs),
        }

    def state(self, document: Mapping[str, Any], given: State, url: str) -> State:
        """The properties, from an answer and from what only the program knows."""
        found: State = {name: given[name] for name in _SWITCHES if name in given}
        found |= {**from_wire(document, self.table), **switches(document)}
        name = document.get(self.table[self.key]) or document.get("userName")
        found |= {self.key: name, "aclPrincipalId": f"{self.acl}/{name}"}
        return found | (
            {"url": url} if self.schema == "Group" else {"home": f"/Users/{name}", "repos": f"/Repos/{name}"}
        )


_PRINCIPAL: Final = _Kind(
    schema="ServicePrincipal",
    collection="ServicePrincipals",
    key="applicationId",
    table={**_COMMON, "applicationId": "applicationId", "active": "active"},
    attributes="userName,displayName,active,externalId,entitlements",
    before_update="groups,roles",
    sent_again=("groups", "roles"),
    acl="servicePrincipals",
    taken=(
        "Service principal with application ID {} already exists.",
        "User with email {} already exists in this account",
    ),
)
_USER: Final = _Kind(
    schema="User",
    collection="Users",
    key="userName",
    table={**_COMMON, "userName": "userName", "active": "active"},
    attributes="userName,displayName,active,externalId,entitlements",
    before_update="groups,roles",
    sent_again=("groups", "roles"),
    acl="users",
    taken=("User with username {} already exists.", "User with email {} already exists in this account"),
)
_GROUP: Final = _Kind(
    schema="Group",
    collection="Groups",
    key="displayName",
    table=_COMMON,
    attributes="displayName,externalId,entitlements",
    before_update="displayName,entitlements,groups,members,externalId,roles",
    sent_again=("groups", "roles", "members"),
    acl="groups",
    taken=("Group with name {} already exists.",),
)


def _spec(kind: _Kind, module: str, **more: Any) -> Spec[DatabricksApi]:
    async def create(api: DatabricksApi, inputs: State) -> tuple[str, State]:
        where, path = await collection(api, inputs, kind.collection)
        try:
            id = str((await where.call("POST", path, kind.body(inputs), scim=True))["id"])
        except VendorError as error:
            name = str(inputs.get(kind.key, ""))
            if not inputs.get("force") or error.said not in [text.format(name) for text in kind.taken]:
                raise
            id = await _adopted(where, path, kind, name, inputs)
        return id, await read(api, id, inputs) or {}

    async def read(api: DatabricksApi, id: str, state: State) -> State | None:
        where, path = await collection(api, state, kind.collection)
        query = {"attributes": kind.attributes}
        document = await where.call("GET", f"{path}/{id}", query=query, scim=True, missing=True)
        on_account = await api.level(state) == "account"
        page = f"users/groups/{id}/information" if on_account else f"#setting/accounts/groups/{id}"
        return None if document is None else kind.state(document, state, f"{where.host}/{page}")

    async def update(api: DatabricksApi, id: str, old: State, new: State) -> State:
        where, path = await collection(api, new, kind.collection)
        # What counts at creation only keeps the value that it had then.
        kept: State = {name: old[name] for name in ("disableAsUserDeletion", "force") if name in old}
        others = {name: item for name, item in new.items() if name not in ("disableAsUserDeletion", "force")}
        await _put(where, f"{path}/{id}", kind, {**old, **new})
        return await read(api, id, {**others, **kept}) or {}

    async def delete(api: DatabricksApi, id: str, state: State) -> None:
        where, path = await collection(api, state, kind.collection)
        on_account = await api.level(state) == "account"
        deactivates = kind is not _GROUP and state.get("disableAsUserDeletion", on_account)
        if deactivates:
            off = patch("replace", "active", [{"value": "false"}])
            await where.call("PATCH", f"{path}/{id}", off, scim=True, missing=True)
            return
        await where.call("DELETE", f"{path}/{id}", scim=True, missing=True)
        for switch, folder in (("forceDeleteRepos", "repos"), ("forceDeleteHomeDir", "home")):
            if state.get(switch) and not on_account:
                body = {"path": state[folder], "recursive": True}
                await where.call("POST", "/api/2.0/workspace/delete", body, missing=True)

    return Spec(
        type=token(kind.schema),
        module=module,
        create=create,
        read=read,
        update=update,
        delete=delete,
        **more,
    )


async def _adopted(api: DatabricksApi, path: str, kind: _Kind, name: str, inputs: State) -> str:
    """With `force`, one that is there already is taken over and brought into the wanted form."""
    query = {"filter": f'{kind.table[kind.key]} eq "{name}"', "excludedAttributes": "roles"}
    found = (await api.call("GET", path, query=query, scim=True)).get("Resources") or []
    if not found:
        raise PluginError(f"cannot find {name} for force import")
    id = str(found[0]["id"])
    await _put(api, f"{path}/{id}", kind, inputs)
    return id


async def _put(api: DatabricksApi, path: str, kind: _Kind, inputs: State) -> None:
    """The whole object is sent, with what belongs to others as it was a moment before."""
    before = await api.call("GET", path, query={"attributes": kind.before_update}, scim=True)
    again = {name: before[name] for name in kind.sent_again if before.get(name)}
    await api.call("PUT", path, {**kind.body(inputs), **again}, scim=True)


def _deletion(inputs: State) -> Iterator[tuple[str, str]]:
    for name in ("forceDeleteRepos", "forceDeleteHomeDir"):
        if inputs.get(name) and inputs.get("disableAsUserDeletion"):
            yield name, "is not supported if disable_as_user_deletion is set to true"


def _reserved(inputs: State) -> Iterator[tuple[str, str]]:
    if inputs.get("displayName") in ("users", "admins"):
        yield "displayName", "must not be `users` or `admins`, which every workspace has"


_CHOSEN: Final = frozenset({"aclPrincipalId", "displayName"})
_FOLDERS: Final = frozenset({"home", "repos"})

SPECS: Final[tuple[Spec[DatabricksApi], ...]] = (
    _spec(
        _PRINCIPAL,
        "service_principal",
        defaults={"active": True},
        replace_on=frozenset({"applicationId"}),
        filled=_CHOSEN | _FOLDERS | {"applicationId"},
        fixed=frozenset({"disableAsUserDeletion", "force"}),
        findings=_deletion,
    ),
    _spec(
        _USER,
        "user",
        defaults={"active": True},
        replace_on=frozenset({"userName"}),
        filled=_CHOSEN | _FOLDERS,
        fixed=frozenset({"disableAsUserDeletion", "force"}),
        findings=_deletion,
    ),
    _spec(
        _GROUP,
        "group",
        replace_on=frozenset({"externalId"}),
        filled=frozenset({"aclPrincipalId", "url"}),
        fixed=frozenset({"force"}),
        findings=_reserved,
    ),
)
