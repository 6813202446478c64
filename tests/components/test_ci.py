"""Proves whom CI's two principals trust, that the one of pull requests can only read, and what is refused."""

from typing import Any

import pulumi
import pytest
from support.builders import ACCOUNT_ID, build
from support.ci_sources import AZURE, BARE, BY_ENTRA, GITHUB, GITLAB, IDS, SOURCES
from support.recorder import SERVICE_PRINCIPAL_ID, Deploy

from lakelatch.components.arguments import ArgumentError
from lakelatch.components.ci import READING

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
AZURE_ISSUER = f"https://vstoken.dev.azure.com/{AZURE['organization_id']}"

TRUSTED: list[Any] = [
    # kind, source, issuer, audience, previews (claim, subject), deployments (subject)
    pytest.param(
        SOURCES["github by names"],
        (GITHUB_ISSUER, ACCOUNT_ID),
        ("sub", "repo:acme/etl:pull_request"),
        "repo:acme/etl:environment:production",
        id="github by names",
    ),
    pytest.param(
        SOURCES["github by ids"],
        (GITHUB_ISSUER, ACCOUNT_ID),
        ("sub", "repo:acme@12345/etl@67890:pull_request"),
        "repo:acme@12345/etl@67890:environment:production",
        id="github by ids",
    ),
    pytest.param(
        SOURCES["github server, a branch"],
        ("https://git.example.com/_services/token", ACCOUNT_ID),
        ("sub", "repo:acme/etl:pull_request"),
        "repo:acme/etl:ref:refs/heads/main",
        id="github server, a branch",
    ),
    pytest.param(
        SOURCES["gitlab"],
        ("https://gitlab.com", ACCOUNT_ID),
        ("project_path", "acme/data/etl"),
        "project_path:acme/data/etl:ref_type:branch:ref:main",
        id="gitlab",
    ),
    pytest.param(
        SOURCES["azure devops"],
        (AZURE_ISSUER, "api://AzureADTokenExchange"),
        ("sub", "p://acme/Data Platform/etl preview"),
        "sc://acme/Data Platform/etl production",
        id="azure devops",
    ),
    pytest.param(
        SOURCES["azure devops, a connection of Entra"],
        (AZURE_ISSUER, "api://AzureADTokenExchange"),
        ("sub", "p://acme/Data Platform/etl preview"),
        BY_ENTRA["connection_subject"],
        id="azure devops, a connection of Entra",
    ),
]
CONFIGURATIONS = [
    pytest.param(row.values[0], changed, id=f"{row.id}, {title}")
    for row in TRUSTED
    for title, changed in (("with rights", {}), ("bare", BARE))
]


@pytest.mark.parametrize(("source", "said_by", "preview", "deploy_subject"), TRUSTED)
def test_each_principal_trusts_its_own_jobs_alone(
    source: Any, said_by: tuple[str, str], preview: tuple[str, str], deploy_subject: str, deploy: Deploy
) -> None:
    found = deploy(lambda: build("CiIdentity", **source)).of(":ServicePrincipalFederationPolicy")
    issuer, audience = said_by
    assert {row.name: row.inputs["oidcPolicy"] for row in found} == {
        "app-preview/preview": {
            "issuer": issuer,
            "audiences": [audience],
            "subject": preview[1],
            "subjectClaim": preview[0],
        },
        "app-deploy/deploy": {
            "issuer": source.get("azure_devops", {}).get("connection_issuer", issuer),
            "audiences": [audience],
            "subject": deploy_subject,
            "subjectClaim": "sub",
        },
    }


@pytest.mark.parametrize(("source", "bare"), CONFIGURATIONS)
def test_no_secret_is_made(source: Any, bare: Any, deploy: Deploy) -> None:
    deployed = deploy(lambda: build("CiIdentity", **{**bare, **source}))
    kinds = {row.type for row in deployed.resources}
    assert not [kind for kind in kinds if "Secret" in kind or "Token" in kind or "Password" in kind]


def test_without_more_both_have_no_right_but_to_sign_in(deploy: Deploy) -> None:
    assert sorted(deploy(lambda: build("CiIdentity", **BARE)).made()) == [
        "CiIdentity app",
        "MwsPermissionAssignment app-deploy",
        "MwsPermissionAssignment app-preview",
        "ServicePrincipal app-deploy",
        "ServicePrincipal app-preview",
        "ServicePrincipalFederationPolicy app-deploy/deploy",
        "ServicePrincipalFederationPolicy app-preview/preview",
    ]


def test_rights_of_deployments_never_reach_previews(deploy: Deploy) -> None:
    deployed = deploy(lambda: build("CiIdentity"))
    granted = {row.name: row.inputs["privileges"] for row in deployed.of(":Grant")}
    assert granted == {"app-preview/catalog/main": ["BROWSE"], "app-deploy/catalog/main": ["USE_CATALOG", "USE_SCHEMA"]}
    assert deployed.one(":GroupMember").name == "app-deploy/deployers"
    assert deployed.one(":Entitlements").name == "app-deploy"
    assert [row.inputs["permissions"] for row in deployed.of(":MwsPermissionAssignment")] == [["USER"], ["USER"]]
    assert [row.inputs["displayName"] for row in deployed.of(":ServicePrincipal")] == ["ETL preview", "ETL deploy"]


