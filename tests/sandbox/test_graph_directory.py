"""Groups, users, links, grants, owners' rights and pages, as Graph's callers meet them."""

import uuid
from typing import Any

import pytest
from support.tenant import Tenant

GRAPH = "00000003-0000-0000-c000-000000000000"
EVENTUAL = {"ConsistencyLevel": "eventual"}


@pytest.fixture(scope="module")
def tenant(sandbox: Any) -> Tenant:
    return Tenant(sandbox)


def ids(answer: Any) -> list[str]:
    return [one["id"] for one in answer["value"]]


def link(tenant: Tenant, id: str) -> dict[str, str]:
    return {"@odata.id": f"{tenant.endpoints.graph_base}/v1.0/directoryObjects/{id}"}


def permitted(tenant: Tenant, *permissions: str) -> tuple[Tenant, dict[str, Any]]:
    """An application that was given these Graph permissions, and its service principal."""
    made, principal = tenant.application("permitted")
    graph = tenant.ok("GET", f"/servicePrincipals(appId='{GRAPH}')")
    for permission in permissions:
        (role,) = [one["id"] for one in graph["appRoles"] if one["value"] == permission]
        body = {"principalId": principal["id"], "resourceId": graph["id"], "appRoleId": role}
        tenant.ok("POST", f"/servicePrincipals/{graph['id']}/appRoleAssignedTo", body)
    secret = tenant.ok("POST", f"/applications/{made['id']}/addPassword", {})["secretText"]
    return Tenant(tenant.sandbox, made["appId"], secret), principal


def test_members_owners_and_what_one_is_in(tenant: Tenant) -> None:
    ann, bob = tenant.user("ann"), tenant.user("bob")
    inner = tenant.group("inner", ann["id"])
    outer = tenant.group("outer", inner["id"], bob["id"])
    path = f"/groups/{outer['id']}"
    assert ids(tenant.ok("GET", f"{path}/members")) == [inner["id"], bob["id"]]
    kinds = {one["@odata.type"] for one in tenant.ok("GET", f"{path}/members")["value"]}
    assert kinds == {"#microsoft.graph.group", "#microsoft.graph.user"}
    assert set(ids(tenant.ok("GET", f"{path}/transitiveMembers"))) == {inner["id"], bob["id"], ann["id"]}
    assert ids(tenant.ok("GET", f"/users/{ann['id']}/memberOf")) == [inner["id"]]
    assert set(ids(tenant.ok("GET", f"/users/{ann['id']}/transitiveMemberOf"))) == {inner["id"], outer["id"]}
    assert tenant.error("POST", f"{path}/members/$ref", link(tenant, bob["id"]))[0] == 400
    assert tenant.error("POST", f"{path}/members/$ref", link(tenant, str(uuid.uuid4())))[0] == 404
    tenant.ok("PATCH", path, {"members@odata.bind": [link(tenant, ann["id"])["@odata.id"]]})
    tenant.ok("DELETE", f"{path}/members/{bob['id']}/$ref")
    assert tenant.error("DELETE", f"{path}/members/{bob['id']}/$ref")[0] == 404
    assert tenant.ok("GET", f"{path}/members/$ref")["value"] == [
        {"@odata.id": link(tenant, one["id"])["@odata.id"]} for one in (inner, ann)
    ]
    assert [one["id"] for one in tenant.ok("GET", f"{path}?$expand=members")["members"]] == [inner["id"], ann["id"]]
    for owner in (ann, bob):
        tenant.ok("POST", f"{path}/owners/$ref", link(tenant, owner["id"]))
    tenant.ok("DELETE", f"{path}/owners/{ann['id']}/$ref")
    assert tenant.error("DELETE", f"{path}/owners/{bob['id']}/$ref")[0] == 400, "the last owner stays"
    tenant.ok("DELETE", f"/users/{ann['id']}")
    assert ids(tenant.ok("GET", f"{path}/members")) == [inner["id"]], "who is deleted leaves its groups"
    for one in (inner, outer):
        tenant.ok("DELETE", f"/groups/{one['id']}")
    tenant.ok("DELETE", f"/users/{bob['id']}")


@pytest.mark.parametrize(
    "changes",
    [
        {"mailNickname": "with space"},
        {"mailNickname": None},
        {"securityEnabled": None},
        {"mailEnabled": True},
        {"groupTypes": ["Other"]},
        {"groupTypes": ["DynamicMembership"]},
        {"membershipRule": "x"},
        {"visibility": "Secret"},
        {"securityEnabled": False},
        {"displayName": "x" * 257},
        {"groupTypes": ["DynamicMembership"], "membershipRule": "x", "isAssignableToRole": True},
    ],
    ids=str,
)
def test_groups_that_are_refused(tenant: Tenant, changes: dict[str, Any]) -> None:
    body = {"displayName": "g", "mailEnabled": False, "mailNickname": "g", "securityEnabled": True, **changes}
    assert tenant.error("POST", "/groups", {name: body[name] for name in body if body[name] is not None})[0] == 400


