"""Users: requests, ids and quirks of the azuread plugin."""

from typing import Any, Final

from lakelatch_sandbox.plugins.azuread_api import AzureAdApi
from lakelatch_sandbox.plugins.azuread_objects import Document, Entity
from lakelatch_sandbox.plugins.azuread_shapes import Names, Table, merged
from lakelatch_sandbox.plugins.errors import PluginError
from lakelatch_sandbox.plugins.spec import Spec, State

_USER: Final[Table] = {
    **{
        name: name
        for name in (
            "accountEnabled",
            "ageGroup",
            "businessPhones",
            "city",
            "companyName",
            "consentProvidedForMinor",
            "country",
            "department",
            "displayName",
            "employeeHireDate",
            "employeeId",
            "employeeType",
            "faxNumber",
            "givenName",
            "jobTitle",
            "mail",
            "mailNickname",
            "mobilePhone",
            "officeLocation",
            "postalCode",
            "preferredLanguage",
            "showInAddressList",
            "state",
            "streetAddress",
            "surname",
            "usageLocation",
            "userPrincipalName",
        )
    },
    "costCenter": "employeeOrgData.costCenter",
    "division": "employeeOrgData.division",
    "onpremisesImmutableId": "onPremisesImmutableId",
    "otherMails": Names("otherMails"),
}
_USER_ANSWER: Final[Table] = {
    "aboutMe": "aboutMe",
    "creationType": "creationType",
    "externalUserState": "externalUserState",
    "imAddresses": "imAddresses",
    "objectId": "id",
    "onpremisesDistinguishedName": "onPremisesDistinguishedName",
    "onpremisesDomainName": "onPremisesDomainName",
    "onpremisesSamAccountName": "onPremisesSamAccountName",
    "onpremisesSecurityIdentifier": "onPremisesSecurityIdentifier",
    "onpremisesSyncEnabled": "onPremisesSyncEnabled",
    "onpremisesUserPrincipalName": "onPremisesUserPrincipalName",
    "proxyAddresses": "proxyAddresses",
    "userType": "userType",
}
_POLICIES: Final = {
    "disablePasswordExpiration": "DisablePasswordExpiration",
    "disableStrongPassword": "DisableStrongPassword",
}
_KEPT: Final = ("forcePasswordChange", "password")
"""What Graph never answers."""


def _user_body(inputs: State) -> Document:
    policies = ",".join(text for name, text in _POLICIES.items() if inputs.get(name))
    return {"passwordPolicies": policies or None}


def _user_state(document: Document, given: State) -> State:
    policies = str(document.get("passwordPolicies") or "").split(",")
    kept: State = {name: given[name] for name in _KEPT if name in given}
    return {**kept, **{name: text in policies for name, text in _POLICIES.items()}}


_USERS: Final = Entity(
    "/users", "#microsoft.graph.user", _USER, _USER_ANSWER, beta=True, body=_user_body, state=_user_state
)


async def _create_user(api: AzureAdApi, inputs: State) -> tuple[str, State]:
    if not inputs.get("password"):
        raise PluginError("`password` is needed to make a new user")
    profile = {"password": inputs["password"], "forceChangePasswordNextSignIn": bool(inputs.get("forcePasswordChange"))}
    nickname = {"mailNickname": inputs["userPrincipalName"].partition("@")[0]}
    body = merged(nickname, _USERS.written(inputs)) | {"passwordProfile": profile}
    made = await api.call("POST", "/users", body, beta=True)
    id = f"/users/{made['id']}"
    await _USERS.made(api, id)
    await _write_manager(api, id, {}, inputs)
    return id, await _read_user(api, id, inputs) or {}


async def _write_manager(api: AzureAdApi, id: str, old: State, new: State) -> None:
    if new.get("managerId") == old.get("managerId"):
        return
    path = f"{id}/manager/$ref"
    if new.get("managerId"):
        await api.call("PUT", path, {"@odata.id": await api.link(new["managerId"])})
    else:
        await api.call("DELETE", path, missing=True)


async def _read_user(api: AzureAdApi, id: str, state: State) -> State | None:
    shown = await _USERS.read(api, id, state)
    if shown is None:
        return None
    manager = await api.call("GET", f"{id}/manager", missing=True)
    return shown if manager is None else {**shown, "managerId": manager["id"]}


async def _update_user(api: AzureAdApi, id: str, old: State, new: State) -> State:
    removed = {name: old[name] for name in old if name in _USER and name not in _USER_FILLED}
    await _USERS.update(api, id, removed, new)
    if new.get("password") != old.get("password"):
        profile = {"password": new["password"], "forceChangePasswordNextSignIn": bool(new.get("forcePasswordChange"))}
        await api.call("PATCH", id, {"passwordProfile": profile})
    await _write_manager(api, id, old, new)
    return await _read_user(api, id, new) or {}


_USER_FILLED: Final = frozenset({"accountEnabled", "mail", "mailNickname", "showInAddressList"})

SPECS: Final[tuple[Spec[Any], ...]] = (
    _USERS.spec(
        "user:User",
        "user",
        create=_create_user,
        read=_read_user,
        update=_update_user,
        defaults={"accountEnabled": True},
        filled=_USER_FILLED,
        secret=frozenset({"password"}),
    ),
)
