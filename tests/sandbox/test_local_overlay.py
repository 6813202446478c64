"""Proves that the local stack has a double for every kind of issuer: its trusts, to the letter, with real keys."""

from typing import Any

import jwt
import pytest

from lakelatch.access.document import merge
from lakelatch.access.model import AccessModel
from lakelatch.access.trusts import workload_trust
from lakelatch_sandbox.local import client, overlay

ID = "1d4f2b8a-90c3-4e57-b6a1-7f8e9d0c1b2a"
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "github": ({}, {"repository": "acme/etl", "environment": "production"}),
    "github, a reusable workflow": (
        {},
        {"repository": "acme/etl", "reusable_workflow": "acme/etl/.github/workflows/a.yaml@refs/heads/main"},
    ),
    "gitlab": ({}, {"project": "acme/etl", "branch": "main"}),
    "azure-devops": ({"organization_id": ID}, {"organization": "acme", "project": "Data Platform", "pipeline": "etl"}),
    "kubernetes": ({"url": "https://oidc.example.com/"}, {"namespace": "etl", "service_account": "etl"}),
    "circleci": ({"organization_id": ID}, {"project_id": ID}),
    "auth0": ({"domain": "acme.eu.auth0.com", "audience": "databricks"}, {"client_id": "aB3"}),
    "okta": ({"url": "https://acme.okta.com/oauth2/aus1"}, {"client_id": "0oa1"}),
    "google": ({}, {"service_account_id": "104857600123456789012"}),
    "keycloak": ({"host": "https://login.acme.example", "realm": "platform"}, {"client_id": "etl"}),
    "aws": (
        {"url": f"https://{ID}.tokens.sts.global.api.aws"},
        {"role_arn": "arn:aws:iam::123456789012:role/etl"},
    ),
    "oidc": ({"url": "https://idp.example.com", "jwks_uri": "https://idp.example.com/keys"}, {"subject": "etl"}),
}


def model(name: str, endpoints: Any) -> AccessModel:
    issuer, workload = KINDS[name]
    kind = name.partition(",")[0]
    text = {
        "account": {"id": ID, "host": "https://accounts.example.com"},
        "workspaces": {"analytics": {"id": "1", "host": "https://adb-1.example.com"}},
        "issuers": {"ci": {"type": kind, **issuer}, "again": {"type": kind, **issuer}},
        "roles": {"one": {"actions": ["current_user.me"]}},
        "services": {
            "etl": {
                "issuer": "ci",
                "via": "direct",
                "workspace": "analytics",
                "roles": ["one"],
                "workload": workload,
            }
        },
    }
    first = AccessModel.model_validate(text)
    return AccessModel.read("{}", overlay=merge(text, overlay.overlay(first, endpoints, {})))


@pytest.mark.parametrize("name", KINDS)
def test_a_workloads_token_is_what_the_model_trusts(sandbox: Any, name: str) -> None:
    trust = workload_trust(model(name, sandbox.endpoints), "etl")
    token = client.workload_token(sandbox.endpoints, trust)
    configuration = sandbox.http.get(f"{trust.issuer.rstrip('/')}/.well-known/openid-configuration").json()
    assert configuration["issuer"] == trust.issuer
    keys = jwt.PyJWKSet.from_dict(sandbox.http.get(configuration["jwks_uri"]).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, ["RS256"], audience=trust.audiences[0], issuer=trust.issuer)
    assert claims[trust.subject_claim] == trust.subject


@pytest.mark.parametrize("name", KINDS)
def test_two_issuers_of_a_kind_are_two(sandbox: Any, name: str) -> None:
    found = model(name, sandbox.endpoints)
    assert found.issuers["ci"].issuer != found.issuers["again"].issuer


@pytest.mark.parametrize("version", [1, 2])
def test_entra_signs_as_the_model_says(sandbox: Any, version: int) -> None:
    text = {
        "account": {"id": ID, "host": "https://accounts.example.com"},
        "workspaces": {"analytics": {"id": "1", "host": "https://adb-1.example.com"}},
        "issuers": {"entra": {"type": "entra", "tenant": ID, "token_version": version}},
        "roles": {"one": {"actions": ["current_user.me"]}},
    }
    there = overlay.overlay(AccessModel.model_validate(text), sandbox.endpoints, {})
    issuer = AccessModel.read("{}", overlay=merge(text, there)).issuers["entra"].issuer
    answer = sandbox.http.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    assert answer.json()["issuer"] == issuer
