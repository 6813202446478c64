"""Tokens of people, which the control address mints: the claims that Entra gives them, judged as Entra does."""

import uuid
from typing import Any

import jwt
import pytest
from support.tenant import Tenant

SCOPE_ID, ROLE_ID = str(uuid.UUID(int=21)), str(uuid.UUID(int=22))
CLAIMS = [
    {"name": "acrs"},
    {"name": "idtyp", "additionalProperties": ["include_user_token"]},
    {"name": "upn"},
    {"name": "email"},
]


class World:
    """An API with a scope, a role and groups in its tokens; a person; a client without consent."""

    def __init__(self, tenant: Tenant, version: int) -> None:
        self.tenant = tenant
        scope = {
            "id": SCOPE_ID,
            "value": "ask",
            "type": "User",
            "isEnabled": True,
            "adminConsentDisplayName": "Ask",
            "adminConsentDescription": "Asks",
        }
        role = {
            "id": ROLE_ID,
            "value": "Analyst",
            "displayName": "a",
            "description": "a",
            "allowedMemberTypes": ["User"],
            "isEnabled": True,
        }
        self.api, self.principal = tenant.application(
            "api",
            api={"requestedAccessTokenVersion": version, "oauth2PermissionScopes": [scope]},
            appRoles=[role],
            optionalClaims={"accessToken": CLAIMS},
            groupMembershipClaims="SecurityGroup",
        )
        self.client, self.client_principal = tenant.application("client")
        self.person = tenant.user(f"ann{version}", mail="ann@example.com", givenName="Ann", surname="Lee")
        inner = tenant.group(f"inner{version}", self.person["id"])
        self.groups = sorted([inner["id"], tenant.group(f"outer{version}", inner["id"])["id"]])

    def ask(self, **changes: Any) -> Any:
        body = {"user": self.person["userPrincipalName"], "resource": self.api["appId"], "scopes": ["ask"], **changes}
        return self.tenant.control("POST", "/entra/user-tokens", {k: v for k, v in body.items() if v is not None})

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Verified as any relying party does."""
        token = self.ask(**changes).json()["access_token"]
        version = "v2.0/" if self.api["api"]["requestedAccessTokenVersion"] == 2 else ""
        authority = f"{self.tenant.endpoints.entra_authority}/{self.tenant.endpoints.tenant_id}"
        configuration = self.tenant.http.get(f"{authority}/{version}.well-known/openid-configuration").json()
        keys = jwt.PyJWKSet.from_dict(self.tenant.http.get(configuration["jwks_uri"]).json())
        kid = jwt.get_unverified_header(token)["kid"]
        found: dict[str, Any] = jwt.decode(
            token,
            keys[kid].key,
            algorithms=["RS256"],
            audience=self.api["appId"],
            issuer=configuration["issuer"],
        )
        return found


@pytest.fixture(scope="module")
def worlds(sandbox: Any) -> dict[int, World]:
    tenant = Tenant(sandbox)
    return {version: World(tenant, version) for version in (1, 2)}


def test_a_persons_v2_token(worlds: dict[int, World]) -> None:
    world = worlds[2]
    claims = world.claims(acrs=["c1", "c3"])
    person = world.person
    assert (claims["oid"], claims["name"]) == (person["id"], "Ann2")
    assert claims["preferred_username"] == claims["upn"] == person["userPrincipalName"]
    assert (claims["scp"], claims["ver"], claims["idtyp"], claims["email"]) == ("ask", "2.0", "user", "ann@example.com")
    assert claims["acrs"] == ["c1", "c3"]
    assert claims["groups"] == world.groups
    assert claims["azpacr"] == "0"
    assert claims["sub"] not in (claims["oid"], person["userPrincipalName"])
    assert "amr" not in claims, "a v2.0 access token never says how somebody signed in"


def test_without_scopes_there_are_all_that_were_consented_to(worlds: dict[int, World]) -> None:
    assert worlds[2].claims(scopes=None)["scp"] == "ask"
    assert worlds[2].ask(scopes=None, client_id=worlds[2].client["appId"]).json()["error_codes"] == [65001]


def test_a_persons_v1_token(worlds: dict[int, World]) -> None:
    claims = worlds[1].claims(amr=["pwd", "mfa"])
    assert claims["amr"] == ["pwd", "mfa"]
    assert (claims["unique_name"], claims["family_name"]) == (worlds[1].person["userPrincipalName"], "Lee")
    assert (claims["appidacr"], claims["ver"], "preferred_username" in claims) == ("0", "1.0", False)


def test_a_subject_is_one_persons_at_one_application(worlds: dict[int, World]) -> None:
    """`sub` stays for one pair and differs between applications; `oid` is the same everywhere."""
    world = worlds[2]
    first, again = world.claims(), world.claims()
    assert first["sub"] == again["sub"]
    assert first["uti"] != again["uti"]
    other = jwt.decode(
        worlds[1].ask(user=world.person["id"]).json()["access_token"], options={"verify_signature": False}
    )
    assert other["oid"] == first["oid"]
    assert other["sub"] != first["sub"]


def test_without_the_optional_claim_there_is_none(worlds: dict[int, World]) -> None:
    world = worlds[2]
    path = f"/applications/{world.api['id']}"
    world.tenant.ok("PATCH", path, {"optionalClaims": {"accessToken": [{"name": "idtyp"}]}})
    try:
        claims = world.claims(acrs=["c1"])
        assert {"acrs", "upn", "email", "idtyp"} & claims.keys() == set(), "idtyp for users wants include_user_token"
    finally:
        world.tenant.ok("PATCH", path, {"optionalClaims": {"accessToken": CLAIMS}})


def test_a_client_needs_consent(worlds: dict[int, World]) -> None:
    """By a grant for everybody, by one for this person, or by the resource's own list of clients."""
    world = worlds[2]
    client = {"client_id": world.client["appId"]}
    tenant, grants = world.tenant, "/oauth2PermissionGrants"
    between = {"clientId": world.client_principal["id"], "resourceId": world.principal["id"], "scope": "ask"}
    person = {"consentType": "Principal", "principalId": world.person["id"]}
    stranger = tenant.user("stranger")
    assert world.ask(**client).json()["error_codes"] == [65001]
    for consent, others in (({"consentType": "AllPrincipals"}, 200), (person, 400)):
        made = tenant.ok("POST", grants, {**between, **consent})
        assert world.ask(**client).status_code == 200
        assert world.ask(**client, user=stranger["id"]).status_code == others
        tenant.ok("DELETE", f"{grants}/{made['id']}")
        assert world.ask(**client).json()["error_codes"] == [65001]
    path = f"/applications/{world.api['id']}"
    listed = [{"appId": world.client["appId"], "delegatedPermissionIds": [SCOPE_ID]}]
    tenant.ok("PATCH", path, {"api": {"preAuthorizedApplications": listed}})
    claims = jwt.decode(world.ask(**client).json()["access_token"], options={"verify_signature": False})
    assert claims["azp"] == world.client["appId"]
    tenant.ok("PATCH", path, {"api": {"preAuthorizedApplications": []}})