def test_it_tells_the_ids_of_both(deploy: Deploy) -> None:
    deployed = deploy(lambda: build("CiIdentity"))
    assert deployed.outputs[deployed.one(":CiIdentity").urn] == {
        "preview_application_id": "application-app-preview",
        "preview_service_principal_id": SERVICE_PRINCIPAL_ID,
        "deploy_application_id": "application-app-deploy",
        "deploy_service_principal_id": SERVICE_PRINCIPAL_ID,
    }


@pytest.mark.parametrize("privilege", sorted(READING))
def test_previews_may_read(privilege: str, deploy: Deploy) -> None:
    grants = [{"catalog": "main", "privileges": [privilege]}]
    found = deploy(lambda: build("CiIdentity", preview_grants=grants)).of(":Grant")
    assert {row.name: row.inputs["privileges"] for row in found}["app-preview/catalog/main"] == [privilege]


def reading(*privileges: str) -> Any:
    return {"preview_grants": [{"catalog": "main", "privileges": list(privileges)}]}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        *[
            pytest.param(reading("SELECT", one), r"preview_grants\[0\]\.privileges\[1\]: does not only read", id=one)
            for one in ("MODIFY", "ALL_PRIVILEGES", "CREATE_TABLE", "MANAGE", "WRITE_VOLUME", "EXECUTE", "select")
        ],
        pytest.param({"github": None}, "github: is missing, and so are the others", id="no CI"),
        pytest.param({"gitlab": GITLAB}, "github: stands beside gitlab", id="two CIs"),
        pytest.param({"github": {"repository": "acme/etl"}}, "github.environment: neither", id="nothing protected"),
        pytest.param({"github": {**GITHUB, "branch": "main"}}, "github.branch: stands beside", id="both protected"),
        pytest.param({"github": {**GITHUB, "repository": "etl"}}, "github.repository: the repository", id="no owner"),
        pytest.param({"github": {**GITHUB, "environment": "*"}}, "github.environment: the environment", id="any env"),
        pytest.param({"github": {"repository": "a/b", "branch": "r/*"}}, "github.branch: the branch", id="any branch"),
        pytest.param({"github": {**GITHUB, "owner_id": "1"}}, "github.repository_id: is missing", id="one id"),
        pytest.param(
            {"github": {**GITHUB, **IDS, "owner_id": "x"}}, "github.owner_id: owner_id is not", id="no number"
        ),
        pytest.param({"github": {**GITHUB, "issuer": "http://a"}}, "github.issuer: does not begin", id="http"),
        pytest.param({"github": None, "gitlab": {**GITLAB, "project": "etl"}}, "gitlab.project: ", id="no group"),
        pytest.param({"github": None, "gitlab": {**GITLAB, "branch": "*"}}, "gitlab.branch: ", id="any ref"),
        *[
            pytest.param({"github": None, "azure_devops": {**AZURE, key: "a/b"}}, f"azure_devops.{key}: ", id=key)
            for key in AZURE
        ],
        *[
            pytest.param(
                {"github": None, "azure_devops": {**AZURE, **changed}}, f"azure_devops.{key}: {found}", id=title
            )
            for changed, key, found, title in (
                (BY_ENTRA, "service_connection", "is not the one of two", "both kinds of connection"),
                ({"service_connection": None}, "service_connection", "is not the one of two", "no connection"),
                (
                    {"service_connection": None, "connection_issuer": "https://a"},
                    "service_connection",
                    "is not the one of two",
                    "issuer alone",
                ),
                ({**BY_ENTRA, "connection_issuer": "http://a"}, "connection_issuer", "does not begin", "http, Entra"),
                (
                    {**BY_ENTRA, "service_connection": None, "connection_subject": "*"},
                    "service_connection",
                    "connection_subject is not exact",
                    "loose, Entra",
                ),
            )
        ],
        pytest.param({"display_name": " "}, "display_name: is empty", id="no name"),
        pytest.param({"account_id": ""}, "account_id: is empty", id="no account"),
        pytest.param({"workspace_id": "x"}, "workspace_id: is not a number", id="workspace by name"),
        pytest.param({"deploy_entitlements": ["root"]}, r"deploy_entitlements\[0\]: is not", id="entitlement"),
        pytest.param({"workspace_provider": None}, "workspace_provider: is missing", id="no provider"),
    ],
)
def test_refusals(changed: Any, says: str, deploy: Deploy) -> None:
    with pytest.raises(ArgumentError, match=says):
        deploy(lambda: build("CiIdentity", **changed))


def test_all_mistakes_are_told_at_once(deploy: Deploy) -> None:
    bad: Any = {"repository": "etl", "environment": "*", "owner_id": "x", "issuer": "http://a"}
    changed = {"workspace_id": "x", "display_name": "", "github": bad, **reading("MODIFY")}
    with pytest.raises(ArgumentError) as caught:
        deploy(lambda: build("CiIdentity", pulumi.ResourceOptions(), **changed))
    assert [finding.path for finding in caught.value.findings] == [
        "workspace_id",
        "display_name",
        "github.repository",
        "github.environment",
        "github.owner_id",
        "github.repository_id",
        "github.issuer",
        "preview_grants[0].privileges[0]",
        "opts.providers",
    ]


@pytest.mark.parametrize("late", ["github", "preview_grants"])
def test_whom_it_trusts_and_what_it_reads_is_known_at_preview(late: str, deploy: Deploy) -> None:
    def program() -> None:
        changed: Any = {late: pulumi.Output.from_input("later")}
        build("CiIdentity", **changed)

    with pytest.raises(ArgumentError, match=f"{late}: is known only later"):
        deploy(program)
