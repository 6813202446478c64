"""A killed run's creations in Entra are found again, with the ids that the stand-in gave them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.plugin_resource import Connect, State, connected
from support.tenant import Tenant

from lakelatch_sandbox.local.recovery import completed


@pytest.fixture
async def connect(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    async with connected(sandbox.endpoints, monkeypatch) as made:
        yield made


ACCESS: State = {
    "displayName": "policy",
    "state": "disabled",
    "conditions": {
        "applications": {"includedApplications": ["All"]},
        "clientAppTypes": ["all"],
        "users": {"includedUsers": ["All"]},
    },
    "grantControls": {"operator": "OR", "builtInControls": ["block"]},
}


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("Application", {"displayName": "whole"}),
        ("ApplicationRegistration", {"displayName": "split"}),
        ("AuthenticationStrengthPolicy", {"displayName": "keys", "allowedCombinations": ["fido2"]}),
        ("ConditionalAccessPolicy", ACCESS),
        ("Group", {"displayName": "group", "securityEnabled": True}),
        ("GroupMember", {}),
        ("GroupWithoutMembers", {"displayName": "group without", "securityEnabled": True}),
        ("NamedLocation", {"displayName": "country", "country": {"countriesAndRegions": ["NO"]}}),
        ("ServicePrincipal", {}),
        ("User", {"displayName": "Ann", "password": "secret word 1"}),
    ],
)
async def test_what_was_made_is_found(sandbox: Any, connect: Connect, kind: str, inputs: State) -> None:
    tenant = Tenant(sandbox)
    if kind == "User":
        inputs = {**inputs, "userPrincipalName": f"ann@{tenant.domain}"}
    elif kind == "ServicePrincipal":
        inputs = {"clientId": tenant.ok("POST", "/applications", {"displayName": "x"})["appId"]}
    elif kind == "GroupMember":
        inputs = {"groupObjectId": tenant.group("g")["id"], "memberObjectId": tenant.user("bob")["id"]}
    made = await (await connect(f"azuread.{kind}")).create(inputs)
    objects = tenant.control("GET", "/objects").json()["objects"]
    token = f"azuread:index/{kind[:1].lower()}{kind[1:]}:{kind}"
    begun = {"type": "creating", "resource": {"type": token, "inputs": inputs, "urn": "u"}}
    found, count = completed({"resources": [], "pending_operations": [begun]}, objects)
    assert (count, found["pending_operations"]) == (1, [])
    assert found["resources"][0]["id"] == made.id
