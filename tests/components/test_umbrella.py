"""Proves what an access model becomes: the resources, their names, and the gateway's configuration."""

from pathlib import Path
from typing import Any

import pulumi_databricks as databricks
import pytest
import yaml
from support.builders import ACCOUNT_ID, MODEL, build
from support.recorder import ADOPTED_GROUP_ID, GROUP_ID, SERVICE_PRINCIPAL_ID, Deploy

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


WIDE = Path(__file__).with_name("wide.yaml").read_text(encoding="utf-8")


def wide(deploy: Deploy, *workspaces: str, text: str = WIDE, **changed: Any) -> Any:
    """The wide model as one of its stacks, with providers for these workspaces."""

    def program() -> None:
        providers = {name: databricks.Provider(name, host=f"https://{name}.example.com") for name in workspaces}
        given = {"model": text, "gateway_directory": "d", "workspace_providers": providers, **changed}
        build("DatabricksAccess", name="all", **given)

    return deploy(program)


def parts(deployed: Any) -> list[str]:
    """What stands right below the umbrella, sorted; of a service its principals, each with all that belongs to it."""
    below = [row for row in deployed.resources if row.parents and row.parents[-1] == "lakelatch:index:DatabricksAccess"]
    shown = [row for row in below if row.type.startswith("lakelatch:") or row.type.endswith(":ServicePrincipal")]
    return sorted(f"{row.type.partition(':')[0]} {row.type.rpartition(':')[2]} {row.name}" for row in shown)


PRODUCTION = [
    "azuread ServicePrincipal all-mover",
    "azuread ServicePrincipal all-nightly-report",
    "databricks ServicePrincipal all-dashboard",
    "databricks ServicePrincipal all-importer",
    "databricks ServicePrincipal all-mover",
    "databricks ServicePrincipal all-nightly-report",
    "lakelatch AccessGateway all",
    "lakelatch AccountFederation all",
    "lakelatch AccountGroup all-analysts",
    "lakelatch EntraApplication all",
    "lakelatch EntraApplication all-Databricks",
    "lakelatch WorkspaceRole all-sql-reader",
]
TRIAL = ["databricks ServicePrincipal all-etl-deploy", "lakelatch WorkspaceRole all-deployer"]


class TestStacks:
    """Each stack makes what the model says is its own; together they make everything once."""

    def test_the_accounts_stack(self, deploy: Deploy) -> None:
        assert parts(wide(deploy, "analytics", stack="production")) == sorted(
            [*PRODUCTION, "lakelatch AccountGroup all-deployer"]
        )

    def test_a_workspaces_stack(self, deploy: Deploy) -> None:
        deployed = wide(deploy, "trial", stack="trial", gateway_directory=None)
        assert parts(deployed) == TRIAL
        assert not deployed.of(":GatewayConfig")

    def test_without_owners_one_stack_makes_all(self, deploy: Deploy) -> None:
        data = yaml.safe_load(WIDE)
        del data["account"]["stack"], data["workspaces"]["trial"]["stack"]
        deployed = wide(deploy, "analytics", "trial", text=yaml.safe_dump(data))
        assert parts(deployed) == sorted([*PRODUCTION, *TRIAL])

    def test_the_running_stack_decides_when_none_is_named(self, deploy: Deploy) -> None:
        def program() -> None:
            provider = databricks.Provider("trial", host="https://trial.example.com")
            build("DatabricksAccess", name="all", model=WIDE, workspace_providers={"trial": provider})

        assert parts(deploy(program, stack="trial")) == TRIAL

    def test_a_group_of_another_stack_is_found_not_made(self, deploy: Deploy) -> None:
        data = yaml.safe_load(WIDE)
        data["roles"]["deployer"]["group"] = {"create": "deployers"}
        text = yaml.safe_dump(data)
        account = wide(deploy, "analytics", stack="production", text=text)
        assert {row.inputs["displayName"] for row in account.of(":Group")} == {"deployers", "lakelatch-sql-reader"}
        other = wide(deploy, "trial", stack="trial", text=text)
        assert other.of(":Group") == []
        assert [arguments for _, arguments, _ in other.calls] == [{"displayName": "deployers"}]


