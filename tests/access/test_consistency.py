"""Proves that what contradicts itself in a model is told: each mistake at its own place, with what would be right."""

from typing import Any

import pytest
import yaml
from support.wide import WIDE, changed, text

from lakelatch.access.model import AccessModel
from lakelatch.errors import ModelError

REPORT = ("services", "nightly-report")
DEPLOY = ("services", "etl-deploy")


def findings(model: str, **options: Any) -> dict[str, str]:
    """Path to what was found and what would be right."""
    with pytest.raises(ModelError) as caught:
        AccessModel.read(model, **options)
    return {finding.path: f"{finding.found}; {finding.expected}" for finding in caught.value.findings}


def test_the_wide_model_holds() -> None:
    model = AccessModel.read(WIDE)
    assert list(model.gateway_services()) == ["nightly-report", "exporter"]


ONE_MISTAKE = [
    # names that must exist
    (("services", "exporter", "issuer"), "nobody", "services.exporter.issuer", "cluster, entra, github, okta"),
    ((*REPORT, "workload", "issuer"), "nobody", "services.nightly-report.workload.issuer", "cluster, github, okta"),
    ((*REPORT, "workload", "issuer"), ..., "services.nightly-report.workload.issuer", "is missing"),
    ((*REPORT, "workspace"), "nowhere", "services.nightly-report.workspace", "analytics, science"),
    ((*REPORT, "roles"), ["nothing"], "services.nightly-report.roles[0]", "deployer, reader"),
    (("people", "analysts", "issuer"), "nobody", "people.analysts.issuer", "entra"),
    (("people", "analysts", "roles"), ["nothing"], "people.analysts.roles[0]", "deployer, reader"),
    (("roles", "reader", "workspace"), "nowhere", "roles.reader.workspace", "analytics, science"),
    (("gateway", "workspace"), "nowhere", "gateway.workspace", "analytics, science"),
    # identities
    ((*DEPLOY, "workload"), {"repository": "acme/etl"}, "services.etl-deploy.workload", "give exactly one"),
    (
        (*DEPLOY, "workload"),
        {"repository": "acme/etl", "branch": "main", "tag": "v1"},
        "services.etl-deploy.workload",
        "`branch` and `tag`",
    ),
    ((*DEPLOY, "workload", "environment"), "*", "services.etl-deploy.workload", "wildcard"),
    ((*DEPLOY, "workload", "environment"), "", "services.etl-deploy.workload", "empty"),
    ((*DEPLOY, "workload", "repository"), "etl", "services.etl-deploy.workload", "owner/name"),
    ((*DEPLOY, "workload", "namespace"), "x", "services.etl-deploy.workload.namespace", "not a known key"),
    ((*DEPLOY, "workload", "type"), "gitlab", "services.etl-deploy.workload.project", "is missing"),
    ((*DEPLOY, "workload", "issuer"), "okta", "services.etl-deploy.workload.issuer", "leave it out"),
    ((*REPORT, "workload", "issuer"), "entra", "services.nightly-report.workload.issuer", "is Entra too"),
    # ways that cannot work
    (("gateway",), ..., "services.nightly-report.via", "add `gateway:`"),
    ((*DEPLOY, "via"), "gateway", "services.etl-deploy.workspace", "the gateway serves 'analytics'"),
    ((*DEPLOY, "via"), "detour", "services.etl-deploy.via", "'gateway' or 'direct'"),
    ((*REPORT, "roles"), ["deployer"], "services.nightly-report.roles[0]", "in workspace 'science'"),
    # roles, groups, rights
    (("roles", "reader", "group"), {}, "roles.reader.group", "`create` and `adopt`"),
    (("roles", "reader", "group"), {"create": "a", "adopt": "b"}, "roles.reader.group", "`create` and `adopt`"),
    (("roles", "deployer", "group"), ..., "roles.deployer", "neither actions nor a group"),
    (("roles", "reader", "entitlements"), ["everything"], "roles.reader.entitlements[0]", "workspace-access"),
    (
        ("roles", "reader", "entitlements"),
        ["workspace-access", "workspace-access"],
        "roles.reader.entitlements",
        "second time",
    ),
    (("roles", "reader", "grants", 0, "privileges"), ["DRIVE"], "roles.reader.grants[0].privileges[0]", "SELECT"),
    (("roles", "reader", "grants", 0, "privileges"), [], "roles.reader.grants[0].privileges", "empty"),
    (("roles", "reader", "grants", 0, "table"), "a.b.c", "roles.reader.grants[0]", "exactly one"),
    (("roles", "reader", "grants", 1, "schema"), "sales", "roles.reader.grants[1]", "2 part(s)"),
    (("roles", "reader", "grants", 0, "catalogue"), "x", "roles.reader.grants[0].catalogue", "not a known key"),
    (("roles", "reader", "workspace"), ..., "roles.reader.workspace", "several workspaces"),
    (("roles", "deployer", "group"), {"create": "lakelatch-reader"}, "roles.deployer.group", "roles.reader has"),
    (("people", "analysts", "group"), {"adopt": "lakelatch-reader"}, "people.analysts.group", "roles.reader has"),
    # people and account-wide trust
    (("issuers", "entra", "users"), ..., "people.analysts.issuer", "has no `users`"),
    (("issuers", "entra", "users", "audience"), "", "issuers.entra.users.audience", "empty"),
    (("people", "analysts", "assurance"), "high", "people.analysts.assurance", "phishing-resistant"),
    (("account", "stack"), ..., "workspaces.science.stack", "account.stack"),
    # keys
    (("issuers", "cluster", "jwks_json"), '{"keys": []}', "issuers.cluster.jwks_json", "has no key"),
    (("workspaces", "science", "id"), "4029384756102938", "workspaces.science.id", "'analytics'"),
]


