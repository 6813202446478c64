"""Proves that the components keep their users out of what the official plugins were seen to do wrong, row by row.

What no component makes is flagged in anybody's program by the policy pack (`tests/policies/corpus`). Two
rows are not the components' to prevent: a token file's trailing newline is stripped by the gateway's token endpoint
(tests/gateway/test_endpoints.py), and slow deletions and interrupted runs are told in the documentation (last test).
"""

import itertools
import runpy
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from support.builders import ARGUMENTS, TRUST, build
from support.recorder import SERVICE_PRINCIPAL_ID, Deploy, Registered
from support.wide import changed

from lakelatch.components.arguments import ArgumentError

REPOSITORY = Path(__file__).parents[2]


def everything(deploy: Deploy) -> list[Registered]:
    """What all components together register."""
    return [row for component in ARGUMENTS for row in deploy(lambda name=component: build(name)).resources]


def of(rows: list[Registered], kind: str) -> list[Registered]:
    found = [row for row in rows if row.type == f"databricks:index/{kind[0].lower()}{kind[1:]}:{kind}"]
    assert found, f"no component makes a {kind}: the test would prove nothing"
    return found


def test_a_changed_assignment_is_deleted_first(deploy: Deploy) -> None:
    """A change replaces it, and both PUT and DELETE name the principal alone: deleting last would leave none."""
    assert all(row.request.deleteBeforeReplace for row in of(everything(deploy), "MwsPermissionAssignment"))


def test_whether_a_destroyed_principal_goes_is_said_when_it_is_made(deploy: Deploy) -> None:
    """Left out it would only be deactivated, and a later change of the switch is ignored."""
    assert all(row.inputs["disableAsUserDeletion"] is False for row in of(everything(deploy), "ServicePrincipal"))


def test_a_principal_id_that_would_be_rounded_is_refused(deploy: Deploy) -> None:
    with pytest.raises(ArgumentError, match=r"above 2\^53"):
        deploy(lambda: build("FederationTrust", service_principal_id=str(2**53 + 1)))


def test_policies_are_named_by_their_policy_id(deploy: Deploy) -> None:
    """Their `.id` is the literal "id" for every one."""
    for component in ("FederationTrust", "AccountFederation"):
        deployed = deploy(lambda name=component: build(name))
        [outputs] = deployed.outputs.values()
        assert outputs["policy_ids"] == list(ARGUMENTS[component]()["policies"])


def test_policies_send_every_field_and_sorted_lists(deploy: Deploy) -> None:
    """What a service fills in or reorders shows up as a change in every preview otherwise."""
    rows = everything(deploy)
    for row in [*of(rows, "ServicePrincipalFederationPolicy"), *of(rows, "AccountFederationPolicy")]:
        assert row.inputs.keys() >= {"policyId", "description", "oidcPolicy"}
        assert row.inputs["oidcPolicy"].keys() >= {"issuer", "audiences", "subjectClaim"}
        assert row.inputs["oidcPolicy"]["audiences"] == sorted(row.inputs["oidcPolicy"]["audiences"])
    for row in of(rows, "Grant"):
        assert row.inputs["privileges"] == sorted(row.inputs["privileges"])


def test_policies_of_one_principal_are_never_made_at_once(deploy: Deploy) -> None:
    many = {f"p{index}": {**TRUST, "issuer": f"https://issuer-{index}.example.com"} for index in range(5)}
    rows = deploy(lambda: build("FederationTrust", policies=many)).of(":ServicePrincipalFederationPolicy")
    for before, row in itertools.pairwise(rows):
        assert f"ServicePrincipalFederationPolicy {before.name}" in row.waits_for


def test_only_one_principals_grants_are_ever_written(deploy: Deploy) -> None:
    """`Grants`, `Permissions` and their like overwrite what everybody else holds."""
    types = {row.type.rpartition(":")[2] for row in everything(deploy)}
    assert not types & {"Grants", "Permissions", "AccessControlRuleSet", "SqlPermissions", "GroupInstanceProfile"}


