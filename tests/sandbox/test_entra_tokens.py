"""The login double against the vendor's own client (msal), and every refusal with the number that Entra gives it."""

import base64
import datetime
import uuid
from dataclasses import dataclass
from typing import Any

import jwt
import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from lakelatch_sandbox.entra.errors import EntraError
from lakelatch_sandbox.entra.federation import match

AUDIENCE = "api://AzureADTokenExchange"
SUBJECT = "system:serviceaccount:reports:nightly-report"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Tenant:
    """An API that requires assignment and offers one role, and a client that was given it and trusts the cluster."""

    sandbox: Any
    api: dict[str, Any]
    api_principal: str
    client: dict[str, Any]
    client_principal: str
    assignment: dict[str, Any]
    token: str = ""

    def graph(self, method: str, path: str, body: Any = None) -> Any:
        return _graph(self.sandbox, self.token, method, path, body)

    def assertion(self, name: str = "nightly-report", audience: str = AUDIENCE) -> str:
        endpoints = self.sandbox.endpoints
        answer = self.sandbox.http.post(
            f"{endpoints.cluster_issuer}/api/v1/namespaces/reports/serviceaccounts/{name}/token",
            headers={"Authorization": f"Bearer {endpoints.cluster_token}"},
            json={"spec": {"audiences": [audience], "expirationSeconds": 600}},
        )
        token: str = answer.json()["status"]["token"]
        return token

    def ask(self, tenant: str | None = None, **changes: str | None) -> Any:
        endpoints = self.sandbox.endpoints
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client["appId"],
            "client_assertion_type": ASSERTION_TYPE,
            "scope": f"api://{self.api['appId']}/.default",
        } | changes
        if "client_assertion" not in form and "client_secret" not in form:
            form["client_assertion"] = self.assertion()
        address = f"{endpoints.entra_authority}/{tenant or endpoints.tenant_id}/oauth2/v2.0/token"
        return self.sandbox.http.post(address, data={name: value for name, value in form.items() if value is not None})

    def msal(self, credential: Any) -> Any:
        endpoints = self.sandbox.endpoints
        session = requests.Session()
        session.verify = endpoints.ca_file
        # REQUESTS_CA_BUNDLE of the environment would win over `verify`
        session.trust_env = False
        return msal.ConfidentialClientApplication(
            self.client["appId"],
            client_credential=credential,
            authority=f"{endpoints.entra_authority}/{endpoints.tenant_id}",
            instance_discovery=False,
            http_client=session,
        )

    def verified(self, token: str, audience: str, version: str = "v2.0/") -> dict[str, Any]:
        """The claims, checked as any relying party does: discovery, key set, signature, issuer, audience."""
        endpoints = self.sandbox.endpoints
        address = f"{endpoints.entra_authority}/{endpoints.tenant_id}/{version}.well-known/openid-configuration"
        configuration = self.sandbox.http.get(address).json()
        keys = jwt.PyJWKSet.from_dict(self.sandbox.http.get(configuration["jwks_uri"]).json())
        header = jwt.get_unverified_header(token)
        assert header["typ"] == "JWT"
        claims: dict[str, Any] = jwt.decode(
            token, keys[header["kid"]].key, algorithms=["RS256"], audience=audience, issuer=configuration["issuer"]
        )
        return claims


def _graph(sandbox: Any, token: str, method: str, path: str, body: Any = None) -> Any:
    answer = sandbox.http.request(
        method,
        f"{sandbox.endpoints.graph_base}/v1.0{path}",
        headers={"Authorization": f"Bearer {token}"},
        json=body,
    )
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


