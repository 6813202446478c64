"""How a client proves itself beyond a secret: certificates in each form, federated credentials with expressions, and
what it says it can handle. By msal where it can."""

import base64
import datetime
import time
import uuid
from typing import Any

import jwt
import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from support.tenant import Tenant

AUDIENCE = "api://AzureADTokenExchange"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Certificate:
    """A key with a self-signed certificate."""

    def __init__(self, begin: int = 2020, end: int = 2040, key: Any = None) -> None:
        self.key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client")])
        start = datetime.datetime(begin, 1, 1, tzinfo=datetime.UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
        builder = builder.serial_number(7).not_valid_before(start).not_valid_after(start.replace(year=end))
        self.certificate = builder.sign(self.key, hashes.SHA256())

    @property
    def credential(self) -> dict[str, Any]:
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.b64encode(der).decode()}

    @property
    def thumbprint(self) -> str:
        raw = self.certificate.fingerprint(hashes.SHA256())
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def msal(self) -> dict[str, str]:
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = self.certificate.public_bytes(serialization.Encoding.PEM)
        return {"private_key": pem.decode(), "public_certificate": public.decode()}


class Client:
    """A client of one API, and how it asks for tokens."""

    def __init__(self, sandbox: Any) -> None:
        self.tenant = Tenant(sandbox)
        claims = [{"name": "xms_cc"}, {"name": "idtyp"}]
        self.api, _ = self.tenant.application(
            "api", api={"requestedAccessTokenVersion": 2}, optionalClaims={"accessToken": claims}
        )
        self.application, self.principal = self.tenant.application("client")
        self.path = f"/applications/{self.application['id']}"

    @property
    def authority(self) -> str:
        return f"{self.tenant.endpoints.entra_authority}/{self.tenant.endpoints.tenant_id}"

    def msal(self, credential: Any, **options: Any) -> Any:
        session = requests.Session()
        session.verify = self.tenant.endpoints.ca_file
        session.trust_env = False
        application = msal.ConfidentialClientApplication(
            self.application["appId"],
            client_credential=credential,
            authority=self.authority,
            instance_discovery=False,
            http_client=session,
            **options,
        )
        return application.acquire_token_for_client([f"{self.api['appId']}/.default"])

    def assertion(self, certificate: Certificate, algorithm: str = "PS256", **changes: Any) -> str:
        now, client = int(time.time()), self.application["appId"]
        claims = {"iss": client, "sub": client, "aud": f"{self.authority}/oauth2/v2.0/token", "jti": str(uuid.uuid4())}
        claims |= {"nbf": now, "exp": now + 600, **changes}
        return jwt.encode(claims, certificate.key, algorithm=algorithm, headers={"x5t#S256": certificate.thumbprint})

    def ask(self, assertion: str, **changes: str) -> Any:
        form = {
            "client_id": self.application["appId"],
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            "scope": f"{self.api['appId']}/.default",
        }
        return self.tenant.token(**{**form, **changes})

    def issuer_token(self, **order: Any) -> str:
        answer = self.tenant.control("POST", "/issuers/tokens", order)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])


@pytest.fixture(scope="module")
def client(sandbox: Any) -> Client:
    return Client(sandbox)


def claims_of(answer: Any) -> dict[str, Any]:
    return jwt.decode(answer["access_token"], options={"verify_signature": False})


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_own_assertions_by_their_sha256_thumbprint(client: Client, algorithm: str) -> None:
    certificate = Certificate()
    client.tenant.ok("PATCH", client.path, {"keyCredentials": [certificate.credential]})
    answer = client.ask(client.assertion(certificate, algorithm))
    assert claims_of(answer.json())["azpacr"] == "2"


def test_msal_signs_with_ps256_and_a_certificate(client: Client) -> None:
    certificate = Certificate()
    client.tenant.ok("PATCH", client.path, {"keyCredentials": [certificate.credential]})
    assert claims_of(client.msal(certificate.msal()))["azp"] == client.application["appId"]


def test_a_certificate_on_the_service_principal(client: Client) -> None:
    certificate = Certificate()
    client.tenant.ok("PATCH", client.path, {"keyCredentials": []})
    path = f"/servicePrincipals/{client.principal['id']}"
    client.tenant.ok("PATCH", path, {"keyCredentials": [certificate.credential]})
    assert claims_of(client.msal(certificate.msal()))["azpacr"] == "2"
    (shown,) = client.tenant.ok("GET", path)["keyCredentials"]
    assert (shown["key"], shown["endDateTime"]) == (None, "2040-01-01T00:00:00Z")
    client.tenant.ok("PATCH", path, {"keyCredentials": []})


