"""Proves the refusals, end to end, each with the reason a person needs.

Tokens come from the sandbox's Entra where a real signature matters; forged ones are made here.
"""

import dataclasses
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from support.project import Project

from lakelatch.access.trusts import Trust, platform_trust
from lakelatch_sandbox.errors import SandboxError
from lakelatch_sandbox.local import client

pytestmark = pytest.mark.line

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = "urn:ietf:params:oauth:token-type:jwt"


@pytest.fixture(scope="module")
def token(project: Project) -> str:
    """A good token of nightly-report."""
    return project.stack.token("nightly-report")


def of_the_platform(project: Project) -> Trust:
    """The service-account token that nightly-report shows to Entra."""
    trust = platform_trust(project.stack.model(), "nightly-report")
    assert trust is not None
    return trust


def forged(good: str, algorithm: str, key: Any) -> str:
    """The same claims, signed by somebody else."""
    claims = jwt.decode(good, options={"verify_signature": False})
    kid = jwt.get_unverified_header(good)["kid"]
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


def unknown_key(good: str) -> str:
    """Signed properly, by a key that the issuer never published."""
    claims = jwt.decode(good, options={"verify_signature": False})
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": "of-somebody-else"})


def tampered(good: str) -> str:
    """One letter in the middle of the signature is another one: still a token, and not a true one."""
    place = (good.rindex(".") + len(good)) // 2
    return good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]


FORGERIES: dict[str, Callable[[str], str]] = {
    "HS256": lambda good: forged(good, "HS256", "a-shared-secret-of-32-characters"),
    "none": lambda good: forged(good, "none", None),
    "ES384": lambda good: forged(good, "ES384", ec.generate_private_key(ec.SECP384R1())),
    "RS256 by another key": lambda good: forged(
        good, "RS256", rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ),
    "unknown key": unknown_key,
    "tampered": lambda good: tampered(good),
    "not a token": lambda _: "not-a-token",
}

UNKNOWN, UNVERIFIED, NO_TOKEN = "no published key of the issuer fits", "signature does not verify", "JSON Web Token"
REASONS: dict[str, tuple[str, str, str]] = {
    "HS256": (UNKNOWN, "whoever can verify it can also sign it", "only RS256 and ES256"),
    "none": (NO_TOKEN, "it is no signature at all", "only RS256 and ES256"),
    "ES384": (UNKNOWN, "RS256 and ES256 only", "only RS256 and ES256"),
    "RS256 by another key": (UNVERIFIED, UNVERIFIED, "issuer is"),
    "unknown key": (UNKNOWN, "publishes no key that fits the token's kid", "issuer is"),
    "tampered": (UNVERIFIED, UNVERIFIED, "issuer is"),
    "not a token": (NO_TOKEN, NO_TOKEN, "not a JWT"),
}
"""What is said by the gateway, by its token endpoint, and by the workspace, which does not trust this issuer at all."""


def refusals(column: int) -> pytest.MarkDecorator:
    """Every forgery with the reason that one of the three gives."""
    rows = [pytest.param(forge, REASONS[name][column], id=name) for name, forge in FORGERIES.items()]
    return pytest.mark.parametrize(("forge", "says"), rows)


@refusals(0)
def test_the_gateway_refuses_a_forged_token(
    forge: Callable[[str], str], says: str, project: Project, token: str
) -> None:
    assert project.ask(token).status_code == 200  # the same request with the good token passes
    answer = project.ask(forge(token))
    assert answer.status_code == 401
    assert answer.json()["error_code"] == "UNAUTHENTICATED"
    assert says in answer.json()["message"]


@refusals(1)
def test_its_token_endpoint_refuses_a_forged_token(
    forge: Callable[[str], str], says: str, project: Project, token: str
) -> None:
    answer = exchanged(project, project.gateway, forge(token))
    assert answer.status_code in (400, 401)
    assert says in answer.json()["error_description"]


@refusals(2)
def test_the_workspace_refuses_a_forged_token(
    forge: Callable[[str], str], says: str, project: Project, token: str
) -> None:
    answer = exchanged(project, project.endpoints.workspace_host, forge(token), project.service["application_id"])
    assert answer.status_code in (400, 401)
    assert says in answer.json()["error_description"]