@pytest.fixture(scope="module")
def tenant(sandbox: Any) -> Tenant:
    endpoints = sandbox.endpoints
    form = {
        "grant_type": "client_credentials",
        "client_id": endpoints.entra_admin_client_id,
        "client_secret": endpoints.entra_admin_client_secret,
        "scope": f"{endpoints.graph_base}/.default",
    }
    address = f"{endpoints.entra_authority}/{endpoints.tenant_id}/oauth2/v2.0/token"
    token = sandbox.http.post(address, data=form).json()["access_token"]

    def graph(method: str, path: str, body: Any = None) -> Any:
        return _graph(sandbox, token, method, path, body)

    role = {
        "id": str(uuid.uuid4()),
        "value": "reports.read",
        "displayName": "Reports",
        "description": "Reads reports",
        "allowedMemberTypes": ["Application"],
        "isEnabled": True,
    }
    body = {"displayName": "gateway", "api": {"requestedAccessTokenVersion": 2}, "appRoles": [role]}
    api = graph("POST", "/applications", body)
    claims = {"identifierUris": [f"api://{api['appId']}"], "optionalClaims": {"accessToken": [{"name": "idtyp"}]}}
    graph("PATCH", f"/applications/{api['id']}", claims)
    required = {"appId": api["appId"], "appRoleAssignmentRequired": True}
    api_principal = graph("POST", "/servicePrincipals", required)["id"]
    client = graph("POST", "/applications", {"displayName": "nightly-report"})
    client_principal = graph("POST", "/servicePrincipals", {"appId": client["appId"]})["id"]
    trust = {"name": "cluster", "issuer": endpoints.cluster_issuer, "subject": SUBJECT, "audiences": [AUDIENCE]}
    graph("POST", f"/applications/{client['id']}/federatedIdentityCredentials", trust)
    grant = {"principalId": client_principal, "resourceId": api_principal, "appRoleId": role["id"]}
    assignment = graph("POST", f"/servicePrincipals/{api_principal}/appRoleAssignedTo", grant)
    return Tenant(sandbox, api, api_principal, client, client_principal, assignment, token)


def test_msal_with_a_federated_assertion_gets_a_v2_token(tenant: Tenant) -> None:
    client = tenant.msal({"client_assertion": tenant.assertion})
    answer = client.acquire_token_for_client([f"api://{tenant.api['appId']}/.default"])
    assert answer["token_type"] == "Bearer", answer
    claims = tenant.verified(answer["access_token"], tenant.api["appId"])
    assert claims["azp"] == tenant.client["appId"]
    assert claims["azpacr"] == "2"
    assert claims["oid"] == claims["sub"] == tenant.client_principal
    assert claims["tid"] == tenant.sandbox.endpoints.tenant_id
    assert (claims["ver"], claims["idtyp"], claims["roles"]) == ("2.0", "app", ["reports.read"])
    assert 3600 <= claims["exp"] - claims["iat"] <= 5400


def test_msal_with_a_secret_and_the_end_of_the_secret(tenant: Tenant) -> None:
    path = f"/applications/{tenant.client['id']}"
    made = tenant.graph("POST", f"{path}/addPassword", {"passwordCredential": {"displayName": "a"}})
    scope = [f"{tenant.api['appId']}/.default"]
    answer = tenant.msal(made["secretText"]).acquire_token_for_client(scope)
    assert tenant.verified(answer["access_token"], tenant.api["appId"])["azpacr"] == "1"
    tenant.graph("POST", f"{path}/removePassword", {"keyId": made["keyId"]})
    refused = tenant.msal(made["secretText"]).acquire_token_for_client(scope)
    assert refused["error_codes"] == [7000215]
    assert made["secretText"] not in str(refused)


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_msal_with_a_certificate(tenant: Tenant, digest: str) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nightly-report")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(start).not_valid_after(start.replace(year=2040))
    certificate = builder.sign(key, hashes.SHA256())
    der = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
    credential = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": der}
    path = f"/applications/{tenant.client['id']}"
    tenant.graph("PATCH", path, {"keyCredentials": [credential]})
    assert [one["key"] for one in tenant.graph("GET", path)["keyCredentials"]] == [None]
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = certificate.public_bytes(serialization.Encoding.PEM).decode()
    proof: dict[str, str] = {"private_key": pem}
    if digest == "sha1":
        proof["thumbprint"] = certificate.fingerprint(hashes.SHA1()).hex()
    else:
        proof["public_certificate"] = public
    scope = [f"{tenant.api['appId']}/.default"]
    answer = tenant.msal(proof).acquire_token_for_client(scope)
    assert tenant.verified(answer["access_token"], tenant.api["appId"])["azpacr"] == "2"
    tenant.graph("PATCH", path, {"keyCredentials": []})
    assert tenant.msal(proof).acquire_token_for_client(scope)["error_codes"] == [700027]


