"""Proves exactly what service principals, groups and roles are made of, what they wait for, and what they refuse."""

from typing import Any

import pulumi
import pytest
from support.builders import build
from support.recorder import ADOPTED_GROUP_ID, ADOPTED_PRINCIPAL_ID, GROUP_ID, SERVICE_PRINCIPAL_ID, Deploy

from lakelatch.access.roles import SECURABLES
from lakelatch.components.arguments import ArgumentError
from lakelatch.components.rights import UnityCatalogGrant

BARE: Any = {"workspace_provider": None, "entitlements": None, "grants": None, "groups": None, "members": None}
PRINCIPAL = "databricks:index/servicePrincipal:ServicePrincipal"
APPLICATION = "9b1d5c7e-0d0f-4f0e-9d53-6f7d3f1c2a11"


class TestServiceIdentity:
    def test_registers_exactly_its_parts(self, deploy: Deploy) -> None:
        deployed = deploy(lambda: build("ServiceIdentity"))
        assert sorted(deployed.made()) == [
            "Entitlements app",
            "Grant app/catalog/main",
            "GroupMember app/readers",
            "MwsPermissionAssignment app",
            "ServiceIdentity app",
            "ServicePrincipal app",
        ]
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
        assert deployed.one(":GroupMember").inputs == {"groupId": "77", "memberId": SERVICE_PRINCIPAL_ID}
        assert deployed.one(":Grant").inputs == {
            "principal": "application-app",
            "catalog": "main",
            "privileges": ["USE_CATALOG", "USE_SCHEMA"],
        }
        assert deployed.one(":Entitlements").inputs == {
            "servicePrincipalId": SERVICE_PRINCIPAL_ID,
            "databricksSqlAccess": True,
            "allowClusterCreate": False,
            "allowInstancePoolCreate": False,
            "workspaceAccess": False,
        }

    def test_only_what_is_asked_for_is_made(self, deploy: Deploy) -> None:
        made = deploy(lambda: build("ServiceIdentity", **BARE)).made()
        assert made == ["ServiceIdentity app", "ServicePrincipal app", "MwsPermissionAssignment app"]

    def test_one_that_entra_manages_names_its_application(self, deploy: Deploy) -> None:
        found = deploy(lambda: build("ServiceIdentity", application_id=APPLICATION)).one(PRINCIPAL)
        assert found.inputs["applicationId"] == APPLICATION

    def test_an_adopted_one_is_found_by_the_accounts_provider_and_never_managed(self, deploy: Deploy) -> None:
        outputs: dict[str, Any] = {}

        def program() -> None:
            made = build("ServiceIdentity", **BARE, application_id=APPLICATION, adopt=True)
            made.application_id.apply(lambda found: outputs.update(application_id=found))

        deployed = deploy(program)
        assert deployed.made() == ["ServiceIdentity app", "MwsPermissionAssignment app"]
        [(function, arguments, provider)] = deployed.calls
        assert function.endswith(":getServicePrincipal")
        assert arguments == {"applicationId": APPLICATION}
        assert "::account::" in provider
        assert deployed.one(":MwsPermissionAssignment").inputs["principalId"] == ADOPTED_PRINCIPAL_ID
        assert outputs == {"application_id": APPLICATION}

    @pytest.mark.parametrize("kept", [True, False])
    def test_what_destroying_does_is_said_at_creation(self, kept: bool, deploy: Deploy) -> None:
        deployed = deploy(lambda: build("ServiceIdentity", keep_on_destroy=kept))
        assert deployed.one(PRINCIPAL).inputs["disableAsUserDeletion"] is kept

    def test_whoever_uses_the_id_waits_for_the_assignment(self, deploy: Deploy) -> None:
        """A workspace refuses a principal that is not assigned to it yet."""

        def program() -> None:
            made = build("ServiceIdentity", **BARE)
            build(
                "FederationTrust",
                name="after",
                service_principal_id=made.service_principal_id,
                opts=pulumi.ResourceOptions(parent=made),
            )

        first, _ = deploy(program).of(":ServicePrincipalFederationPolicy")
        assert {"MwsPermissionAssignment app", "ServicePrincipal app"} <= first.waits_for