@pytest.mark.parametrize(
    ("path", "to", "where", "says"), ONE_MISTAKE, ids=[f"{row[2]}: {row[3]}"[:70] for row in ONE_MISTAKE]
)
def test_one_mistake_is_told_where_it_stands(path: tuple[str | int, ...], to: Any, where: str, says: str) -> None:
    found = findings(changed(*path, to=to))
    assert where in found, found
    assert says in found[where]


@pytest.mark.parametrize(
    ("issuer", "workload", "says"),
    [
        pytest.param(
            {"type": "circleci", "organization_id": "1d4f2b8a-90c3-4e57-b6a1-7f8e9d0c1b2a"},
            {"project_id": "6a3e5c7d-12b4-4f96-8e0a-5d4c3b2a1f0e"},
            "oidc.circleci.com/project-id",
            id="a claim with dots",
        ),
        pytest.param(
            {"type": "azure-devops", "organization_id": "5b7d3a0e-2c41-4f0c-8a55-d0e6f1b2c3a4"},
            {"organization": "acme", "project": "Data Platform", "pipeline": "etl"},
            "blanks",
            id="a subject with blanks",
        ),
    ],
)
def test_what_the_gateway_cannot_tell_goes_direct(issuer: Any, workload: Any, says: str) -> None:
    data = yaml.safe_load(WIDE)
    data["issuers"]["ci"] = issuer
    data["services"]["exporter"] |= {"issuer": "ci", "workload": workload}
    assert says in findings(text(data))["services.exporter.via"]
    data["services"]["exporter"]["via"] = "direct"
    AccessModel.read(text(data))


def test_an_unknown_issuer_is_one_finding_and_no_more() -> None:
    """What the workload should look like cannot be known then, so nothing is said of it."""
    assert list(findings(changed("services", "exporter", "issuer", to="oktta"))) == ["services.exporter.issuer"]


def test_an_issuer_of_an_unknown_kind_is_one_finding_and_no_more() -> None:
    assert list(findings(changed("issuers", "okta", "type", to="oktta"))) == ["issuers.okta"]


@pytest.mark.parametrize("subject", ["0oa1", "0OA1"], ids=["the same", "the same but for case"])
def test_two_services_cannot_be_one_workload(subject: str) -> None:
    data = yaml.safe_load(WIDE)
    data["services"]["second"] = {**data["services"]["exporter"], "workload": {"client_id": subject}}
    assert "'exporter' as well" in findings(text(data))["services.second.workload"]


def test_a_circle_of_groups_is_told_at_everyone_in_it() -> None:
    """Readers' group into deployers' group and back, over two groups of people."""
    data = yaml.safe_load(WIDE)
    data["roles"]["one"] = {"workspace": "analytics", "group": {"adopt": "one"}}
    data["roles"]["two"] = {"workspace": "analytics", "group": {"adopt": "two"}}
    people = {"issuer": "entra", "identity_provider_group": "a"}
    data["people"] = {
        "first": {**people, "group": {"adopt": "two"}, "roles": ["one"]},
        "second": {**people, "identity_provider_group": "b", "group": {"adopt": "one"}, "roles": ["two"]},
    }
    found = findings(text(data))
    assert "member of itself" in found["people.first.roles"]
    assert "member of itself" in found["people.second.roles"]


def test_more_account_wide_trusts_than_an_account_has() -> None:
    data = yaml.safe_load(WIDE)
    users = {"audience": "a", "subject_claim": "email"}
    for number in range(19):
        data["issuers"][f"idp-{number}"] = {"type": "oidc", "url": f"https://{number}.example.com", "users": users}
    AccessModel.read(text(data))
    data["issuers"]["one-more"] = {"type": "oidc", "url": "https://more.example.com", "users": users}
    assert "at most 20" in findings(text(data))["issuers"]


def test_everything_is_told_at_once() -> None:
    """As many mistakes as there are, each with the line that it stands on."""
    model = WIDE.replace("subject_claim: upn", "subject_claims: upn").replace("[USE_CATALOG]", "[DRIVE]")
    with pytest.raises(ModelError) as caught:
        AccessModel.read(model, "access.yaml")
    lines = model.splitlines()
    told = {finding.path: lines[(finding.line or 0) - 1] for finding in caught.value.findings}
    assert "subject_claims" in told["issuers.entra.users.subject_claims"]
    assert "DRIVE" in told["roles.reader.grants[0].privileges[0]"]
