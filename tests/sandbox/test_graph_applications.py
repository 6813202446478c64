"""Graph serves the sequences that the official azuread plugin sends, and leaves nothing behind when all is deleted."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
NO_ROLE = "00000000-0000-0000-0000-000000000000"


class GraphClient:
    """Sends requests as an application of the tenant, with the plugin's headers."""

    def __init__(self, sandbox: Any, client_id: str, secret: str) -> None:
        self._sandbox = sandbox
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
            "scope": f"{sandbox.endpoints.graph_base}/.default",
        }
        endpoints = sandbox.endpoints
        answer = sandbox.http.post(f"{endpoints.entra_authority}/{endpoints.tenant_id}/oauth2/v2.0/token", data=form)
        self.token = answer.json()["access_token"]

    def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/json; charset=utf-8; IEEE754Compatible=false",
            "Content-Type": "application/json; charset=utf-8",
            "Odata-Version": "4.0",
        }
        address = f"{self._sandbox.endpoints.graph_base}{path}"
        answer: httpx.Response = self._sandbox.http.request(method, address, headers=headers, json=body)
        return answer

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.send(method, path, body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def error(self, method: str, path: str, body: Any = None) -> tuple[int, str, str]:
        answer = self.send(method, path, body)
        error = answer.json()["error"]
        assert set(error["innerError"]) == {"date", "request-id", "client-request-id"}
        return answer.status_code, error["code"], error["message"]


@pytest.fixture
def graph(sandbox: Any) -> GraphClient:
    endpoints = sandbox.endpoints
    return GraphClient(sandbox, endpoints.entra_admin_client_id, endpoints.entra_admin_client_secret)


@pytest.fixture
def registered(graph: GraphClient) -> Iterator[Any]:
    body = {"@odata.type": "#microsoft.graph.application", "displayName": "reports"}
    made = graph.ok("POST", "/v1.0/applications", body)
    yield made
    graph.send("DELETE", f"/v1.0/applications/{made['id']}")


def test_metadata_document_has_what_the_plugin_requires(sandbox: Any) -> None:
    endpoints = sandbox.endpoints
    address = f"https://{endpoints.metadata_host}/metadata/endpoints"
    document = sandbox.http.get(address, params={"api-version": "2022-09-01"}).json()
    assert document["name"]
    assert document["resourceManager"]
    assert document["microsoftGraphResourceId"] == endpoints.graph_base
    assert document["authentication"]["loginEndpoint"] == endpoints.entra_authority
    assert document["authentication"]["identityProvider"] == "AAD"
    assert sandbox.http.get(address).status_code == 400


def test_application_as_the_plugin_makes_changes_and_deletes_it(graph: GraphClient) -> None:
    graph_base = graph.ok("GET", "/v1.0/applications")["@odata.context"].split("/v1.0")[0]
    owner = graph.ok("GET", f"/v1.0/servicePrincipals?$filter=appId eq '{GRAPH_APP_ID}'")["value"][0]["id"]
    made = graph.ok(
        "POST",
        "/v1.0/applications",
        {
            "@odata.type": "#microsoft.graph.application",
            "displayName": "reports",
            "owners@odata.bind": [f"{graph_base}/v1.0/directoryObjects/{owner}"],
            "signInAudience": "AzureADMyOrg",
        },
    )
    path = f"/v1.0/applications/{made['id']}"
    for name in (f"TERRAFORM_UPDATE_{uuid.uuid4()}", "reports"):
        assert graph.send("PATCH", path, {"displayName": name}).status_code == 204
    assert [one["id"] for one in graph.ok("GET", f"{path}/owners")["value"]] == [owner]
    assert graph.send("DELETE", f"{path}/owners/{owner}/$ref").status_code == 204
    assert graph.ok("GET", f"{path}/owners")["value"] == []
    read = graph.ok("GET", path)
    assert (read["displayName"], read["appId"], "owners" in read) == ("reports", made["appId"], False)
    beta = graph.ok("GET", f"/beta/applications/{made['id']}?$select=oauth2RequirePostResponse")
    assert beta["oauth2RequirePostResponse"] is False
    # PATCH merges complex values and replaces collections
    graph.ok("PATCH", path, {"api": {"requestedAccessTokenVersion": 2}, "tags": ["a"]})
    graph.ok("PATCH", path, {"api": {"acceptMappedClaims": True}, "tags": ["b"]})
    api = graph.ok("GET", path)["api"]
    assert (api["requestedAccessTokenVersion"], api["acceptMappedClaims"]) == (2, True)
    assert graph.send("DELETE", path).status_code == 204
    for _ in range(5):
        assert graph.error("GET", path)[:2] == (404, "Request_ResourceNotFound")


def test_roles_identifier_uris_and_optional_claims_of_the_split_resources(graph: GraphClient, registered: Any) -> None:
    path = f"/v1.0/applications/{registered['id']}"
    role = {
        "id": str(uuid.uuid4()),
        "value": "reports.read",
        "displayName": "reports.read",
        "description": "Reads reports",
        "allowedMemberTypes": ["Application"],
        "isEnabled": True,
    }
    graph.ok("PATCH", path, {"appRoles": [role]})
    graph.ok("PATCH", path, {"identifierUris": [f"api://{registered['appId']}"]})
    graph.ok("PATCH", path, {"optionalClaims": {"accessToken": [{"name": "idtyp"}]}})
    read = graph.ok("GET", path)
    assert read["appRoles"] == [role]
    assert read["optionalClaims"] == {"accessToken": [{"name": "idtyp"}]}
    status, code, _ = graph.error("PATCH", path, {"appRoles": []})
    assert (status, code) == (400, "CannotDeleteOrUpdateEnabledEntitlement")
    graph.ok("PATCH", path, {"appRoles": [{**role, "isEnabled": False}]})
    graph.ok("PATCH", path, {"appRoles": []})
    other = graph.ok("POST", "/v1.0/applications", {"displayName": "other"})
    taken = f"api://{registered['appId']}"
    assert graph.error("PATCH", f"/v1.0/applications/{other['id']}", {"identifierUris": [taken]})[0] == 400
    graph.ok("DELETE", f"/v1.0/applications/{other['id']}")


def test_federated_credential_lives_and_ends_with_its_application(graph: GraphClient, registered: Any) -> None:
    path = f"/v1.0/applications/{registered['id']}/federatedIdentityCredentials"
    body = {
        "@odata.type": "#microsoft.graph.federatedIdentityCredential",
        "name": "cluster",
        "issuer": "https://issuer.example",
        "subject": "system:serviceaccount:reports:nightly",
        "audiences": ["api://AzureADTokenExchange"],
        "description": "x",
    }
    made = graph.ok("POST", path, body)
    assert graph.error("POST", path, body)[:2] == (409, "Request_MultipleObjectsWithSameKeyValue")
    assert graph.error("POST", path, {**body, "name": "b"})[:2] == (400, "InvalidFederatedIdentityCredentialValue")
    one = f"{path}/{made['id']}"
    whole = {name: value for name, value in made.items() if "@odata" not in name}
    graph.ok("PATCH", one, {**whole, "subject": "system:serviceaccount:reports:hourly"})
    assert graph.error("PATCH", one, {"name": "renamed"})[0] == 400
    assert graph.ok("GET", one)["subject"] == "system:serviceaccount:reports:hourly"
    assert graph.ok("GET", f"{path}/cluster")["id"] == made["id"]
    assert len(graph.ok("GET", path)["value"]) == 1
    graph.ok("DELETE", one)
    assert graph.error("GET", one)[0] == 404
    graph.ok("POST", path, body)
    graph.ok("DELETE", f"/v1.0/applications/{registered['id']}")
    graph.ok("POST", f"/v1.0/directory/deletedItems/{registered['id']}/restore")
    assert [one["name"] for one in graph.ok("GET", path)["value"]] == ["cluster"]


def test_service_principal_as_the_plugin_makes_it(graph: GraphClient, registered: Any) -> None:
    app_id = registered["appId"]
    listing = f"/v1.0/servicePrincipals?$filter=appId eq '{app_id}'"
    assert graph.ok("GET", listing)["value"] == []
    body = {"appId": app_id, "accountEnabled": True, "appRoleAssignmentRequired": True, "description": "TERRAFORM"}
    made = graph.ok("POST", "/v1.0/servicePrincipals", body)
    path = f"/v1.0/servicePrincipals/{made['id']}"
    graph.ok("PATCH", path, {"description": None})
    read = graph.ok("GET", path)
    assert (read["description"], read["displayName"], read["appRoleAssignmentRequired"]) == (None, "reports", True)
    assert read["servicePrincipalNames"] == [app_id]
    assert graph.ok("GET", f"/beta/servicePrincipals/{made['id']}?$select=samlMetadataUrl")["samlMetadataUrl"] is None
    assert graph.ok("GET", f"{path}/owners")["value"] == []
    assert len(graph.ok("GET", listing)["value"]) == 1
    graph.ok("PATCH", f"/v1.0/applications/{registered['id']}", {"displayName": "renamed"})
    assert graph.ok("GET", path)["displayName"] == "renamed"
    assert graph.error("POST", "/v1.0/servicePrincipals", body)[:2] == (409, "Request_MultipleObjectsWithSameKeyValue")
    status, code, message = graph.error("POST", "/v1.0/servicePrincipals", {"appId": str(uuid.uuid4())})
    assert (status, code) == (400, "Request_BadRequest")
    # the plugin retries on these words
    assert "does not reference a valid application object" in message
    graph.ok("DELETE", f"/v1.0/applications/{registered['id']}")
    assert graph.error("GET", path)[0] == 404
    restore = f"/v1.0/directory/deletedItems/{made['id']}/restore"
    assert graph.error("POST", restore)[0] == 400
    graph.ok("POST", f"/v1.0/directory/deletedItems/{registered['id']}/restore")
    graph.ok("POST", restore)
    assert graph.ok("GET", path)["appId"] == app_id


def test_role_assignment_from_both_sides(graph: GraphClient, registered: Any) -> None:
    role_id = str(uuid.uuid4())
    role = {
        "id": role_id,
        "value": "reports.read",
        "displayName": "r",
        "description": "r",
        "allowedMemberTypes": ["Application"],
        "isEnabled": True,
    }
    graph.ok("PATCH", f"/v1.0/applications/{registered['id']}", {"appRoles": [role]})
    resource = graph.ok("POST", "/v1.0/servicePrincipals", {"appId": registered["appId"]})["id"]
    client_app = graph.ok("POST", "/v1.0/applications", {"displayName": "client"})
    client = graph.ok("POST", "/v1.0/servicePrincipals", {"appId": client_app["appId"]})["id"]
    path = f"/v1.0/servicePrincipals/{resource}/appRoleAssignedTo"
    body = {"principalId": client, "resourceId": resource, "appRoleId": role_id}
    made = graph.ok("POST", path, body)
    assert (made["principalType"], made["principalDisplayName"]) == ("ServicePrincipal", "client")
    assert graph.error("POST", path, body)[2] == "Permission being assigned already exists on the object"
    assert "was not found on application" in graph.error("POST", path, {**body, "appRoleId": str(uuid.uuid4())})[2]
    assert "was not found on application" in graph.error("POST", path, {**body, "appRoleId": NO_ROLE})[2]
    unknown = {**body, "principalId": str(uuid.uuid4())}
    assert graph.error("POST", path, unknown)[2] == "Not a valid reference update."
    assert [one["id"] for one in graph.ok("GET", path)["value"]] == [made["id"]]
    mine = f"/v1.0/servicePrincipals/{client}/appRoleAssignments"
    assert [one["id"] for one in graph.ok("GET", mine)["value"]] == [made["id"]]
    graph.ok("DELETE", f"{path}/{made['id']}")
    assert graph.error("DELETE", f"{path}/{made['id']}")[0] == 404
    graph.ok("POST", mine, body)
    graph.ok("DELETE", f"/v1.0/servicePrincipals/{client}")
    assert graph.ok("GET", path)["value"] == []
    graph.ok("DELETE", f"/v1.0/applications/{client_app['id']}")


def test_password_is_shown_once(graph: GraphClient, registered: Any) -> None:
    path = f"/v1.0/applications/{registered['id']}"
    end = "2030-01-01T00:00:00Z"
    made = graph.ok("POST", f"{path}/addPassword", {"passwordCredential": {"displayName": "a", "endDateTime": end}})
    assert len(made["secretText"]) == 40
    (listed,) = graph.ok("GET", path)["passwordCredentials"]
    assert (listed["keyId"], listed["secretText"], listed["endDateTime"]) == (made["keyId"], None, end)
    assert graph.error("POST", f"{path}/removePassword", {"keyId": str(uuid.uuid4())})[0] == 400
    assert graph.send("POST", f"{path}/removePassword", {"keyId": made["keyId"]}).status_code == 204
    assert graph.ok("GET", path)["passwordCredentials"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        pytest.param("POST", "/v1.0/applications", {}, 400, "Request_BadRequest", id="no name"),
        pytest.param(
            "POST", "/v1.0/applications", {"displayName": "a", "nope": 1}, 400, "Request_BadRequest", id="extra"
        ),
        pytest.param(
            "POST", "/v1.0/applications", {"displayName": "a", "appId": "x"}, 400, "Request_BadRequest", id="read-only"
        ),
        pytest.param(
            "POST", "/v1.0/applications", {"displayName": "a", "appRoles": {}}, 400, "Request_BadRequest", id="type"
        ),
        pytest.param(
            "POST",
            "/v1.0/applications",
            {"displayName": "a", "passwordCredentials": [{"keyId": "x"}]},
            400,
            "Request_BadRequest",
            id="password without addPassword",
        ),
        pytest.param(
            "POST",
            "/v1.0/applications",
            {"displayName": "a", "optionalClaims": {"accessToken": "idtyp"}},
            400,
            "Request_BadRequest",
            id="optional claims",
        ),
        pytest.param("PATCH", f"/v1.0/applications/{NO_ROLE}", {}, 404, "Request_ResourceNotFound", id="unknown"),
        pytest.param("GET", "/v1.0/nothing", None, 400, "BadRequest", id="unknown segment"),
        pytest.param("PUT", "/v1.0/applications", {}, 405, "Request_BadRequest", id="method"),
        pytest.param("GET", "/v1.0/applications?$filter=nonsense", None, 400, "Request_BadRequest", id="filter"),
        pytest.param("POST", "/v1.0/applications", [], 400, "BadRequest", id="no object"),
        pytest.param("POST", "/v1.0/servicePrincipals", {"appId": 1}, 400, "Request_BadRequest", id="appId no text"),
    ],
)
def test_refusals(graph: GraphClient, method: str, path: str, body: Any, status: int, code: str) -> None:
    assert graph.error(method, path, body)[:2] == (status, code)


