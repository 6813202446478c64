"""Proves, for every component, the promises of a component; and for each, exactly what it registers.

Registrations are recorded without an engine: that engine and providers accept them is proved in tests/line.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_azuread as azuread
import pulumi_databricks as databricks
import pytest
import yaml
from support.recorder import SERVICE_PRINCIPAL_ID, Deploy

import lakelatch
from lakelatch.components.arguments import ArgumentError
from lakelatch.components.entra import EntraApplication
from lakelatch.components.gateway import AccessGateway
from lakelatch.components.identity import ServiceIdentity
from lakelatch.components.trust import FederationTrust
from lakelatch.components.umbrella import DatabricksAccess

MODEL = (Path(__file__).parents[2] / "stacks" / "access.yaml").read_text(encoding="utf-8")
POLICY: Any = {"issuer": "https://gateway.example.com", "audience": "account", "subject": "nightly-report"}

BUILDERS: dict[str, Callable[[pulumi.ResourceOptions | None], Any]] = {
    "EntraApplication": lambda opts: EntraApplication(
        "app",
        {
            "display_name": "App",
            "app_roles": {"Call": "may call"},
            "federated_credentials": {"cluster": {"issuer": "https://k", "subject": "system:serviceaccount:a:b"}},
            "grants": {"call": {"role_id": "role", "resource_object_id": "resource"}},
        },
        opts,
    ),
    "ServiceIdentity": lambda opts: ServiceIdentity("job", {"display_name": "Job", "workspace_id": "123"}, opts),
    "FederationTrust": lambda opts: FederationTrust(
        "job", {"service_principal_id": SERVICE_PRINCIPAL_ID, "policies": {"one": POLICY, "two": POLICY}}, opts
    ),
    "AccessGateway": lambda opts: AccessGateway("gw", {"directory": "d", "config": {"a": 1}}, opts),
    "DatabricksAccess": lambda opts: DatabricksAccess("all", {"model": MODEL, "gateway_directory": "d"}, opts),
}


def test_every_public_component_keeps_the_promises_below() -> None:
    public = {name for name in lakelatch.__all__ if not name.endswith("Args")}
    assert public == set(BUILDERS)


@pytest.mark.parametrize("name", BUILDERS)
class TestPromises:
    def test_its_type_is_its_name(self, name: str, deploy: Deploy) -> None:
        found = deploy(lambda: BUILDERS[name](None)).resources[0]
        assert found.type == f"lakelatch:index:{name}"

    def test_every_child_has_it_above(self, name: str, deploy: Deploy) -> None:
        children = deploy(lambda: BUILDERS[name](None)).resources[1:]
        assert children
        # A URN shows the type right above; a child without `parent=self` would show none.
        above = {child.parents[0] if child.parents else "nothing" for child in children}
        assert above <= {f"lakelatch:index:{component}" for component in BUILDERS}
        assert f"lakelatch:index:{name}" in above

    def test_its_outputs_are_those_it_declares(self, name: str, deploy: Deploy) -> None:
        declared = set(getattr(lakelatch, name).__annotations__)
        assert deploy(lambda: BUILDERS[name](None)).outputs[name] == declared

    def test_children_use_the_providers_it_is_given(self, name: str, deploy: Deploy) -> None:
        def program() -> None:
            providers = {
                "azuread": azuread.Provider("mine-azuread"),
                "databricks": databricks.Provider("mine-databricks"),
            }
            BUILDERS[name](pulumi.ResourceOptions(providers=providers))

        deployed = deploy(program)
        used = {
            row.type.partition(":")[0]: row.provider
            for row in deployed.resources
            if row.type.startswith(("azuread:", "databricks:"))
        }
        for package, provider in used.items():
            assert f"::mine-{package}::" in provider

    def test_options_reach_it(self, name: str, deploy: Deploy) -> None:
        def program() -> None:
            parent = pulumi.ComponentResource("test:index:Parent", "parent")
            BUILDERS[name](pulumi.ResourceOptions(parent=parent))

        found = deploy(program).of(f":{name}")[0]
        assert found.parents == ["test:index:Parent"]


class TestEntraApplication:
    def test_registers_exactly_its_parts(self, deploy: Deploy) -> None:
        deployed = deploy(lambda: BUILDERS["EntraApplication"](None))
        assert len(deployed.resources) == 8
        assert deployed.one(":ApplicationRegistration").inputs == {
            "displayName": "App",
            "requestedAccessTokenVersion": 2,
            "signInAudience": "AzureADMyOrg",
        }
        assert deployed.one(":ServicePrincipal").inputs == {
            "clientId": "client-app",
            "appRoleAssignmentRequired": True,
        }
        assert deployed.one(":ApplicationIdentifierUri").inputs["identifierUri"] == "api://client-app"
        assert deployed.one(":ApplicationOptionalClaims").inputs["accessTokens"] == [{"name": "idtyp"}]
        assert deployed.one(":ApplicationFederatedIdentityCredential").inputs == {
            "applicationId": "app-id",
            "audiences": ["api://AzureADTokenExchange"],
            "description": "system:serviceaccount:a:b at https://k",
            "displayName": "cluster",
            "issuer": "https://k",
            "subject": "system:serviceaccount:a:b",
        }
        assert deployed.one(":AppRoleAssignment").inputs == {
            "appRoleId": "role",
            "principalObjectId": "object-app",
            "resourceObjectId": "resource",
        }
        assert deployed.one(":ApplicationAppRole").inputs["allowedMemberTypes"] == ["Application"]

    def test_a_role_has_the_same_id_every_time_and_another_in_another_application(self, deploy: Deploy) -> None:
        def ids(name: str) -> str:
            args: Any = {"display_name": "x", "app_roles": {"Call": "may call"}}
            return str(deploy(lambda: EntraApplication(name, args)).one(":ApplicationAppRole").inputs["roleId"])

        assert ids("a") == ids("a") != ids("b")

    def test_without_roles_it_exposes_nothing(self, deploy: Deploy) -> None:
        deployed = deploy(lambda: EntraApplication("app", {"display_name": "x"}))
        assert [row.type.rpartition(":")[2] for row in deployed.resources] == [
            "EntraApplication",
            "ApplicationRegistration",
            "ServicePrincipal",
        ]

    def test_no_secret_is_ever_made(self, deploy: Deploy) -> None:
        types = {row.type for row in deploy(lambda: BUILDERS["DatabricksAccess"](None)).resources}
        assert not [type for type in types if "Password" in type or "Certificate" in type or "Secret" in type]

    @pytest.mark.parametrize(
        ("credential", "says"),
        [
            ({"issuer": "http://k", "subject": "s"}, "https"),
            ({"issuer": "https://k", "subject": ""}, "empty"),
            ({"issuer": "https://k", "subject": "repo:*"}, "wildcard"),
        ],
    )
    def test_refuses_a_loose_credential(self, credential: Any, says: str, deploy: Deploy) -> None:
        with pytest.raises(ArgumentError, match=says):
            deploy(lambda: EntraApplication("app", {"display_name": "x", "federated_credentials": {"c": credential}}))

    def test_refuses_more_credentials_than_entra_takes(self, deploy: Deploy) -> None:
        many: Any = {f"c{index}": {"issuer": "https://k", "subject": f"s{index}"} for index in range(21)}
        with pytest.raises(ArgumentError, match="at most 20"):
            deploy(lambda: EntraApplication("app", {"display_name": "x", "federated_credentials": many}))


class TestServiceIdentity:
    def test_registers_exactly_its_parts(self, deploy: Deploy) -> None:
        deployed = deploy(lambda: BUILDERS["ServiceIdentity"](None))
        assert deployed.one(":ServicePrincipal").inputs == {
            "displayName": "Job",
            "active": True,
            "disableAsUserDeletion": False,
        }
        assert deployed.one(":MwsPermissionAssignment").inputs == {
            "principalId": SERVICE_PRINCIPAL_ID,
            "workspaceId": "123",
            "permissions": ["USER"],
        }
        assert len(deployed.resources) == 3

    def test_keeping_the_principal_is_said_at_creation(self, deploy: Deploy) -> None:
        args: Any = {"display_name": "x", "workspace_id": "1", "keep_on_destroy": True}
        deployed = deploy(lambda: ServiceIdentity("job", args))
        assert deployed.one(":ServicePrincipal").inputs["disableAsUserDeletion"] is True

    def test_a_changed_assignment_is_deleted_first(self, deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
        """Both PUT and DELETE name the principal alone: deleting last would leave it without any assignment."""
        seen: dict[str, Any] = {}
        original = databricks.MwsPermissionAssignment.__init__

        def spy(self: Any, name: str, *args: Any, opts: Any = None, **rest: Any) -> None:
            seen["opts"] = opts
            original(self, name, *args, opts=opts, **rest)

        monkeypatch.setattr(databricks.MwsPermissionAssignment, "__init__", spy)
        deploy(lambda: BUILDERS["ServiceIdentity"](None))
        assert seen["opts"].delete_before_replace is True

    def test_whoever_uses_the_id_waits_for_the_assignment(self, deploy: Deploy) -> None:
        """A workspace refuses a principal that is not assigned to it yet."""
        waits: list[set[str]] = []

        def program() -> None:
            made = ServiceIdentity("job", {"display_name": "Job", "workspace_id": "123"})
            resources = pulumi.Output.all(made.service_principal_id.resources())
            resources.apply(lambda found: waits.append({type(one).__name__ for one in found[0]}))

        deploy(program)
        assert waits == [{"ServicePrincipal", "MwsPermissionAssignment"}]

    def test_refuses_a_workspace_that_is_no_number(self, deploy: Deploy) -> None:
        with pytest.raises(ArgumentError, match="workspace_id: is not a number"):
            deploy(lambda: ServiceIdentity("job", {"display_name": "x", "workspace_id": "adb-1"}))


class TestFederationTrust:
    def test_sends_every_field_and_a_numeric_principal(self, deploy: Deploy) -> None:
        first, second = deploy(lambda: BUILDERS["FederationTrust"](None)).of(":ServicePrincipalFederationPolicy")
        assert first.inputs == {
            "servicePrincipalId": int(SERVICE_PRINCIPAL_ID),
            "policyId": "one",
            "description": "",
            "oidcPolicy": {
                "issuer": "https://gateway.example.com",
                "audiences": ["account"],
                "subject": "nightly-report",
                "subjectClaim": "sub",
            },
        }
        assert second.inputs["policyId"] == "two"

    def test_policies_are_made_one_after_another(self, deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
        waits: list[list[str]] = []
        original = databricks.ServicePrincipalFederationPolicy.__init__

        def spy(self: Any, name: str, *args: Any, opts: Any = None, **rest: Any) -> None:
            waits.append([resource._name for resource in opts.depends_on])
            original(self, name, *args, opts=opts, **rest)

        monkeypatch.setattr(databricks.ServicePrincipalFederationPolicy, "__init__", spy)
        deploy(lambda: BUILDERS["FederationTrust"](None))
        assert waits == [[], ["job-one"]]

    @pytest.mark.parametrize(
        ("policies", "says"),
        [
            pytest.param({}, "policies: is empty", id="none"),
            pytest.param({f"p{index}": POLICY for index in range(21)}, "at most 20", id="21"),
            pytest.param({"A": POLICY}, "policies.A: is not a policy id", id="upper case id"),
            pytest.param({"a": POLICY}, "2 to 63", id="id of one character"),
            pytest.param({"a" * 64: POLICY}, "2 to 63", id="id of 64 characters"),
            pytest.param({"ab": {**POLICY, "issuer": "http://a"}}, "policies.ab.issuer", id="http"),
            pytest.param({"ab": {**POLICY, "audience": ""}}, "policies.ab.audience", id="no audience"),
            pytest.param({"ab": {**POLICY, "subject": "a*"}}, "wildcard", id="wildcard"),
            pytest.param({"ab": {**POLICY, "subject": ""}}, "empty", id="empty subject"),
            pytest.param({"ab": {**POLICY, "jwks_json": "{"}}, "not JSON", id="keys that are no JSON"),
            pytest.param(
                {"ab": {**POLICY, "jwks_json": '{"keys": [{"kty": "oct", "k": "AA"}]}'}},
                "policies.ab.jwks_json.keys\\[0\\]: it holds secret key material",
                id="symmetric key",
            ),
        ],
    )
    def test_refusals(self, policies: Any, says: str, deploy: Deploy) -> None:
        with pytest.raises(ArgumentError, match=says):
            deploy(lambda: FederationTrust("t", {"service_principal_id": "1", "policies": policies}))

    def test_all_mistakes_are_told_at_once(self, deploy: Deploy) -> None:
        bad: Any = {"A": {"issuer": "http://a", "audience": "", "subject": "*"}}
        with pytest.raises(ArgumentError) as caught:
            deploy(lambda: FederationTrust("t", {"service_principal_id": "1", "policies": bad}))
        assert len(caught.value.findings) == 4

    @pytest.mark.parametrize("principal", ["1", str(2**53)])
    def test_a_principal_is_named_by_its_number(self, principal: str, deploy: Deploy) -> None:
        deployed = deploy(lambda: self.trust(principal))
        assert deployed.one(":ServicePrincipalFederationPolicy").inputs["servicePrincipalId"] == int(principal)

    @pytest.mark.parametrize(
        ("principal", "says"),
        [("9234567890100007", "rounded"), (str(2**53 + 1), "rounded"), ("abc", "not the numeric id"), ("", "not the")],
    )
    def test_a_principal_that_would_become_another_is_refused(self, principal: str, says: str, deploy: Deploy) -> None:
        """Above 2^53 a number is rounded on its way to the plugin, and the trust would land on somebody else."""
        with pytest.raises(ArgumentError, match=says):
            deploy(lambda: self.trust(principal))

    @staticmethod
    def trust(principal: str) -> FederationTrust:
        late = pulumi.Output.from_input(principal)
        return FederationTrust("t", {"service_principal_id": late, "policies": {"ab": POLICY}})


class TestDatabricksAccess:
    def test_one_service_end_to_end(self, deploy: Deploy) -> None:
        """The trust names the gateway alone, the gateway knows the service by its generated subject."""
        deployed = deploy(lambda: BUILDERS["DatabricksAccess"](None))
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

    def test_what_it_delivers_is_a_configuration_that_the_gateway_takes(self, deploy: Deploy) -> None:
        from lakelatch.envoy.config import GatewayConfig

        config = GatewayConfig.parse(
            deploy(lambda: BUILDERS["DatabricksAccess"](None)).one(":GatewayConfig").inputs["config"]
        )
        assert config.services["nightly-report"].roles["sql-reader"][0] == "current_user.me"

    def test_resources_grow_with_the_services_and_keep_their_names(self, deploy: Deploy) -> None:
        data = yaml.safe_load(MODEL)
        second = yaml.safe_load(MODEL)["services"]["nightly-report"]
        second["workload"]["service_account"] = "second"
        data["services"] = {"second": second, **data["services"]}
        one = {row.urn for row in deploy(lambda: BUILDERS["DatabricksAccess"](None)).resources}
        text = yaml.safe_dump(data)
        two = {
            row.urn
            for row in deploy(lambda: DatabricksAccess("all", {"model": text, "gateway_directory": "d"})).resources
        }
        assert one < two
        assert len(two - one) == 10

    def test_a_grant_waits_for_its_role(self, deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
        """The role's id is known beforehand, but Entra refuses a grant of a role that is not there yet."""
        waits: list[set[str]] = []
        original = azuread.AppRoleAssignment.__init__

        def spy(self: Any, name: str, *args: Any, app_role_id: Any = None, **rest: Any) -> None:
            resources = pulumi.Output.from_input(app_role_id).resources()
            pulumi.Output.all(resources).apply(lambda found: waits.append({type(one).__name__ for one in found[0]}))
            original(self, name, *args, app_role_id=app_role_id, **rest)

        monkeypatch.setattr(azuread.AppRoleAssignment, "__init__", spy)
        deploy(lambda: BUILDERS["DatabricksAccess"](None))
        assert waits == [{"ApplicationAppRole"}]

    def test_a_service_may_have_any_name(self, deploy: Deploy) -> None:
        """Also that of a part of the stack: no two resources meet under one name."""
        data = yaml.safe_load(MODEL)
        data["services"] = {"gateway": data["services"]["nightly-report"]}
        text = yaml.safe_dump(data)
        deployed = deploy(lambda: DatabricksAccess("all", {"model": text, "gateway_directory": "d"}))
        assert len({(row.type, row.name) for row in deployed.resources}) == len(deployed.resources)

    def test_a_wrong_model_is_one_clear_refusal(self, deploy: Deploy) -> None:
        with pytest.raises(ArgumentError) as caught:
            deploy(lambda: DatabricksAccess("all", {"model": "account: {}", "gateway_directory": "d"}))
        assert {"account.id", "workspaces", "gateway"} <= {finding.path for finding in caught.value.findings}