def test_an_assertion_may_come_again_while_it_lives(client: Client) -> None:
    """Entra keeps no list of assertions, and msal sends one until it expires."""
    certificate = Certificate()
    client.tenant.ok("PATCH", client.path, {"keyCredentials": [certificate.credential]})
    assertion = client.assertion(certificate)
    assert [client.ask(assertion).status_code for _ in range(2)] == [200, 200]
    client.tenant.sandbox.clock.offset_seconds = 1000
    try:
        assert client.ask(assertion).json()["error_codes"] == [700024]
    finally:
        client.tenant.sandbox.clock.offset_seconds = 0


@pytest.mark.parametrize(
    ("algorithm", "changes", "code"),
    [
        pytest.param("PS256", {"aud": "https://login.example.com"}, 700023, id="audience"),
        pytest.param("PS256", {"sub": "someone"}, 700021, id="subject"),
        pytest.param("RS384", {}, 700027, id="algorithm"),
        pytest.param("PS256", {"exp": 1}, 700024, id="expired"),
        pytest.param("PS256", {"nbf": 4102444800, "exp": 4102444900}, 700024, id="not yet valid"),
        pytest.param("PS256", {"exp": "soon"}, 50027, id="time is text"),
    ],
)
def test_own_assertions_that_are_refused(client: Client, algorithm: str, changes: Any, code: int) -> None:
    certificate = Certificate()
    client.tenant.ok("PATCH", client.path, {"keyCredentials": [certificate.credential]})
    assert client.ask(client.assertion(certificate, algorithm, **changes)).json()["error_codes"] == [code]


def test_another_algorithm_is_named_as_the_reason(client: Client) -> None:
    certificate = Certificate()
    client.tenant.ok("PATCH", client.path, {"keyCredentials": [certificate.credential]})
    body = client.ask(client.assertion(certificate, "RS384")).json()
    assert "The algorithm is not supported." in body["error_description"]


@pytest.mark.parametrize(
    ("registered", "used", "reason"),
    [
        pytest.param(Certificate(end=2021), None, "The key used is expired.", id="expired"),
        pytest.param(Certificate(), Certificate(), "The key was not found.", id="another"),
        pytest.param(None, Certificate(), "The key was not found.", id="none"),
    ],
)
def test_certificates_that_are_refused(
    client: Client, registered: Certificate | None, used: Certificate | None, reason: str
) -> None:
    credentials = [registered.credential] if registered else []
    client.tenant.ok("PATCH", client.path, {"keyCredentials": credentials})
    certificate = used or registered
    assert certificate is not None
    body = client.ask(client.assertion(certificate)).json()
    assert body["error_codes"] == [700027]
    assert reason in body["error_description"]
    assert certificate.thumbprint in body["error_description"]


def test_an_elliptic_key_is_no_certificate_for_entra(client: Client) -> None:
    certificate = Certificate(key=ec.generate_private_key(ec.SECP256R1()))
    client.tenant.ok("PATCH", client.path, {"keyCredentials": [certificate.credential]})
    assert client.ask(client.assertion(certificate, "ES256")).json()["error_codes"] == [700027]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"type": "AsymmetricX509Cert", "usage": "Verify", "key": "eA=="}, "KeyCredentialsInvalidKey"),
        ({"type": "Other", "usage": "Verify", "key": "eA=="}, "Request_BadRequest"),
        ({"type": "AsymmetricX509Cert", "usage": "Read", "key": "eA=="}, "Request_BadRequest"),
        ("x", "Request_BadRequest"),
    ],
    ids=["no certificate", "type", "usage", "text"],
)
def test_what_graph_does_not_keep_as_a_certificate(client: Client, body: Any, code: str) -> None:
    assert client.tenant.error("PATCH", client.path, {"keyCredentials": [body]})[:2] == (400, code)


SUBJECT = "repo:acme/etl:environment:production"