def test_assignment_required_keeps_people_out_and_a_group_lets_them_in(worlds: dict[int, World]) -> None:
    world = worlds[2]
    tenant, path = world.tenant, f"/servicePrincipals/{world.principal['id']}"
    tenant.ok("PATCH", path, {"appRoleAssignmentRequired": True})
    assert world.ask().json()["error_codes"] == [50105]
    outer, inner = (tenant.ok("GET", f"/groups/{id}") for id in world.groups)
    if inner["displayName"].startswith("outer"):
        outer, inner = inner, outer
    body = {"resourceId": world.principal["id"], "appRoleId": ROLE_ID}
    through_outer = tenant.ok("POST", f"/groups/{outer['id']}/appRoleAssignments", {**body, "principalId": outer["id"]})
    assert world.ask().json()["error_codes"] == [50105], "assignments do not reach nested groups"
    through_inner = tenant.ok("POST", f"{path}/appRoleAssignedTo", {**body, "principalId": inner["id"]})
    assert world.claims()["roles"] == ["Analyst"]
    for made in (through_outer, through_inner):
        tenant.ok("DELETE", f"{path}/appRoleAssignedTo/{made['id']}")
    tenant.ok("PATCH", path, {"appRoleAssignmentRequired": False})
    assert "roles" not in world.claims()