@pytest.mark.parametrize("component", ["ServiceIdentity", "WorkspaceRole"])
class TestRights:
    def test_rights_in_a_workspace_wait_for_the_assignment_to_it(self, component: str, deploy: Deploy) -> None:
        deployed = deploy(lambda: build(component))
        for kind in (":Entitlements", ":Grant"):
            assert "MwsPermissionAssignment app" in deployed.one(kind).waits_for

    @pytest.mark.parametrize(
        ("wanted", "sent"),
        [
            pytest.param(
                ["workspace-consume"],
                {"workspaceConsume": True, "allowClusterCreate": False, "allowInstancePoolCreate": False},
                id="consumer: the wider ones are not even mentioned",
            ),
            pytest.param(
                [],
                {
                    "allowClusterCreate": False,
                    "allowInstancePoolCreate": False,
                    "databricksSqlAccess": False,
                    "workspaceAccess": False,
                },
                id="none",
            ),
            pytest.param(
                ["workspace-access", "allow-cluster-create"],
                {
                    "allowClusterCreate": True,
                    "allowInstancePoolCreate": False,
                    "databricksSqlAccess": False,
                    "workspaceAccess": True,
                },
                id="two",
            ),
        ],
    )
    def test_entitlements_are_sent_whole(self, component: str, wanted: Any, sent: Any, deploy: Deploy) -> None:
        inputs = deploy(lambda: build(component, entitlements=wanted)).one(":Entitlements").inputs
        del inputs["servicePrincipalId" if component == "ServiceIdentity" else "groupId"]
        assert inputs == sent

    def test_a_grant_per_securable_with_sorted_privileges(self, component: str, deploy: Deploy) -> None:
        grants = [
            {"schema": "main.sales", "privileges": ["USE_SCHEMA", "SELECT"]},
            {"external_location": "lake", "privileges": ["READ_FILES"]},
        ]
        rows = deploy(lambda: build(component, grants=grants)).of(":Grant")
        assert [row.name for row in rows] == ["app/schema/main.sales", "app/external_location/lake"]
        assert rows[0].inputs["privileges"] == ["SELECT", "USE_SCHEMA"]
        assert rows[1].inputs["externalLocation"] == "lake"

    @pytest.mark.parametrize(
        ("changed", "says"),
        [
            pytest.param({"workspace_id": "adb-1"}, "workspace_id: is not a number", id="workspace"),
            pytest.param({"entitlements": ["sql"]}, "entitlements[0]: is not an entitlement", id="unknown"),
            pytest.param(
                {"entitlements": ["workspace-access", "workspace-access"]},
                "entitlements[1]: is named twice",
                id="twice",
            ),
            pytest.param(
                {"entitlements": ["workspace-consume", "workspace-access"]},
                "entitlements[1]: stands beside workspace-consume",
                id="consumer beside access",
            ),
            pytest.param({"grants": [{"privileges": ["A"]}]}, "grants[0]: names no securable", id="no securable"),
            pytest.param(
                {"grants": [{"catalog": "a", "schema": "a.b", "privileges": ["A"]}]},
                "grants[0]: names 2 securables",
                id="two securables",
            ),
            pytest.param(
                {"grants": [{"catalog": "a", "privileges": ["A"]}, {"catalog": "a", "privileges": ["B"]}]},
                "grants[1]: names the catalog 'a' a second time",
                id="securable twice",
            ),
            pytest.param({"grants": [{"catalog": "a", "privileges": []}]}, "grants[0].privileges: is empty", id="none"),
        ],
    )
    def test_refusals(self, component: str, changed: Any, says: str, deploy: Deploy) -> None:
        with pytest.raises(ArgumentError) as caught:
            deploy(lambda: build(component, **changed))
        assert says in str(caught.value)
        assert len(caught.value.findings) == 1