def test_v1_token_for_a_resource_that_asks_for_no_version(tenant: Tenant) -> None:
    resource = tenant.graph("POST", "/applications", {"displayName": "old"})
    uri = f"api://{resource['appId']}"
    tenant.graph("PATCH", f"/applications/{resource['id']}", {"identifierUris": [uri]})
    tenant.graph("POST", "/servicePrincipals", {"appId": resource["appId"]})
    claims = tenant.verified(tenant.ask(scope=f"{uri}/.default").json()["access_token"], uri, version="")
    assert claims["iss"].endswith(f"/{tenant.sandbox.endpoints.tenant_id}/")
    assert (claims["ver"], claims["appid"], claims["appidacr"]) == ("1.0", tenant.client["appId"], "2")
    assert "roles" not in claims
    tenant.graph("DELETE", f"/applications/{resource['id']}")


def forged(tenant: Tenant, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """The cluster's claims under a key that the cluster does not publish."""
    claims = jwt.decode(tenant.assertion(), options={"verify_signature": False}) | changes
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(claims, key, algorithm="RS256", headers=header or {"kid": "unknown"})


def published_key_id(tenant: Tenant) -> str:
    kid: str = jwt.get_unverified_header(tenant.assertion())["kid"]
    return kid


REFUSALS = [
    pytest.param(lambda t: {"client_assertion": t.assertion(name="other")}, 700213, "invalid_client", id="subject"),
    pytest.param(
        lambda t: {"client_assertion": t.assertion(audience="api://x")}, 700212, "invalid_client", id="audience"
    ),
    pytest.param(lambda t: {"client_assertion": forged(t, iss="https://x")}, 700211, "invalid_client", id="issuer"),
    pytest.param(lambda t: {"client_assertion": forged(t, sub=SUBJECT.upper())}, 7002138, "invalid_client", id="case"),
    pytest.param(lambda t: {"client_assertion": forged(t)}, 7000272, "invalid_client", id="unknown key"),
    pytest.param(
        lambda t: {"client_assertion": forged(t, {"kid": published_key_id(t)})},
        700027,
        "invalid_client",
        id="signature",
    ),
    pytest.param(
        lambda t: {
            "client_assertion": jwt.encode(
                {"iss": t.sandbox.endpoints.cluster_issuer, "sub": SUBJECT, "aud": AUDIENCE, "exp": 4102444800},
                "k" * 32,
            )
        },
        700027,
        "invalid_client",
        id="HS256",
    ),
    pytest.param(
        lambda t: {
            "client_assertion": jwt.encode(
                {"iss": t.sandbox.endpoints.cluster_issuer, "sub": SUBJECT, "aud": AUDIENCE, "exp": 4102444800},
                "",
                algorithm="none",
            )
        },
        700027,
        "invalid_client",
        id="no algorithm",
    ),
    pytest.param(lambda _: {"client_assertion": "x.y.z"}, 50027, "invalid_request", id="no JWT"),
    pytest.param(lambda _: {"client_secret": "wrong"}, 7000215, "invalid_client", id="secret"),
    pytest.param(lambda _: {"client_assertion": None}, 7000216, "invalid_client", id="no proof"),
    pytest.param(lambda _: {"client_id": str(uuid.UUID(int=1))}, 700016, "unauthorized_client", id="client"),
    pytest.param(lambda _: {"client_id": None}, 900144, "invalid_request", id="no client"),
    pytest.param(lambda _: {"scope": "api://unknown/.default"}, 500011, "invalid_resource", id="resource"),
    pytest.param(lambda _: {"scope": "api://unknown/read"}, 1002012, "invalid_scope", id="scope"),
    pytest.param(lambda _: {"scope": None}, 900144, "invalid_request", id="no scope"),
    pytest.param(lambda _: {"grant_type": "password"}, 70003, "unsupported_grant_type", id="grant"),
    pytest.param(lambda _: {"tenant": str(uuid.UUID(int=2))}, 90002, "invalid_request", id="tenant"),
]


@pytest.mark.parametrize(("change", "code", "error"), REFUSALS)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_refusals_in_entras_shape(tenant: Tenant, change: Any, code: int, error: str) -> None:
    answer = tenant.ask(**change(tenant))
    body = answer.json()
    assert (body["error_codes"], body["error"]) == ([code], error), body
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert set(body) == {
        "error",
        "error_description",
        "error_codes",
        "timestamp",
        "trace_id",
        "correlation_id",
        "error_uri",
    }
    assert answer.status_code == (401 if error == "invalid_client" else 400)


def test_an_assertion_out_of_its_time_is_refused(tenant: Tenant) -> None:
    assertion = tenant.assertion()
    for offset in (600 + 360, -360):  # five minutes of leeway, and one for the seconds of this test
        tenant.sandbox.clock.offset_seconds = offset
        try:
            assert tenant.ask(client_assertion=assertion).json()["error_codes"] == [700024]
        finally:
            tenant.sandbox.clock.offset_seconds = 0
    assert tenant.ask(client_assertion=assertion).status_code == 200


def test_an_expired_secret_is_refused_as_expired(tenant: Tenant) -> None:
    path = f"/applications/{tenant.client['id']}"
    end = {"startDateTime": "2020-01-01T00:00:00Z", "endDateTime": "2021-01-01T00:00:00Z"}
    made = tenant.graph("POST", f"{path}/addPassword", {"passwordCredential": end})
    assert tenant.ask(client_secret=made["secretText"]).json()["error_codes"] == [7000222]
    tenant.graph("POST", f"{path}/removePassword", {"keyId": made["keyId"]})


def test_without_assignment_the_resource_is_closed(tenant: Tenant) -> None:
    path = f"/servicePrincipals/{tenant.api_principal}/appRoleAssignedTo"
    tenant.graph("DELETE", f"{path}/{tenant.assignment['id']}")
    body = tenant.ask().json()
    assert (body["error_codes"], body["error"]) == ([501051], "invalid_grant")
    names = ("principalId", "resourceId", "appRoleId")
    tenant.graph("POST", path, {name: tenant.assignment[name] for name in names})
    assert tenant.ask().status_code == 200


def test_disabled_and_missing_principals(tenant: Tenant) -> None:
    client, resource = (f"/servicePrincipals/{id}" for id in (tenant.client_principal, tenant.api_principal))
    for path, code in ((client, 7000112), (resource, 500014)):
        tenant.graph("PATCH", path, {"accountEnabled": False})
        assert tenant.ask().json()["error_codes"] == [code]
        tenant.graph("PATCH", path, {"accountEnabled": True})
    made = tenant.graph("POST", "/applications", {"displayName": "without principal"})
    secret = tenant.graph("POST", f"/applications/{made['id']}/addPassword", {})["secretText"]
    assert tenant.ask(client_id=made["appId"], client_secret=secret).json()["error_codes"] == [7000229]
    assert tenant.ask(client_id=made["appId"]).json()["error_codes"] == [70025]
    tenant.graph("DELETE", f"/applications/{made['id']}")


def test_an_issuer_that_cannot_be_reached_is_said_so(tenant: Tenant) -> None:
    path = f"/applications/{tenant.client['id']}/federatedIdentityCredentials"
    # port 1 is never listened on
    trust = {"name": "dead", "issuer": "https://127.0.0.1:1", "subject": SUBJECT, "audiences": [AUDIENCE]}
    made = tenant.graph("POST", path, trust)
    body = tenant.ask(client_assertion=forged(tenant, iss="https://127.0.0.1:1")).json()
    assert (body["error_codes"], body["error"]) == ([50166], "invalid_request")
    tenant.graph("DELETE", f"{path}/{made['id']}")


def test_everything_outlives_a_restart(tenant: Tenant) -> None:
    before = tenant.ask().json()["access_token"]
    tenant.sandbox.restart()
    claims = tenant.verified(before, tenant.api["appId"])
    assert claims["sub"] == tenant.client_principal
    assert tenant.ask().status_code == 200


def test_instance_discovery_points_at_the_tenant(tenant: Tenant) -> None:
    endpoints = tenant.sandbox.endpoints
    answer = tenant.sandbox.http.get(f"{endpoints.entra_authority}/common/discovery/instance").json()
    configuration = tenant.sandbox.http.get(answer["tenant_discovery_endpoint"]).json()
    assert configuration["token_endpoint"] == f"{endpoints.entra_authority}/{endpoints.tenant_id}/oauth2/v2.0/token"


WORDS = st.sampled_from(["https://a", "https://a/", "https://A", "system:a", "system:A", "system:a ", "api://x", "x"])


@given(issuer=WORDS, subject=WORDS, audience=WORDS, other=st.tuples(WORDS, WORDS, WORDS))
def test_a_credential_matches_exactly_its_own_three_values(
    issuer: str, subject: str, audience: str, other: tuple[str, str, str]
) -> None:
    credentials = [{"issuer": issuer, "subject": subject, "audiences": [audience]}]
    presented = {"iss": other[0], "sub": other[1], "aud": [other[2]]}
    if other == (issuer, subject, audience):
        match(presented, credentials, client="c", name="n")
    else:
        with pytest.raises(EntraError):
            match(presented, credentials, client="c", name="n")