def test_more_than_two_hundred_groups_are_told_elsewhere(worlds: dict[int, World]) -> None:
    world = worlds[2]
    popular = world.tenant.user("popular")
    for number in range(200):
        world.tenant.group(f"g{number}", popular["id"])
    assert len(world.claims(user=popular["id"])["groups"]) == 200
    world.tenant.group("g200", popular["id"])
    claims = world.claims(user=popular["id"])
    assert "groups" not in claims
    assert claims["_claim_sources"]["src1"]["endpoint"].endswith(f"/users/{popular['id']}/getMemberObjects")


def test_only_assigned_groups_when_the_application_says_so(worlds: dict[int, World]) -> None:
    world = worlds[2]
    tenant, path = world.tenant, f"/applications/{world.api['id']}"
    tenant.ok("PATCH", path, {"groupMembershipClaims": "ApplicationGroup"})
    assert "groups" not in world.claims()
    body = {"principalId": world.groups[0], "resourceId": world.principal["id"], "appRoleId": ROLE_ID}
    made = tenant.ok("POST", f"/servicePrincipals/{world.principal['id']}/appRoleAssignedTo", body)
    assert world.claims()["groups"] == [world.groups[0]]
    tenant.ok("DELETE", f"/servicePrincipals/{world.principal['id']}/appRoleAssignedTo/{made['id']}")
    tenant.ok("PATCH", path, {"groupMembershipClaims": "SecurityGroup"})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"user": "nobody@example.com"}, 50034, id="unknown person"),
        pytest.param({"scopes": ["write"]}, 650053, id="unknown scope"),
        pytest.param({"resource": "api://unknown"}, 500011, id="unknown resource"),
        pytest.param({"client_id": str(uuid.UUID(int=1))}, 700016, id="unknown client"),
    ],
)
def test_refusals_as_entra_words_them(worlds: dict[int, World], changes: Any, code: int) -> None:
    answer = worlds[2].ask(**changes)
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [code])
    assert answer.json()["error_description"].startswith(f"AADSTS{code}: ")


def test_a_disabled_person(worlds: dict[int, World]) -> None:
    world = worlds[2]
    gone = world.tenant.user("gone")
    world.tenant.ok("PATCH", f"/users/{gone['id']}", {"accountEnabled": False})
    assert world.ask(user=gone["id"]).json()["error_codes"] == [50057]
    world.tenant.ok("DELETE", f"/users/{gone['id']}")
    assert world.ask(user=gone["id"]).json()["error_codes"] == [50034]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "JSON object"),
        ({"resource": "x"}, "`user` is missing"),
        ({"user": 7, "resource": "x"}, "`user` must be of type str"),
        ({"user": "x", "resource": "x", "scp": "y"}, "`scp` is not known"),
        ({"user": "x", "resource": "x", "acrs": [1]}, "`acrs` must hold texts"),
        ({"user": "x", "resource": "x", "lifetime_seconds": 5400}, "between 1 and 5399"),
        ({"user": "x", "resource": "x", "lifetime_seconds": True}, "`lifetime_seconds` must be of type int"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_the_switch_does_not_understand(worlds: dict[int, World], body: Any, words: str) -> None:
    answer = worlds[2].tenant.control("POST", "/entra/user-tokens", body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_a_chosen_lifetime(worlds: dict[int, World]) -> None:
    answer = worlds[2].ask(lifetime_seconds=60).json()
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert (answer["expires_in"], claims["exp"] - claims["iat"]) == (60, 361)
