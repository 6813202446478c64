"""Proves what an access model becomes: the resources, their names, and the gateway's configuration."""

from typing import Any

import pytest
import yaml
from support.builders import MODEL, build
from support.recorder import Deploy

from lakelatch.components.arguments import ArgumentError
from lakelatch.envoy.config import GatewayConfig


def model(**changed: Any) -> str:
    """The committed model with whole sections replaced."""
    return yaml.safe_dump({**yaml.safe_load(MODEL), **changed}, sort_keys=False)


def service(**changed: Any) -> dict[str, Any]:
    """The committed model's service, changed."""
    return {**yaml.safe_load(MODEL)["services"]["nightly-report"], **changed}


def access(deploy: Deploy, text: str = MODEL, **changed: Any) -> Any:
    return deploy(lambda: build("DatabricksAccess", name="all", model=text, **changed))


def test_one_service_end_to_end(deploy: Deploy) -> None:
    """The trust names the gateway alone, the gateway knows the service by its generated subject."""
    deployed = access(deploy)
    policy = deployed.one(":ServicePrincipalFederationPolicy").inputs
    assert policy["policyId"] == "lakelatch-gateway"
    assert policy["oidcPolicy"] == {
        "issuer": "https://databricks.example.com",
        "audiences": ["0d26daa6-5e44-4c97-a497-ef015f91254a"],
        "subject": "nightly-report",
        "subjectClaim": "sub",
    }
    config = deployed.one(":GatewayConfig").inputs["config"]
    assert config["services"]["nightly-report"]["subject"] == "object-all-nightly-report"
    assert config["services"]["nightly-report"]["application_id"] == "application-all-nightly-report"
    assert config["issuers"]["entra"]["audience"] == "client-all"
    assert config["issuer"]["url"] == policy["oidcPolicy"]["issuer"]


def test_what_it_delivers_is_a_configuration_that_the_gateway_takes(deploy: Deploy) -> None:
    config = GatewayConfig.parse(access(deploy).one(":GatewayConfig").inputs["config"])
    assert config.services["nightly-report"].roles["sql-reader"][0] == "current_user.me"


def test_resources_grow_with_the_services_and_keep_their_names(deploy: Deploy) -> None:
    second = service(workload={**service()["workload"], "service_account": "second"})
    text = model(services={"second": second, "nightly-report": service()})
    one, two = ({row.urn for row in access(deploy, given).resources} for given in (MODEL, text))
    assert one < two
    assert len(two - one) == 10


def test_a_grant_waits_for_its_role(deploy: Deploy) -> None:
    """The role's id is known beforehand, but Entra refuses a grant of a role that is not there yet."""
    assert "ApplicationAppRole all-Gateway.Call" in access(deploy).one(":AppRoleAssignment").waits_for


def test_a_service_may_have_any_name(deploy: Deploy) -> None:
    """Also that of a part of the stack: no two resources meet under one name."""
    rows = access(deploy, model(services={"gateway": service()})).resources
    assert len({(row.type, row.name) for row in rows}) == len(rows)


def test_no_secret_is_ever_made(deploy: Deploy) -> None:
    types = {row.type for row in access(deploy).resources}
    assert not [type for type in types if "Password" in type or "Certificate" in type or "Secret" in type]


def test_a_wrong_model_is_one_clear_refusal(deploy: Deploy) -> None:
    with pytest.raises(ArgumentError) as caught:
        access(deploy, "account: {}")
    assert {"account.id", "workspaces", "gateway"} <= {finding.path for finding in caught.value.findings}