def test_members_of_a_dynamic_group_are_a_rules(tenant: Tenant) -> None:
    rule = {"groupTypes": ["DynamicMembership"], "membershipRule": "user.department -eq 1"}
    group = tenant.group("dynamic", **rule)
    user = tenant.user("carl")
    assert tenant.error("POST", f"/groups/{group['id']}/members/$ref", link(tenant, user["id"]))[0] == 400
    bound = {"members@odata.bind": [link(tenant, user["id"])["@odata.id"]]}
    assert tenant.error("PATCH", f"/groups/{group['id']}", bound)[0] == 400
    assert tenant.error("PATCH", f"/groups/{group['id']}", {"isAssignableToRole": True})[0] == 400


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"userPrincipalName": "dan@example.com"}, "verified domain"),
        ({"userPrincipalName": "dan"}, "userPrincipalName is invalid"),
        ({"passwordProfile": {}}, "password must be specified"),
        ({"accountEnabled": None}, "accountEnabled"),
        ({"mailNickname": ""}, "mailNickname"),
    ],
    ids=str,
)
def test_users_that_are_refused(tenant: Tenant, changes: dict[str, Any], words: str) -> None:
    body = {
        "accountEnabled": True,
        "displayName": "Dan",
        "mailNickname": "dan",
        "userPrincipalName": f"dan@{tenant.domain}",
        "passwordProfile": {"password": "secret word 1"},
        **changes,
    }
    status, _, message = tenant.error("POST", "/users", {k: v for k, v in body.items() if v is not None})
    assert status == 400
    assert words in message


def test_users_by_name_and_never_their_password(tenant: Tenant, sandbox: Any) -> None:
    made = tenant.user("eve", department="Sales")
    assert tenant.error("POST", "/users", {**_body(tenant, "EVE")})[0] == 400, "the name is taken in any case"
    by_name = tenant.ok("GET", f"/users/Eve@{tenant.domain}")
    assert (by_name["id"], "department" in by_name) == (made["id"], False), "v1.0 answers a few properties"
    assert tenant.ok("GET", f"/users/{made['id']}?$select=department")["department"] == "Sales"
    assert tenant.ok("GET", f"/beta/users/{made['id']}")["department"] == "Sales"
    assert "secret word" not in str(sandbox.http.get(f"{sandbox.endpoints.control_url}/objects").json())
    assert [one["id"] for one in tenant.ok("GET", "/domains")["value"]] == [tenant.domain]
    boss = tenant.user("boss")
    assert tenant.error("GET", f"/users/{made['id']}/manager")[0] == 404
    tenant.ok("PUT", f"/users/{made['id']}/manager/$ref", link(tenant, boss["id"]))
    assert tenant.ok("GET", f"/users/{made['id']}/manager")["id"] == boss["id"]
    tenant.ok("DELETE", f"/users/{made['id']}/manager/$ref")
    assert tenant.error("GET", f"/users/{made['id']}/manager")[0] == 404


def _body(tenant: Tenant, name: str) -> dict[str, Any]:
    return {
        "accountEnabled": True,
        "displayName": name,
        "mailNickname": name,
        "userPrincipalName": f"{name}@{tenant.domain}",
        "passwordProfile": {"password": "secret word 1"},
    }


def test_deleted_groups_and_users_come_back(tenant: Tenant) -> None:
    for kind, made in (("users", tenant.user("frida")), ("groups", tenant.group("restored"))):
        tenant.ok("DELETE", f"/{kind}/{made['id']}")
        assert tenant.error("GET", f"/{kind}/{made['id']}")[0] == 404
        type = f"microsoft.graph.{kind[:-1]}"
        assert made["id"] in ids(tenant.ok("GET", f"/directory/deletedItems/{type}"))
        assert "passwordProfile" not in tenant.ok("GET", f"/directory/deletedItems/{made['id']}")
        tenant.ok("POST", f"/directory/deletedItems/{made['id']}/restore")
        assert tenant.ok("GET", f"/{kind}/{made['id']}")["displayName"] == made["displayName"]


