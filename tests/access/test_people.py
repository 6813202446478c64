"""People of a model: who gets what at the gateway, the same before and at a deployment, and what does not hold."""

from typing import Any

import pytest
import yaml

from lakelatch.access.decisions import Request, decide
from lakelatch.access.model import AccessModel
from lakelatch.access.model_policy import policy_of
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.resolve import gateway_config
from lakelatch.errors import ModelError

ISSUER = "https://login.example.com"
ME = "/api/2.0/preview/scim/v2/Me"

MODEL: dict[str, Any] = {
    "account": {"id": "12345678-1234-1234-1234-123456789abc", "host": "https://accounts.example.com"},
    "workspaces": {"main": {"id": "17", "host": "https://main.example.com"}},
    "issuers": {
        "staff": {"type": "oidc", "url": ISSUER, "users": {"audience": "databricks-people", "subject_claim": "upn"}}
    },
    "roles": {"reader": {"actions": ["current_user.me"], "group": {"create": "readers"}}},
    "people": {
        "analysts": {
            "issuer": "staff",
            "identity_provider_group": "group-1",
            "group": {"create": "analysts"},
            "roles": ["reader"],
        }
    },
    "gateway": {"host": "https://gateway.example.com", "workspace": "main", "signing_key_file": "key.pem"},
}


def model(**changes: Any) -> AccessModel:
    """The model, with members of its people and of its issuer's users changed."""
    data = yaml.safe_load(yaml.safe_dump(MODEL))
    for name, value in changes.items():
        place = (
            data["issuers"]["staff"]["users"]
            if name in ("subject_claim", "groups_claim")
            else data["people"]["analysts"]
        )
        place[name] = value
    return AccessModel.read(yaml.safe_dump(data))


@pytest.mark.parametrize(
    ("changes", "claims", "rule"),
    [
        pytest.param({}, {"groups": ["other", "group-1"]}, "role:reader", id="in the group"),
        pytest.param({}, {"groups": "group-1"}, "role:reader", id="one group as a text"),
        pytest.param({}, {"groups": ["Group-1"]}, "no-group", id="compared to the letter"),
        pytest.param({}, {}, "no-group", id="no claim"),
        pytest.param(
            {"groups_claim": "https://x/groups"}, {"https://x/groups": ["group-1"]}, "role:reader", id="claim"
        ),
        pytest.param({"assurance": "mfa"}, {"groups": ["group-1"]}, "unknown-identity", id="assurance is not proven"),
    ],
)
def test_model_and_delivered_configuration_decide_alike(changes: Any, claims: Any, rule: str) -> None:
    made = model(**changes)
    assert made.gateway is not None
    delivered = GatewayConfig.parse(gateway_config(made, made.gateway, audience=None, identities={}))
    request = Request("GET", ME, ISSUER, "id-1", claims, user="alice")
    decided = [decide(policy, request) for policy in (policy_of(made), delivered.policy)]
    assert [(one.rule, one.service) for one in decided] == [(rule, None)] * 2


def test_a_claim_with_dots_is_no_user_name() -> None:
    with pytest.raises(ModelError, match="whose dots the gateway would read"):
        model(subject_claim="name.first")