def test_entitlements_are_never_set_on_the_account(deploy: Deploy) -> None:
    """There they do nothing, and the plugin would fight over them with the workspace's."""
    rows = everything(deploy)
    flags = {"workspaceAccess", "workspaceConsume", "databricksSqlAccess", "allowClusterCreate"}
    assert not [row.type for row in [*of(rows, "ServicePrincipal"), *of(rows, "Group")] if flags & row.inputs.keys()]
    assert {row.provider for row in of(rows, "Entitlements")} == {"workspace"}


def test_no_setting_goes_back_to_what_the_vendor_lets_everybody_do(deploy: Deploy) -> None:
    """Deleted, most settings are permissive again, whatever they were before, and a configuration's switch is off."""
    rows = everything(deploy)
    for kind in (
        "WorkspaceConf",
        "RestrictWorkspaceAdminsSetting",
        "DisableLegacyAccessSetting",
        "DisableLegacyDbfsSetting",
    ):
        assert all(row.request.retainOnDelete for row in of(rows, kind))


def test_a_network_policy_in_use_is_not_destroyed(deploy: Deploy) -> None:
    """Deleting the workspace's turn to it does nothing: the workspace would keep a policy that is gone."""
    rows = everything(deploy)
    assert all(row.request.protect for kind in NETWORK for row in of(rows, kind))
    assert all(row.inputs["accountId"] for row in of(rows, "AccountNetworkPolicy"))


NETWORK = ("AccountNetworkPolicy", "WorkspaceNetworkOption")


def test_no_password_is_made_and_no_relative_end_date_is_written_down(deploy: Deploy) -> None:
    """The plugin ignores `end_date_relative`, while state shows it."""
    types = {row.type for row in everything(deploy)}
    assert not [kind for kind in types if any(word in kind for word in ("Password", "Certificate", "Secret", "Token"))]
    for path in [*(REPOSITORY / "components").rglob("*.py"), REPOSITORY / "__main__.py"]:
        assert "end_date_relative" not in path.read_text(encoding="utf-8"), path


def run_root_program() -> None:
    runpy.run_path(str(REPOSITORY / "__main__.py"))


def test_every_provider_that_the_program_makes_gives_up_in_time(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a limit the databricks plugin waits for an unreachable host for ever, in preview too."""
    monkeypatch.chdir(REPOSITORY)
    model = tmp_path / "access.yaml"
    model.write_text(changed("account", "stack", to="stack"), encoding="utf-8")
    config = {"project:model": str(model), "project:gatewayDirectory": "d"}
    pulumi.runtime.set_all_config(config)
    rows = deploy(run_root_program).of("pulumi:providers:databricks")
    assert [row.name for row in rows][:2] == ["account", "workspace-analytics"]
    assert all(0 < int(row.inputs["retryTimeoutSeconds"]) <= 120 for row in rows)


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "examples").rglob("Pulumi.yaml")), ids=lambda path: path.parent.name
)
def test_every_provider_of_an_example_gives_up_in_time(path: Path) -> None:
    resources: dict[str, Any] = yaml.safe_load(path.read_text()).get("resources", {})
    for name, one in resources.items():
        if one["type"] == "pulumi:providers:databricks":
            assert 0 < one["properties"]["retryTimeoutSeconds"] <= 120, name


def test_a_service_principals_trust_is_never_made_before_it_works_in_its_workspace(deploy: Deploy) -> None:
    rows = deploy(lambda: build("DatabricksAccess")).of(":ServicePrincipalFederationPolicy")
    assert rows
    assert all(any(wait.startswith("MwsPermissionAssignment") for wait in row.waits_for) for row in rows)
    assert {row.inputs["servicePrincipalId"] for row in rows} == {int(SERVICE_PRINCIPAL_ID)}


@pytest.mark.parametrize("words", ["20 s", "pulumi cancel", "one after another"])
def test_what_cannot_be_prevented_is_documented(words: str) -> None:
    pages = " ".join(path.read_text() for path in (REPOSITORY / "docs").rglob("*.md"))
    assert words in pages
