"""Proves that the widest trusts are refused where they would let strangers in, and the gateway where it could not tell
callers apart."""

from typing import Any

import pytest
import yaml
from support.wide import WIDE, changed, text

from lakelatch.access.account_rules import SHARED_ISSUERS
from lakelatch.access.gateway_rules import SERVICES_LIMIT
from lakelatch.access.model import AccessModel
from lakelatch.errors import ModelError

USERS = {"audience": "own", "subject_claim": "email"}
UUID = "5b7d3a0e-2c41-4f0c-8a55-d0e6f1b2c3a4"


def findings(model: str) -> dict[str, str]:
    """Path to what was found and what would be right."""
    with pytest.raises(ModelError) as caught:
        AccessModel.read(model)
    return {finding.path: f"{finding.found}; {finding.expected}" for finding in caught.value.findings}


@pytest.mark.parametrize(
    "issuer",
    [
        pytest.param({"type": "github"}, id="github"),
        pytest.param({"type": "gitlab", "url": "https://gitlab.acme.example"}, id="gitlab of one's own"),
        pytest.param({"type": "google"}, id="google"),
        pytest.param({"type": "azure-devops", "organization_id": UUID}, id="azure-devops"),
        pytest.param({"type": "circleci", "organization_id": UUID}, id="circleci"),
        pytest.param({"type": "kubernetes", "url": "https://k"}, id="kubernetes"),
        pytest.param({"type": "aws", "url": "https://a.tokens.sts.global.api.aws"}, id="aws"),
        *(pytest.param({"type": "oidc", "url": f"https://{host}/x"}, id=host) for host in SHARED_ISSUERS),
    ],
)
def test_strangers_never_become_users(issuer: dict[str, Any]) -> None:
    found = findings(changed("issuers", "wide", to={**issuer, "users": USERS}))
    assert list(found) == ["issuers.wide.users"]
    assert "of the account" in found["issuers.wide.users"]
    assert "one by one" in found["issuers.wide.users"]


@pytest.mark.parametrize(
    "issuer",
    [
        pytest.param({"type": "entra", "tenant": UUID}, id="entra"),
        pytest.param({"type": "okta", "url": "https://acme.okta.com/oauth2/a"}, id="okta"),
        pytest.param({"type": "auth0", "domain": "acme.eu.auth0.com"}, id="auth0"),
        pytest.param({"type": "keycloak", "host": "https://login.acme.example", "realm": "r"}, id="keycloak"),
        pytest.param({"type": "oidc", "url": "https://login.acme.example"}, id="oidc"),
    ],
)
def test_an_organisations_own_provider_may_sign_people_in(issuer: dict[str, Any]) -> None:
    AccessModel.read(changed("issuers", "own", to={**issuer, "users": USERS}))


def test_the_account_id_is_no_audience_for_people() -> None:
    account = yaml.safe_load(WIDE)["account"]["id"]
    found = findings(changed("issuers", "entra", "users", "audience", to=account))
    assert list(found) == ["issuers.entra.users.audience"]
    assert "an audience of your own" in found["issuers.entra.users.audience"]


@pytest.mark.parametrize(("count", "holds"), [(19, True), (20, False)], ids=["twenty", "one more"])
def test_an_account_has_at_most_twenty_policies(count: int, holds: bool) -> None:
    """One is there already."""
    data = yaml.safe_load(WIDE)
    data["issuers"] |= {
        f"p{number}": {"type": "oidc", "url": f"https://p{number}", "users": USERS} for number in range(count)
    }
    if holds:
        AccessModel.read(text(data))
    else:
        assert "`users` on 21 entries" in findings(text(data))["issuers"]


def services(count: int) -> str:
    """The wide model with that many services via the gateway."""
    data = yaml.safe_load(WIDE)
    exporter = data["services"].pop("exporter")
    data["services"] |= {
        f"s{number}": {**exporter, "workload": {"client_id": f"c{number}"}} for number in range(count - 1)
    }
    return text(data)


def test_one_gateway_serves_a_thousand_services() -> None:
    assert len(AccessModel.read(services(1000)).gateway_services()) == 1000


def test_one_gateway_serves_no_more_than_was_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SERVICES_LIMIT == 10_000
    monkeypatch.setattr("lakelatch.access.gateway_rules.SERVICES_LIMIT", 3)
    assert len(AccessModel.read(services(3)).gateway_services()) == 3
    assert findings(services(4)) == {
        "services": "has 4 services via the gateway; one gateway serves at most 3; let CI jobs go `via: direct`"
    }


def with_second(issuer: dict[str, Any], workload: dict[str, Any], **service: Any) -> str:
    """The wide model with one more issuer `second` and a service of it."""
    data = yaml.safe_load(WIDE)
    data["issuers"]["second"] = issuer
    data["services"]["other"] = {**data["services"]["exporter"], "issuer": "second", "workload": workload, **service}
    return text(data)


OKTA = {"type": "oidc", "url": "https://acme.okta.com/oauth2/aus1", "audience": "other"}


def test_the_gateway_trusts_one_issuer_per_address() -> None:
    """Databricks itself may: there the client names the principal."""
    found = findings(with_second(OKTA, {"subject": "x"}))
    assert "has the address of 'okta'" in found["issuers.second"]
    AccessModel.read(with_second(OKTA, {"subject": "x"}, via="direct"))


def test_the_gateway_is_no_issuer_of_its_own_callers() -> None:
    gateway = {"type": "oidc", "url": yaml.safe_load(WIDE)["gateway"]["host"], "audience": "a"}
    assert "is the gateway itself" in findings(with_second(gateway, {"subject": "x"}))["issuers.second"]


def test_the_gateway_knows_an_issuers_workloads_by_one_claim() -> None:
    data = yaml.safe_load(with_second({"type": "oidc", "url": "https://o", "audience": "a"}, {"subject": "x"}))
    third = {**data["services"]["other"], "workload": {"subject": "y", "subject_claim": "azp"}}
    data["services"]["third"] = third
    found = findings(text(data))
    assert list(found) == ["services.third.workload"]
    assert "known by the claim 'azp', and 'other' of the same issuer by 'sub'" in found["services.third.workload"]
    third["via"] = "direct"
    AccessModel.read(text(data))