def exchanged(project: Project, host: str, token: str, client_id: str | None = None) -> httpx.Response:
    """A token exchange (RFC 8693) at a host."""
    form = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": JWT, "scope": "all-apis"}
    if client_id is not None:
        form["client_id"] = client_id
    return httpx.post(f"{host}/oidc/v1/token", data=form, verify=project.trust)


def test_no_token(project: Project) -> None:
    assert project.ask(None).status_code == 401


def test_an_expired_token(project: Project) -> None:
    project.shift_clock(-7200)
    try:
        old = project.stack.token("nightly-report")
    finally:
        project.shift_clock(0)
    answer = project.ask(old)
    assert answer.status_code == 401
    assert "expired" in answer.json()["message"]
    assert "expired" in exchanged(project, project.gateway, old).json()["error_description"]


def test_a_token_that_is_not_valid_yet(project: Project) -> None:
    project.shift_clock(7200)
    try:
        early = project.stack.token("nightly-report")
    finally:
        project.shift_clock(0)
    answer = project.ask(early)
    assert answer.status_code == 401
    assert "not valid yet" in answer.json()["message"]
    assert "not valid yet" in exchanged(project, project.gateway, early).json()["error_description"]


def test_a_token_for_another_audience(project: Project) -> None:
    """The service's own token for another application: right issuer, right subject, wrong audience."""
    made = project.graph("POST", "/applications", {"displayName": "other", "api": {"requestedAccessTokenVersion": 2}})
    project.graph("POST", "/servicePrincipals", {"appId": made["appId"]})
    here = project.endpoints
    platform = client.workload_token(here, of_the_platform(project))
    other = client.entra_token(here, project.service["client_id"], f"{made['appId']}/.default", platform)
    answer = project.ask(other)
    assert answer.status_code in (401, 403)
    assert "audience" in answer.json()["message"]


def test_another_workload_cannot_become_the_service(project: Project) -> None:
    """Another service account's token: Entra's federated credential names one subject, to the letter."""
    trust = of_the_platform(project)
    other = dataclasses.replace(trust, subject=f"{trust.subject}-2")
    platform = client.workload_token(project.endpoints, other)
    with pytest.raises(SandboxError, match="AADSTS7002"):
        client.entra_token(project.endpoints, project.service["client_id"], project.stack.gateway_scope, platform)


@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        pytest.param("POST", "/api/2.0/sql/warehouses/abc/stop", "warehouses.stop", id="an action outside its role"),
        pytest.param("GET", "/api/2.1/no-such/thing", "not an action", id="a path that the catalogue does not know"),
        pytest.param("DELETE", "/api/2.0/sql/statements", "not an action", id="a known path with another method"),
    ],
)
def test_what_the_role_does_not_let_through(method: str, path: str, says: str, project: Project, token: str) -> None:
    answer = project.ask(token, path, method)
    assert answer.status_code == 403
    assert answer.json()["error_code"] == "PERMISSION_DENIED"
    assert says in answer.json()["message"]


def test_a_drivers_second_exchange_gets_the_same_token_back(project: Project, token: str) -> None:
    answer = exchanged(project, project.gateway, token)
    assert answer.status_code == 200
    assert answer.json()["access_token"] == token
    assert 0 < answer.json()["expires_in"] <= 3600 * 2


def test_without_its_policy_the_service_is_told_why_and_the_next_up_mends_it(project: Project, token: str) -> None:
    """Last: somebody deletes the trust. A gateway that must ask Databricks anew is refused, and says so."""
    account = project.account()
    principal = next(account.service_principals.list(filter='displayName eq "nightly-report"'))
    assert principal.id is not None
    account.service_principal_federation_policy.delete(int(principal.id), "lakelatch-gateway")
    stack = project.stack
    stack.gateway.stop()
    stack.start_gateway(project.endpoints)
    answer = project.ask(token)
    assert answer.status_code == 403
    assert "federation policy" in answer.json()["message"]
    project.pulumi("up", "--yes", "--skip-preview", "--refresh")
    deadline = time.monotonic() + 120
    while (answer := project.ask(token)).status_code != 200:
        assert time.monotonic() < deadline, json.dumps(answer.json())
        time.sleep(0.2)
