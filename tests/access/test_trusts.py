"""Proves whom Databricks, Entra and the gateway trust for a model: exactly, and for nobody else."""

from typing import Any

import pytest
import yaml
from support.wide import WIDE, changed, text

from lakelatch.access.model import AccessModel
from lakelatch.access.trusts import (
    Trust,
    account_trusts,
    gateway_audience,
    platform_trust,
    principal_trust,
    workload_trust,
)

ACCOUNT = "0d26daa6-5e44-4c97-a497-ef015f91254a"
MODEL = AccessModel.read(WIDE)


def test_a_service_via_the_gateway_is_the_gateways_subject() -> None:
    for service in MODEL.gateway_services():
        assert principal_trust(MODEL, service) == (
            "lakelatch-gateway",
            Trust("https://databricks.example.com", (ACCOUNT,), service),
        )


def test_a_direct_service_is_its_own_issuers_subject() -> None:
    token_address = "https://adb-4029384756102939.19.azuredatabricks.net/oidc/v1/token"
    subject = "repo:acme/etl:environment:production"
    expected = Trust("https://token.actions.githubusercontent.com", (ACCOUNT, token_address), subject)
    assert principal_trust(MODEL, "etl-deploy") == ("lakelatch-workload", expected)
    assert list(expected.audiences) == sorted(expected.audiences)


def test_a_service_never_goes_round_the_gateway() -> None:
    """Its principal trusts nobody but the gateway, whatever its own token looks like."""
    own = workload_trust(MODEL, "exporter")
    assert own == Trust("https://acme.okta.com/oauth2/aus1", ("api://databricks",), "0oa1")
    assert principal_trust(MODEL, "exporter")[1].issuer != own.issuer


def test_entra_takes_the_platforms_token() -> None:
    expected = Trust(
        "https://oidc.example.com/cluster/",
        ("api://AzureADTokenExchange",),
        "system:serviceaccount:reports:nightly-report",
    )
    assert platform_trust(MODEL, "nightly-report") == expected
    assert platform_trust(MODEL, "exporter") is None


def test_what_entra_makes_is_known_only_after_creation() -> None:
    tenant = "https://login.microsoftonline.com/7f3b6c1e-9a42-4b8e-8d55-2c9e1f0a6b37/v2.0"
    assert workload_trust(MODEL, "nightly-report") == Trust(tenant, (), None)


def test_people_are_trusted_by_their_issuer_for_every_user() -> None:
    tenant = "https://login.microsoftonline.com/7f3b6c1e-9a42-4b8e-8d55-2c9e1f0a6b37/v2.0"
    audience = "6a1f0c3e-5b7d-4e92-8c41-d0e9f8a7b6c5"
    assert list(account_trusts(MODEL)) == [("entra", Trust(tenant, (audience,), None, "upn"))]


@pytest.mark.parametrize(
    ("issuer", "audience"),
    [
        pytest.param({"type": "github"}, "https://databricks.example.com/oidc/v1/token", id="what the SDKs ask for"),
        pytest.param({"type": "github", "audience": "mine"}, "mine", id="what the issuer says"),
        pytest.param(
            {"type": "azure-devops", "organization_id": ACCOUNT}, "api://AzureADTokenExchange", id="no choice"
        ),
        pytest.param({"type": "circleci", "organization_id": ACCOUNT}, ACCOUNT, id="the organisation"),
        pytest.param({"type": "entra", "tenant": ACCOUNT}, None, id="known after creation"),
        pytest.param({"type": "entra", "tenant": ACCOUNT, "audience": "mine"}, "mine", id="Entra with an audience"),
    ],
)
def test_the_audience_of_tokens_for_the_gateway(issuer: dict[str, Any], audience: str | None) -> None:
    model = AccessModel.read(changed("issuers", "other", to=issuer))
    assert gateway_audience(model, model.issuers["other"]) == audience


@pytest.mark.parametrize(
    ("keys", "jwks_uri", "jwks_json"),
    [
        pytest.param({}, None, None, id="discovery"),
        pytest.param({"jwks_uri": "https://keys.example.com/"}, "https://keys.example.com/", None, id="address"),
        pytest.param({"jwks_json": '{"keys": [{"kty": "EC", "crv": "P-256"}]}'}, None, True, id="inline"),
    ],
)
def test_keys_are_found_as_the_issuer_says(keys: dict[str, str], jwks_uri: str | None, jwks_json: Any) -> None:
    data = yaml.safe_load(WIDE)
    data["issuers"]["partner"] = {"type": "oidc", "url": "https://idp.example.com", **keys}
    data["services"]["etl-deploy"] |= {"issuer": "partner", "workload": {"subject": "feed"}}
    _, trust = principal_trust(AccessModel.read(text(data)), "etl-deploy")
    assert trust.jwks_uri == jwks_uri
    assert (trust.jwks_json is not None) is bool(jwks_json)


@pytest.mark.parametrize(
    ("account", "workspace", "stack", "owns_account", "owns_workspace"),
    [
        pytest.param(None, None, "any", True, True, id="one stack"),
        pytest.param("main", None, "main", True, True, id="the owner"),
        pytest.param("main", None, "other", False, False, id="not the owner"),
        pytest.param("main", "other", "other", False, True, id="the workspace's owner"),
        pytest.param("main", "other", "main", True, False, id="not the workspace's owner"),
    ],
)
def test_every_object_has_one_owner(
    account: str | None, workspace: str | None, stack: str, owns_account: bool, owns_workspace: bool
) -> None:
    data = yaml.safe_load(WIDE)
    data["account"]["stack"], data["workspaces"]["science"]["stack"] = account, workspace
    model = AccessModel.read(text(data))
    assert (model.owns_account(stack), model.owns_workspace("science", stack)) == (owns_account, owns_workspace)
