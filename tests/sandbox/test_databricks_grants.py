"""The vendor's own client gives, inherits and takes back grants of Unity Catalog."""

from collections.abc import Callable
from typing import Any

import pytest
from databricks.sdk import AccountClient, WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound
from databricks.sdk.service.catalog import PermissionsChange, Privilege
from databricks.sdk.service.iam import ComplexValue


def test_grants(admin: AccountClient, workspace: WorkspaceClient, made: Callable[..., Any]) -> None:
    group, user = made("groups", display_name="readers"), made("users", user_name="max@example.com")
    admin.groups.update(group.id, display_name="readers", members=[ComplexValue(value=user.id)])
    grants: Any = workspace.grants

    def change(type: str, name: str, **privileges: Any) -> Any:
        return grants.update(type, name, changes=[PermissionsChange(principal="readers", **privileges)])

    change("catalog", "main", add=[Privilege.USE_CATALOG])
    answer = change("schema", "main.sales", add=[Privilege.SELECT, Privilege.USE_SCHEMA])
    assert [one.as_dict() for one in answer.privilege_assignments] == [
        {"principal": "readers", "privileges": ["SELECT", "USE_SCHEMA"]}
    ]
    assert grants.get("schema", "main.sales", principal="nobody").privilege_assignments == []
    effective = grants.get_effective("schema", "main.sales", principal="max@example.com").privilege_assignments
    assert {(one.privilege.value, one.inherited_from_name) for one in effective[0].privileges} == {
        ("SELECT", None),
        ("USE_SCHEMA", None),
        ("USE_CATALOG", "main"),
    }
    change("schema", "main.sales", remove=[Privilege.SELECT])
    left = grants.get("schema", "main.sales").privilege_assignments
    assert [one.as_dict() for one in left] == [{"principal": "readers", "privileges": ["USE_SCHEMA"]}]
    with pytest.raises(NotFound, match="Could not find principal with name nobody"):
        grants.update("catalog", "main", changes=[PermissionsChange(principal="nobody", add=[Privilege.SELECT])])
    with pytest.raises(BadRequest, match="not applicable to this entity"):
        change("schema", "main.sales", add=[Privilege.CREATE_CATALOG])
    with pytest.raises(NotFound, match=r"Schema 'main\.none' does not exist"):
        change("schema", "main.none", add=[Privilege.SELECT])


def test_catalogs_and_schemas(workspace: WorkspaceClient) -> None:
    workspace.catalogs.create("made")
    workspace.schemas.create("inside", "made")
    assert "made" in {one.name for one in workspace.catalogs.list()}
    assert [one.full_name for one in workspace.schemas.list("made")] == ["made.inside"]
    with pytest.raises(BadRequest, match="already exists"):
        workspace.catalogs.create("made")
    workspace.catalogs.delete("made")
    with pytest.raises(NotFound, match="does not exist"):
        workspace.schemas.get("made.inside")
