"""Proves the promises that every component keeps, for each public one.

Registrations are recorded without an engine: that engine and providers accept them is proved in tests/line and
tests/components/test_package.py.
"""

import inspect
from typing import Any

import pulumi
import pulumi_databricks as databricks
import pytest
from support.builders import ARGUMENTS, build, options
from support.recorder import Deploy, Registered

import lakelatch
from lakelatch.components.arguments import ArgumentError

COMPONENTS = sorted(ARGUMENTS)
IN_WORKSPACE = (
    "DisableLegacyAccessSetting",
    "DisableLegacyDbfsSetting",
    "Entitlements",
    "Grant",
    "IpAccessList",
    "RestrictWorkspaceAdminsSetting",
    "WorkspaceConf",
)
"""What stands in a workspace, so that its provider is the workspace's."""
NEEDS_ACCOUNT = [name for name in COMPONENTS if name not in ("AccessGateway", "EntraApplication")]


def test_every_public_component_keeps_the_promises_below() -> None:
    assert {name for name in lakelatch.__all__ if not name.endswith("Args")} == set(COMPONENTS)


def children(rows: list[Registered], component: str) -> list[Registered]:
    """Everything but providers and the component itself."""
    return [
        row
        for row in rows
        if not row.type.startswith("pulumi:providers:") and row.type != f"lakelatch:index:{component}"
    ]


@pytest.mark.parametrize("component", COMPONENTS)
class TestPromises:
    def test_its_type_is_its_name(self, component: str, deploy: Deploy) -> None:
        found = deploy(lambda: build(component)).one(f":{component}")
        assert (found.type, found.name) == (f"lakelatch:index:{component}", "app")
        assert not found.request.custom
        assert not found.request.remote

    def test_it_takes_a_name_its_args_and_options(self, component: str) -> None:
        signature = inspect.signature(getattr(lakelatch, component).__init__)
        assert list(signature.parameters) == ["self", "name", "args", "opts"]
        assert signature.parameters["args"].annotation is getattr(lakelatch, f"{component}Args")
        assert signature.parameters["opts"].default is None

    def test_everything_it_makes_stands_below_it(self, component: str, deploy: Deploy) -> None:
        made = children(deploy(lambda: build(component)).resources, component)
        assert made
        for row in made:
            assert row.request.parent, f"{row.type} {row.name} has no parent"
            assert row.parents[0].startswith("lakelatch:index:")

    def test_names_begin_with_its_name(self, component: str, deploy: Deploy) -> None:
        made = children(deploy(lambda: build(component, name="mine")).resources, component)
        assert [row.name for row in made if row.name != "mine" and not row.name.startswith(("mine-", "mine/"))] == []

    def test_two_of_it_live_in_one_program(self, component: str, deploy: Deploy) -> None:
        def program() -> None:
            opts = options()
            build(component, opts, name="one")
            build(component, opts, name="two")

        rows = [row for row in deploy(program).resources if not row.type.startswith("pulumi:providers:")]
        assert len({row.urn for row in rows}) == len(rows)

    def test_it_registers_the_outputs_that_it_declares(self, component: str, deploy: Deploy) -> None:
        deployed = deploy(lambda: build(component))
        declared = {
            row.urn: set(getattr(lakelatch, row.type.rpartition(":")[2]).__annotations__)
            for row in deployed.of("")
            if row.type.startswith("lakelatch:index:")
        }
        assert {urn: set(outputs) for urn, outputs in deployed.outputs.items() if urn in declared} == declared

    def test_children_use_the_providers_it_is_given(self, component: str, deploy: Deploy) -> None:
        for row in children(deploy(lambda: build(component)).resources, component):
            package, _, kind = row.type.partition(":")[0], "", row.type.rpartition(":")[2]
            expected = {"azuread": "entra", "databricks": "workspace" if kind in IN_WORKSPACE else "account"}
            assert row.provider == expected.get(package, "")

    def test_protection_reaches_every_child(self, component: str, deploy: Deploy) -> None:
        deployed = deploy(lambda: build(component, options(protect=True)))
        rows = [row for row in deployed.resources if not row.type.startswith("pulumi:providers:")]
        assert [row.type for row in rows if not row.request.protect] == []

    def test_parent_dependencies_and_aliases_reach_it(self, component: str, deploy: Deploy) -> None:
        def program() -> None:
            above = pulumi.ComponentResource("test:index:Parent", "parent")
            before = databricks.Provider("before")
            build(component, options(parent=above, depends_on=[before], aliases=[pulumi.Alias(name="older")]))

        found = deploy(program).one(f":{component}")
        assert found.parents == ["test:index:Parent"]
        assert "databricks before" in found.waits_for
        assert [alias.spec.name for alias in found.request.aliases] == ["older"]

    def test_a_transformation_reaches_every_child(self, component: str, deploy: Deploy) -> None:
        """The escape hatch: what no argument says can be changed from outside."""
        seen = []

        def keep(args: pulumi.ResourceTransformationArgs) -> None:
            seen.append(args.type_)

        deployed = deploy(lambda: build(component, options(transformations=[keep])))
        made = [row.type for row in deployed.resources if not row.type.startswith("pulumi:providers:")]
        assert sorted(seen) == sorted(made)

    def test_a_second_run_registers_the_same(self, component: str, deploy: Deploy) -> None:
        one, two = ({row.urn: row.inputs for row in deploy(lambda: build(component)).resources} for _ in range(2))
        assert one == two