def test_built_in_objects_cannot_be_changed_or_deleted(graph: GraphClient) -> None:
    one = graph.ok("GET", f"/v1.0/servicePrincipals?$filter=appId eq '{GRAPH_APP_ID}'")["value"][0]
    path = f"/v1.0/servicePrincipals/{one['id']}"
    assert graph.error("PATCH", path, {"notes": "x"})[:2] == (403, "Authorization_RequestDenied")
    assert graph.error("DELETE", path)[:2] == (403, "Authorization_RequestDenied")


def test_a_token_without_permission_is_denied_and_one_with_a_granted_role_is_not(
    sandbox: Any, graph: GraphClient, registered: Any
) -> None:
    secret = graph.ok("POST", f"/v1.0/applications/{registered['id']}/addPassword", {})["secretText"]
    principal = graph.ok("POST", "/v1.0/servicePrincipals", {"appId": registered["appId"]})["id"]
    outsider = GraphClient(sandbox, registered["appId"], secret)
    assert outsider.error("GET", "/v1.0/applications")[:2] == (403, "Authorization_RequestDenied")
    resource = graph.ok("GET", f"/v1.0/servicePrincipals?$filter=appId eq '{GRAPH_APP_ID}'")["value"][0]
    (role_id,) = (role["id"] for role in resource["appRoles"] if role["value"] == "Application.Read.All")
    body = {"principalId": principal, "resourceId": resource["id"], "appRoleId": role_id}
    graph.ok("POST", f"/v1.0/servicePrincipals/{principal}/appRoleAssignments", body)
    reader = GraphClient(sandbox, registered["appId"], secret)
    reader.ok("GET", "/v1.0/applications")
    assert reader.error("POST", "/v1.0/applications", {"displayName": "x"})[0] == 403