class TestTrusts:
    @pytest.fixture
    def policies(self, deploy: Deploy) -> Any:
        data = yaml.safe_load(WIDE)
        del data["account"]["stack"], data["workspaces"]["trial"]["stack"]
        deployed = wide(deploy, "analytics", "trial", text=yaml.safe_dump(data))
        return {row.name: row.inputs["oidcPolicy"] for row in deployed.of("FederationPolicy")}

    @pytest.mark.parametrize(
        ("name", "policy"),
        [
            pytest.param(
                f"all-{service}/lakelatch-gateway",
                {"issuer": "https://databricks.example.com", "audiences": [ACCOUNT_ID], "subject": service},
                id=f"{service}, by the gateway",
            )
            for service in ("nightly-report", "dashboard", "importer")
        ]
        + [
            pytest.param(
                "all-etl-deploy/lakelatch-workload",
                {
                    "issuer": "https://token.actions.githubusercontent.com",
                    "audiences": [
                        ACCOUNT_ID,
                        "https://adb-5029384756102938.18.azuredatabricks.net/oidc/v1/token",
                    ],
                    "subject": "repo:acme/etl:environment:production",
                },
                id="direct",
            ),
            pytest.param(
                "all-mover/lakelatch-workload",
                {
                    "issuer": "https://login.microsoftonline.com/7f3b6c1e-9a42-4b8e-8d55-2c9e1f0a6b37/v2.0",
                    "audiences": ["client-all-Databricks"],
                    "subject": "object-all-mover",
                },
                id="direct, of Entra",
            ),
        ],
    )
    def test_a_principal_trusts_exactly_one_identity(self, name: str, policy: Any, policies: Any) -> None:
        assert policies[name] == {**policy, "subjectClaim": "sub"}

    def test_the_account_trusts_an_issuer_with_users(self, policies: Any) -> None:
        assert policies["all/entra"] == {
            "issuer": "https://login.microsoftonline.com/7f3b6c1e-9a42-4b8e-8d55-2c9e1f0a6b37/v2.0",
            "audiences": ["databricks-people"],
            "subjectClaim": "upn",
        }
        assert len(policies) == 6

    def test_a_direct_service_with_another_claim_and_its_own_keys(self, deploy: Deploy) -> None:
        data = yaml.safe_load(WIDE)
        data["services"] = {
            "importer": {
                **data["services"]["importer"],
                "via": "direct",
                "workload": {"subject": "x", "subject_claim": "client"},
            }
        }
        [row] = wide(deploy, "analytics", stack="production", text=yaml.safe_dump(data)).of("PrincipalFederationPolicy")
        assert row.inputs["oidcPolicy"] == {
            "issuer": "https://partner.example.com",
            "audiences": ["ours"],
            "subject": "x",
            "subjectClaim": "client",
            "jwksUri": "https://partner.example.com/keys",
        }


class TestPeopleAndRoles:
    def test_members_of_a_roles_group_are_people_and_services(self, deploy: Deploy) -> None:
        rows = wide(deploy, "analytics", stack="production").of(":GroupMember")
        found = {row.name: (row.inputs["groupId"], row.inputs["memberId"]) for row in rows}
        assert found == {
            "all-sql-reader/analysts": (GROUP_ID, ADOPTED_GROUP_ID),
            "all-nightly-report/sql-reader": (GROUP_ID, SERVICE_PRINCIPAL_ID),
            "all-dashboard/sql-reader": (GROUP_ID, SERVICE_PRINCIPAL_ID),
            "all-mover/sql-reader": (GROUP_ID, SERVICE_PRINCIPAL_ID),
        }

    def test_rights_are_made_by_the_workspaces_provider(self, deploy: Deploy) -> None:
        deployed = wide(deploy, "analytics", stack="production")
        for row in [*deployed.of(":Grant"), *deployed.of(":Entitlements")]:
            assert row.provider == "analytics"
        assert [row.inputs["principal"] for row in deployed.of(":Grant")] == ["lakelatch-sql-reader"] * 2

    def test_entitlements_that_the_model_does_not_name_are_not_touched(self, deploy: Deploy) -> None:
        data = yaml.safe_load(WIDE)
        del data["roles"]["sql-reader"]["entitlements"], data["roles"]["sql-reader"]["grants"]
        deployed = wide(deploy, stack="production", text=yaml.safe_dump(data))
        assert deployed.of(":Entitlements") == []


class TestGateway:
    def test_it_knows_every_service_that_calls_it_and_no_other(self, deploy: Deploy) -> None:
        raw = wide(deploy, "analytics", stack="production").one(":GatewayConfig").inputs["config"]
        config = GatewayConfig.parse(raw)
        assert {name: (row.issuer, row.subject) for name, row in config.services.items()} == {
            "nightly-report": ("entra", "object-all-nightly-report"),
            "dashboard": ("keycloak", "dashboard"),
            "importer": ("partner", "importer-1"),
        }
        assert {
            name: (row.issuer, row.audience, row.subject_claim, row.jwks_uri) for name, row in config.issuers.items()
        } == {
            "entra": (
                "https://login.microsoftonline.com/7f3b6c1e-9a42-4b8e-8d55-2c9e1f0a6b37/v2.0",
                "client-all",
                "sub",
                None,
            ),
            "keycloak": ("https://id.example.com/realms/acme", "databricks", "azp", None),
            "partner": ("https://partner.example.com", "ours", "sub", "https://partner.example.com/keys"),
        }

    def test_a_model_without_one_makes_none(self, deploy: Deploy) -> None:
        data = yaml.safe_load(WIDE)
        del data["gateway"]
        data["services"] = {"etl-deploy": data["services"]["etl-deploy"]}
        deployed = wide(deploy, "analytics", text=yaml.safe_dump(data), stack="production", gateway_directory=None)
        assert not deployed.of(":GatewayConfig")
        assert not [row for row in deployed.resources if row.type.startswith("azuread:")]