def test_pages_counts_and_advanced_queries(tenant: Tenant) -> None:
    for number in range(7):
        tenant.group(f"page{number}")
    query = "/groups?$filter=startswith(displayName,'page')&$select=displayName&$top=3"
    seen: list[str] = []
    answer = tenant.ok("GET", query)
    while True:
        seen += [one["displayName"] for one in answer["value"]]
        if "@odata.nextLink" not in answer:
            break
        assert answer["@odata.nextLink"].startswith(f"{tenant.endpoints.graph_base}/v1.0/groups?")
        answer = tenant.ok("GET", answer["@odata.nextLink"])
    assert seen == [f"page{number}" for number in range(7)]
    counted = tenant.ok("GET", f"{query}&$count=true", **EVENTUAL)
    assert counted["@odata.count"] == 7
    assert tenant.error("GET", f"{query}&$count=true")[:2] == (400, "Request_UnsupportedQuery")
    other = "/groups?$filter=startswith(displayName,'page') and displayName ne 'page1'"
    assert tenant.error("GET", other)[:2] == (400, "Request_UnsupportedQuery")
    assert len(tenant.ok("GET", f"{other}&$count=true", **EVENTUAL)["value"]) == 6


def test_an_application_by_its_client_id(tenant: Tenant) -> None:
    made, principal = tenant.application("by client id")
    path = f"/applications(appId='{made['appId']}')"
    tenant.ok("PATCH", path, {"notes": "n"})
    assert tenant.ok("GET", path)["notes"] == "n"
    assert tenant.ok("GET", f"/servicePrincipals(appId='{made['appId']}')")["id"] == principal["id"]
    assert tenant.error("GET", f"/applications(appId='{uuid.uuid4()}')")[0] == 404
    assert tenant.ok("GET", f"{path}/owners")["value"] == []
    assert tenant.ok("GET", f"/directoryObjects/{made['id']}")["@odata.type"] == "#microsoft.graph.application"
    tenant.ok("DELETE", path)


def test_who_may_change_only_what_it_owns(tenant: Tenant) -> None:
    """Application.ReadWrite.OwnedBy: reads all, makes what it then owns, and changes nothing else."""
    caller, principal = permitted(tenant, "Application.ReadWrite.OwnedBy")
    foreign, foreign_principal = tenant.application("foreign")
    assert caller.ok("GET", f"/applications/{foreign['id']}")["displayName"] == "foreign"
    for method, path, body in (
        ("PATCH", f"/applications/{foreign['id']}", {"notes": "x"}),
        ("DELETE", f"/applications/{foreign['id']}", None),
        ("POST", f"/applications/{foreign['id']}/addPassword", {}),
        ("POST", f"/applications/{foreign['id']}/owners/$ref", link(tenant, principal["id"])),
        ("POST", f"/applications/{foreign['id']}/federatedIdentityCredentials", {"name": "x"}),
        ("PATCH", f"/servicePrincipals/{foreign_principal['id']}", {"notes": "x"}),
        ("GET", "/groups", None),
    ):
        assert caller.error(method, path, body)[:2] == (403, "Authorization_RequestDenied"), path
    own = caller.ok("POST", "/applications", {"displayName": "own"})
    assert ids(caller.ok("GET", f"/applications/{own['id']}/owners")) == [principal["id"]]
    caller.ok("PATCH", f"/applications/{own['id']}", {"notes": "mine"})
    caller.ok("POST", f"/applications/{own['id']}/addPassword", {})
    made = caller.ok("POST", "/servicePrincipals", {"appId": own["appId"]})
    caller.ok("PATCH", f"/servicePrincipals/{made['id']}", {"notes": "mine"})
    assert set(ids(caller.ok("GET", f"/servicePrincipals/{principal['id']}/ownedObjects"))) == {own["id"], made["id"]}
    stranger = tenant.ok("POST", "/applications", {"displayName": "without principal"})
    assert caller.error("POST", "/servicePrincipals", {"appId": stranger["appId"]})[0] == 403
    tenant.ok("DELETE", f"/applications/{own['id']}/owners/{principal['id']}/$ref")
    assert caller.error("PATCH", f"/applications/{own['id']}", {"notes": "x"})[0] == 403


NOBODY = uuid.UUID(int=77)