@pytest.mark.parametrize("token", ["x", "a.b.c", "a b"])
def test_a_bad_token_is_not_authenticated(graph: GraphClient, token: str) -> None:
    graph.token = token
    assert graph.error("GET", "/v1.0/applications")[:2] == (401, "InvalidAuthenticationToken")


def test_an_old_token_is_not_authenticated(sandbox: Any, graph: GraphClient) -> None:
    sandbox.clock.offset_seconds = 3700
    try:
        assert "expired" in graph.error("GET", "/v1.0/applications")[2]
    finally:
        sandbox.clock.offset_seconds = 0


def test_deletion_leaves_nothing_but_deleted_items_that_can_be_purged(sandbox: Any, graph: GraphClient) -> None:
    def counts() -> dict[str, int]:
        found: dict[str, int] = sandbox.http.get(f"{sandbox.endpoints.control_url}/objects").json()["counts"]
        return {kind: count for kind, count in found.items() if kind.startswith("graph/")}

    before = counts()
    made = graph.ok("POST", "/v1.0/applications", {"displayName": "short-lived"})
    graph.ok("POST", "/v1.0/servicePrincipals", {"appId": made["appId"]})
    graph.ok("POST", f"/v1.0/applications/{made['id']}/addPassword", {})
    assert counts() != before
    sandbox.restart()
    assert graph.ok("GET", f"/v1.0/applications/{made['id']}")["displayName"] == "short-lived"
    graph.ok("DELETE", f"/v1.0/applications/{made['id']}")
    assert counts() == before
    deleted = graph.ok("GET", "/v1.0/directory/deletedItems/microsoft.graph.application")["value"]
    assert made["id"] in [one["id"] for one in deleted]
    assert graph.send("DELETE", f"/v1.0/directory/deletedItems/{made['id']}").status_code == 204
    assert graph.error("GET", f"/v1.0/directory/deletedItems/{made['id']}")[0] == 404