def broken(change: Any) -> str:
    data = yaml.safe_load(WIDE)
    change(data)
    return yaml.safe_dump(data)


def two_claims(data: Any) -> None:
    data["services"]["importer"] |= {"issuer": "keycloak", "workload": {"service_account_id": ACCOUNT_ID}}


def two_directories(data: Any) -> None:
    data["issuers"]["other"] = {"type": "entra", "tenant": ACCOUNT_ID}
    data["services"]["mover"]["issuer"] = "other"


@pytest.mark.parametrize(
    ("workspaces", "changed", "says"),
    [
        pytest.param(
            (), {}, "workspace_providers.analytics: is missing, and entitlements and grants of roles", id="no provider"
        ),
        pytest.param(
            ("analytics", "other"),
            {},
            "workspace_providers.other: is no workspace of the model",
            id="unknown workspace",
        ),
        pytest.param(
            ("analytics",), {"gateway_directory": None}, "gateway_directory: is missing", id="no folder for the gateway"
        ),
        pytest.param(
            ("analytics",),
            {"text": broken(two_claims)},
            "is known by the claim 'sub', and 'dashboard'",
            id="two claims",
        ),
        pytest.param(
            ("analytics",),
            {"text": broken(two_directories)},
            "issuer: is another directory",
            id="tenants",
        ),
    ],
)
def test_what_one_stack_cannot_make_is_refused(workspaces: Any, changed: Any, says: str, deploy: Deploy) -> None:
    with pytest.raises(ArgumentError, match=says):
        wide(deploy, *workspaces, stack="production", **changed)


def test_more_services_than_a_gateway_serves_are_refused(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakelatch.access.gateway_rules.SERVICES_LIMIT", 2)
    with pytest.raises(ArgumentError, match="has 3 services via the gateway"):
        wide(deploy, "analytics", stack="production")


def test_fragments_are_parts_of_the_model(deploy: Deploy) -> None:
    data = yaml.safe_load(MODEL)
    services = {"services": data.pop("services")}
    one = access(deploy, yaml.safe_dump(data), fragments={"team.yaml": yaml.safe_dump(services)})
    assert sorted(one.made()) == sorted(access(deploy).made())


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
    assert len(two - one) == 7


def test_a_grant_waits_for_its_role(deploy: Deploy) -> None:
    """The role's id is known beforehand, but Entra refuses a grant of a role that is not there yet."""
    assert "ApplicationAppRole all/Gateway.Call" in access(deploy).one(":AppRoleAssignment").waits_for


READERS = {"c": "c-readers", "b-c": "b-c-readers"}
"""Role to group; with the services below, one name each if service and role were joined by a hyphen."""


@pytest.mark.parametrize(
    "services",
    [
        pytest.param({"gateway": ["c"]}, id="that of a part of the stack"),
        pytest.param({"a": ["b-c"], "a-b": ["c"]}, id="one that begins like another, with a role that ends like it"),
        pytest.param({"c": ["c"], "b-c": ["b-c"]}, id="those of roles"),
    ],
)
def test_services_may_have_any_name(services: dict[str, list[str]], deploy: Deploy) -> None:
    """No two resources meet under one name."""
    roles = {role: {"actions": ["current_user.me"], "group": {"create": group}} for role, group in READERS.items()}
    rows = {
        name: service(roles=held, workload={**service()["workload"], "service_account": name})
        for name, held in services.items()
    }
    made = access(deploy, model(roles=roles, services=rows)).resources
    assert len({row.urn for row in made}) == len(made)


def test_no_secret_is_ever_made(deploy: Deploy) -> None:
    types = {row.type for row in access(deploy).resources}
    assert not [type for type in types if "Password" in type or "Certificate" in type or "Secret" in type]


def test_a_wrong_model_is_one_clear_refusal(deploy: Deploy) -> None:
    with pytest.raises(ArgumentError) as caught:
        access(deploy, "account: {}")
    assert {"account.id", "workspaces", "issuers", "roles"} <= {finding.path for finding in caught.value.findings}


def test_what_was_made_once_keeps_its_name(deploy: Deploy) -> None:
    """A resource under another name would be made anew, and the old one deleted. A rename needs an alias, and a line
    here that says which."""
    recorded = set(Path(__file__).with_name("names-0.1.0.txt").read_text().splitlines())
    deployed = deploy(lambda: build("DatabricksAccess", name="access"))
    assert recorded <= {row.urn.split("::", 2)[2] for row in deployed.resources}