@pytest.fixture
def expressed(client: Client) -> Any:
    """A flexible credential that trusts the sandbox's GitHub for every environment of one repository."""
    path = f"/beta{client.path}/federatedIdentityCredentials"
    body = {
        "name": "flexible",
        "issuer": f"{client.tenant.endpoints.issuers_url}/github",
        "audiences": [AUDIENCE],
        "claimsMatchingExpression": {
            "value": "claims['sub'] matches 'repo:acme/etl:environment:*' "
            "and claims['job_workflow_ref'] eq 'acme/etl/.github/workflows/x.yml@refs/heads/main'",
            "languageVersion": 1,
        },
    }
    made = client.tenant.ok("POST", path, body)
    yield made
    client.tenant.ok("DELETE", f"{client.path}/federatedIdentityCredentials/{made['id']}")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({}, None, id="fits"),
        pytest.param({"sub": "repo:acme/other:environment:production"}, 700213, id="another repository"),
        pytest.param({"sub": SUBJECT.upper()}, 700213, id="another case"),
        pytest.param({"job_workflow_ref": "acme/etl/.github/workflows/y.yml@refs/heads/main"}, 700213, id="workflow"),
        pytest.param({"job_workflow_ref": None}, 700213, id="claim missing"),
        pytest.param({"aud": "api://other"}, 700212, id="audience"),
    ],
)
def test_an_expression_decides_over_the_claims(client: Client, expressed: Any, changes: Any, code: int | None) -> None:
    workflow = "acme/etl/.github/workflows/x.yml@refs/heads/main"
    claims = {"sub": SUBJECT, "aud": AUDIENCE, "job_workflow_ref": workflow, **changes}
    answer = client.ask(client.issuer_token(issuer="github", claims=claims))
    assert answer.json().get("error_codes") == (None if code is None else [code])


@pytest.mark.parametrize(
    ("algorithm", "code"), [("RS256", None), ("ES256", 700027), ("HS256", 700027), ("none", 700027)]
)
def test_federated_assertions_are_signed_with_rs256_alone(client: Client, algorithm: str, code: int | None) -> None:
    path = f"{client.path}/federatedIdentityCredentials"
    body = {"name": "gitlab", "issuer": f"{client.tenant.endpoints.issuers_url}/gitlab", "audiences": [AUDIENCE]}
    made = client.tenant.ok("POST", path, {**body, "subject": "project_path:acme/etl:ref_type:branch:ref:main"})
    claims = {"sub": "project_path:acme/etl:ref_type:branch:ref:main", "aud": AUDIENCE}
    answer = client.ask(client.issuer_token(issuer="gitlab", claims=claims, algorithm=algorithm))
    assert answer.json().get("error_codes") == (None if code is None else [code])
    client.tenant.ok("DELETE", f"{path}/{made['id']}")


def test_msal_tells_its_capabilities(client: Client) -> None:
    secret = client.tenant.ok("POST", f"{client.path}/addPassword", {})["secretText"]
    assert claims_of(client.msal(secret, client_capabilities=["CP1"]))["xms_cc"] == ["CP1"]
    assert "xms_cc" not in claims_of(client.msal(secret))


@pytest.mark.parametrize("claims", ["{", "[]", '{"access_token": []}', '{"access_token": {"xms_cc": 1}}'])
def test_a_claims_parameter_that_is_none(client: Client, claims: str) -> None:
    secret = client.tenant.ok("POST", f"{client.path}/addPassword", {})["secretText"]
    form = {"client_id": client.application["appId"], "client_secret": secret, "claims": claims}
    body = client.tenant.token(**form, scope=f"{client.api['appId']}/.default").json()
    assert (body.get("error_codes"), body.get("error")) == ([90023], "invalid_request")


def test_a_v1_audience_is_pinned_by_an_optional_claim(client: Client) -> None:
    resource, _ = client.tenant.application("old")
    uri, path = f"api://{resource['appId']}", f"/applications/{resource['id']}"
    client.tenant.ok("PATCH", path, {"identifierUris": [uri]})
    secret = client.tenant.ok("POST", f"{client.path}/addPassword", {})["secretText"]
    form = {"client_id": client.application["appId"], "client_secret": secret, "scope": f"{uri}/.default"}
    assert claims_of(client.tenant.token(**form).json())["aud"] == uri
    claim = {"name": "aud", "additionalProperties": ["use_guid"]}
    client.tenant.ok("PATCH", path, {"optionalClaims": {"accessToken": [claim]}})
    found = claims_of(client.tenant.token(**form).json())
    assert (found["aud"], "idtyp" in found) == (resource["appId"], False)


def test_a_refusal_carries_the_callers_correlation_id(client: Client) -> None:
    address = f"{client.authority}/oauth2/v2.0/token"
    id = str(uuid.uuid4())
    answer = client.tenant.http.post(address, data={}, headers={"client-request-id": id})
    body = answer.json()
    assert body["correlation_id"] == answer.headers["client-request-id"] == id
    assert body["trace_id"] == answer.headers["x-ms-request-id"]
    assert id in body["error_description"]