def test_a_grant_may_be_on_everything_that_the_model_knows() -> None:
    assert set(UnityCatalogGrant.__annotations__) - {"privileges"} == set(SECURABLES)


class TestRefusals:
    @pytest.mark.parametrize(
        ("changed", "says"),
        [
            pytest.param({"adopt": True}, "application_id: is missing", id="adopt whom"),
            pytest.param(
                {"adopt": True, "application_id": APPLICATION, "keep_on_destroy": True},
                "keep_on_destroy: stands beside adopt",
                id="adopt and keep",
            ),
            pytest.param({"display_name": " "}, "display_name: is empty", id="no name"),
        ],
    )
    def test_of_a_principal(self, changed: Any, says: str, deploy: Deploy) -> None:
        with pytest.raises(ArgumentError, match=says):
            deploy(lambda: build("ServiceIdentity", **changed))

    @pytest.mark.parametrize("component", ["AccountGroup", "WorkspaceRole"])
    @pytest.mark.parametrize(
        ("group", "says"),
        [
            pytest.param({}, "group: states neither create nor adopt", id="neither"),
            pytest.param({"create": "a", "adopt": "a"}, "group: states both create and adopt", id="both"),
            pytest.param({"adopt": " "}, "group.adopt: is empty", id="empty"),
        ],
    )
    def test_of_a_group(self, component: str, group: Any, says: str, deploy: Deploy) -> None:
        with pytest.raises(ArgumentError, match=says):
            deploy(lambda: build(component, group=group))

    def test_all_at_once(self, deploy: Deploy) -> None:
        with pytest.raises(ArgumentError) as caught:
            deploy(
                lambda: build(
                    "WorkspaceRole",
                    pulumi.ResourceOptions(),
                    group={},
                    workspace_id="x",
                    entitlements=["y"],
                    grants=[{"privileges": []}],
                    workspace_provider=None,
                )
            )
        assert [finding.path for finding in caught.value.findings] == [
            "group",
            "workspace_id",
            "entitlements[0]",
            "grants[0]",
            "grants[0].privileges",
            "workspace_provider",
            "opts.providers",
        ]


class TestGroups:
    def test_a_made_one(self, deploy: Deploy) -> None:
        deployed = deploy(lambda: build("AccountGroup"))
        assert deployed.made() == ["AccountGroup app", "Group app", "GroupMember app/job"]
        assert deployed.one(":Group").inputs == {"displayName": "readers"}
        assert deployed.one(":GroupMember").inputs == {"groupId": GROUP_ID, "memberId": SERVICE_PRINCIPAL_ID}

    @pytest.mark.parametrize("component", ["AccountGroup", "WorkspaceRole"])
    def test_an_adopted_one_is_found_by_the_accounts_provider_and_never_managed(
        self, component: str, deploy: Deploy
    ) -> None:
        deployed = deploy(lambda: build(component, group={"adopt": "Data Analysts"}))
        assert deployed.of(":Group") == []
        [(function, arguments, provider)] = deployed.calls
        assert function.endswith(":getGroup")
        assert arguments == {"displayName": "Data Analysts"}
        assert "::account::" in provider
        assert deployed.one(":GroupMember").inputs["groupId"] == ADOPTED_GROUP_ID

    def test_a_role_is_a_group_with_rights_in_a_workspace(self, deploy: Deploy) -> None:
        deployed = deploy(lambda: build("WorkspaceRole"))
        assert sorted(deployed.made()) == [
            "AccountGroup app",
            "Entitlements app",
            "Grant app/catalog/main",
            "Group app",
            "GroupMember app/job",
            "MwsPermissionAssignment app",
            "WorkspaceRole app",
        ]
        assert deployed.one(":MwsPermissionAssignment").inputs["principalId"] == GROUP_ID
        assert deployed.one(":Entitlements").inputs["groupId"] == GROUP_ID
        assert deployed.one(":Grant").inputs["principal"] == "readers"