@pytest.mark.parametrize("component", NEEDS_ACCOUNT)
def test_without_an_account_provider_it_says_what_to_pass(component: str, deploy: Deploy) -> None:
    """The default provider would do for whatever the environment says: never take it for the account."""
    with pytest.raises(ArgumentError, match=r"opts\.providers: has no databricks provider; pass .*account_id"):
        deploy(lambda: build(component, pulumi.ResourceOptions()))


SECRETS: list[Any] = [
    pytest.param("AccessGateway", "config", lambda one: one, ":GatewayConfig", "config", id="gateway"),
    pytest.param("AccountGroup", "members", lambda one: {"a": one}, ":GroupMember", "memberId", id="member"),
    pytest.param("WorkspaceRole", "members", lambda one: {"a": one}, ":GroupMember", "memberId", id="role member"),
    pytest.param("ServiceIdentity", "groups", lambda one: {"a": one}, ":GroupMember", "groupId", id="group"),
    pytest.param(
        "ServiceIdentity",
        "application_id",
        lambda one: one,
        "databricks:index/servicePrincipal:ServicePrincipal",
        "applicationId",
        id="application",
    ),
    pytest.param(
        "FederationTrust",
        "service_principal_id",
        lambda one: one,
        ":ServicePrincipalFederationPolicy",
        "servicePrincipalId",
        id="principal",
    ),
    pytest.param(
        "EntraApplication",
        "grants",
        lambda one: {"call": {"role_id": one, "resource_object_id": "r"}},
        ":AppRoleAssignment",
        "appRoleId",
        id="role id",
    ),
]


@pytest.mark.parametrize(("component", "argument", "place", "child", "inner"), SECRETS)
def test_a_secret_stays_one(component: str, argument: str, place: Any, child: str, inner: str, deploy: Deploy) -> None:
    def program() -> None:
        value: Any = {"a": "1"} if argument == "config" else "12345"
        secret = pulumi.Output.secret(value)
        build(component, **{argument: place(secret)})

    rows = deploy(program).of(child)
    assert rows
    assert all(row.secret(inner) for row in rows)


LATER: list[Any] = [
    ("AccountFederation", {"account_id": "later"}, "account_id"),
    ("AccountFederation", {"policies": "later"}, "policies"),
    ("AccountGroup", {"group": {"create": "later"}}, "group.create"),
    ("CiIdentity", {"github": {"repository": "later"}}, "github.repository"),
    ("EntraApplication", {"display_name": "later"}, "display_name"),
    ("EntraApplication", {"federated_credentials": {"a": "later"}}, "federated_credentials.a"),
    ("FederationTrust", {"policies": {"ab": {"issuer": "later"}}}, "policies.ab.issuer"),
    ("ServiceIdentity", {"workspace_id": "later"}, "workspace_id"),
    ("WorkspaceRole", {"grants": [{"catalog": "later", "privileges": ["A"]}]}, r"grants\[0\].catalog"),
    ("DatabricksAccess", {"model": "later"}, "model"),
]


def later(value: Any) -> Any:
    """The same, with every `later` known only after creation."""
    match value:
        case "later":
            return pulumi.Output.from_input("x")
        case dict():
            return {key: later(inner) for key, inner in value.items()}
        case list():
            return [later(inner) for inner in value]
    return value


@pytest.mark.parametrize(("component", "changed", "path"), LATER, ids=[f"{name} {path}" for name, _, path in LATER])
def test_what_a_policy_has_to_judge_is_never_an_output(component: str, changed: Any, path: str, deploy: Deploy) -> None:
    with pytest.raises(ArgumentError, match=rf"{path}: is known only later"):
        deploy(lambda: build(component, **later(changed)))


PROVIDER_ARGUMENTS: list[Any] = [
    pytest.param(lambda: None, "workspace_provider: is missing, and .* stand in a workspace", id="none"),
    pytest.param(lambda: "an id", "workspace_provider: is not a provider", id="text"),
    pytest.param(lambda: pulumi.ProviderResource("azuread", "x"), "is a provider of azuread", id="another package"),
]


@pytest.mark.parametrize("component", ["SecureWorkspace", "ServiceIdentity", "WorkspaceRole"])
@pytest.mark.parametrize(("provider", "says"), PROVIDER_ARGUMENTS)
def test_a_wrong_workspace_provider_is_told(component: str, provider: Any, says: str, deploy: Deploy) -> None:
    with pytest.raises(ArgumentError, match=says):
        deploy(lambda: build(component, workspace_provider=provider()))


@pytest.mark.parametrize("component", ["SecureWorkspace", "ServiceIdentity", "WorkspaceRole"])
def test_the_accounts_provider_is_not_taken_for_the_workspaces(component: str, deploy: Deploy) -> None:
    def program() -> None:
        opts = options()
        providers: Any = opts.providers
        build(component, opts, workspace_provider=providers["databricks"])

    with pytest.raises(ArgumentError, match="workspace_provider: is the account's provider"):
        deploy(program)