@pytest.mark.parametrize(
    ("permissions", "method", "path", "status"),
    [
        (["Group.Read.All"], "GET", "/groups", 200),
        (["Group.Read.All"], "POST", "/groups", 403),
        (["GroupMember.Read.All"], "GET", "/users", 403),
        (["User.Read.All"], "GET", "/users", 200),
        (["Policy.Read.All"], "GET", "/identity/conditionalAccess/policies", 200),
        (["Policy.ReadWrite.ConditionalAccess"], "POST", "/identity/conditionalAccess/policies", 403),
        (
            ["Policy.Read.All", "Policy.ReadWrite.ConditionalAccess"],
            "POST",
            "/identity/conditionalAccess/policies",
            400,
        ),
        (["Application.ReadWrite.All"], "POST", f"/servicePrincipals/{NOBODY}/appRoleAssignedTo", 403),
        (["AppRoleAssignment.ReadWrite.All"], "POST", f"/servicePrincipals/{NOBODY}/appRoleAssignedTo", 404),
    ],
    ids=lambda value: str(value)[:60],
)
def test_each_door_has_its_permission(
    tenant: Tenant, permissions: list[str], method: str, path: str, status: int
) -> None:
    """Conditional Access wants two permissions to write; giving roles wants one of its own."""
    caller, _ = permitted(tenant, *permissions)
    assert caller.send(method, path, {} if method == "POST" else None).status_code == status


def test_delegated_grants(tenant: Tenant) -> None:
    (_, client), (_, resource) = tenant.application("client"), tenant.application("resource")
    user = tenant.user("gus")
    path = "/oauth2PermissionGrants"
    body = {"clientId": client["id"], "consentType": "AllPrincipals", "resourceId": resource["id"], "scope": "read"}
    made = tenant.ok("POST", path, body)
    assert tenant.error("POST", path, body)[0] == 409
    tenant.ok("PATCH", f"{path}/{made['id']}", {"scope": "read write"})
    assert tenant.ok("GET", f"{path}/{made['id']}")["scope"] == "read write"
    assert tenant.error("PATCH", f"{path}/{made['id']}", {"clientId": resource["id"]})[0] == 400
    found = tenant.ok("GET", f"{path}?$filter=clientId eq '{client['id']}'")
    assert ids(found) == [made["id"]]
    for wrong in (
        {"consentType": "Principal"},
        {"principalId": user["id"]},
        {"consentType": "Everybody"},
        {"clientId": user["id"]},
        {"consentType": "Principal", "principalId": resource["id"]},
    ):
        assert tenant.error("POST", path, {**body, **wrong})[0] == 400, wrong
    tenant.ok("DELETE", f"/servicePrincipals/{resource['id']}")
    assert tenant.error("GET", f"{path}/{made['id']}")[0] == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"web": {"redirectUris": ["http://a.example.com/"]}}, "InvalidReplyAddress"),
        ({"web": {"redirectUris": ["https://a.example.com/#x"]}}, "InvalidReplyAddress"),
        ({"web": {"redirectUris": ["https://a/", "https://a/"]}}, "DuplicateValue"),
        ({"spa": {"redirectUris": ["app://x"]}}, "InvalidReplyAddress"),
        ({"publicClient": {"redirectUris": ["nothing"]}}, "InvalidReplyAddress"),
        ({"signInAudience": "Everybody"}, "Request_BadRequest"),
        ({"signInAudience": "AzureADandPersonalMicrosoftAccount"}, "InvalidAccessTokenVersion"),
        ({"api": {"oauth2PermissionScopes": [{"id": str(uuid.UUID(int=1)), "value": ""}]}}, "Request_BadRequest"),
        (
            {"api": {"preAuthorizedApplications": [{"appId": GRAPH, "delegatedPermissionIds": ["x"]}]}},
            "InvalidPreAuthorizedApplication",
        ),
        ({"requiredResourceAccess": [{"resourceAppId": "x", "resourceAccess": []}]}, "Request_BadRequest"),
        (
            {"requiredResourceAccess": [{"resourceAppId": GRAPH, "resourceAccess": [{"id": GRAPH, "type": "Any"}]}]},
            "Request_BadRequest",
        ),
    ],
    ids=lambda value: str(value)[:50],
)
def test_registrations_that_are_refused(tenant: Tenant, body: dict[str, Any], code: str) -> None:
    assert tenant.error("POST", "/applications", {"displayName": "x", **body})[:2] == (400, code)


@pytest.mark.parametrize("uri", ["http://localhost:3000/", "http://127.0.0.1/", "https://a.example.com/x?y=z"], ids=str)
def test_redirects_that_are_kept(tenant: Tenant, uri: str) -> None:
    made = tenant.ok("POST", "/applications", {"displayName": "x", "web": {"redirectUris": [uri]}})
    assert made["web"]["redirectUris"] == [uri]
    tenant.ok(
        "PATCH", f"/applications/{made['id']}", {"web": {"implicitGrantSettings": {"enableIdTokenIssuance": True}}}
    )
    web = tenant.ok("GET", f"/applications/{made['id']}")["web"]
    assert (web["redirectUris"], web["implicitGrantSettings"]) == (
        [uri],
        {"enableAccessTokenIssuance": False, "enableIdTokenIssuance": True},
    ), "complex values are merged at any depth"
