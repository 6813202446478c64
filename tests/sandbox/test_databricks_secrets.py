"""Secrets are kept behind their access lists, given out by `get` alone, and never shown anywhere else."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, PermissionDenied, ResourceAlreadyExists
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service.workspace import AclPermission
from support.workspace import administrator, other

pytestmark = pytest.mark.usefixtures("environment")

VALUE = "not-for-any-log"


@pytest.fixture
def workspace(sandbox: Any) -> WorkspaceClient:
    return administrator(sandbox)


def test_scopes_and_secrets(workspace: WorkspaceClient) -> None:
    """Everything that the vendor's client does with scopes and values works, and what is missing is refused."""
    secrets = workspace.secrets
    secrets.create_scope("ledger")
    with pytest.raises(ResourceAlreadyExists, match="already exists"):
        secrets.create_scope("ledger")
    secrets.put_secret("ledger", "password", string_value=VALUE)
    secrets.put_secret("ledger", "key", bytes_value=base64.b64encode(b"\0\xff").decode())
    assert base64.b64decode(secrets.get_secret("ledger", "password").value or "") == VALUE.encode()
    assert base64.b64decode(secrets.get_secret("ledger", "key").value or "") == b"\0\xff"
    assert [one.key for one in secrets.list_secrets("ledger")] == ["password", "key"]
    assert "ledger" in [one.name for one in secrets.list_scopes()]
    secrets.delete_secret("ledger", "key")
    with pytest.raises(NotFound, match="Secret does not exist"):
        secrets.get_secret("ledger", "key")
    secrets.delete_scope("ledger")
    with pytest.raises(NotFound, match="Scope ledger does not exist"):
        secrets.list_secrets("ledger")
    # a scope that is made anew does not find the old values
    secrets.create_scope("ledger")
    assert list(secrets.list_secrets("ledger")) == []
    secrets.delete_scope("ledger")


@pytest.mark.parametrize(
    ("level", "allowed"),
    [
        pytest.param(None, "", id="no level"),
        pytest.param(AclPermission.READ, "get", id="read"),
        pytest.param(AclPermission.WRITE, "get put", id="write"),
        pytest.param(AclPermission.MANAGE, "get put acls", id="manage"),
    ],
)
def test_access_lists(
    workspace: WorkspaceClient, sandbox: Any, account: Any, level: AclPermission | None, allowed: str
) -> None:
    """Each level includes those below it and nothing above; without any, not even the scope's name is shown."""
    scope = f"levels-{level.value if level else 'none'}"
    caller, name = other(sandbox, account, scope)
    workspace.secrets.create_scope(scope)
    workspace.secrets.put_secret(scope, "k", string_value=VALUE)
    if level is not None:
        workspace.secrets.put_acl(scope, name, level)
        assert workspace.secrets.get_acl(scope, name).permission is level
    calls: dict[str, Callable[[], object]] = {
        "get": lambda: caller.secrets.get_secret(scope, "k"),
        "put": lambda: caller.secrets.put_secret(scope, "k", string_value=VALUE),
        "acls": lambda: list(caller.secrets.list_acls(scope)),
    }
    for call, made in calls.items():
        if call in allowed:
            made()
        else:
            with pytest.raises(PermissionDenied):
                made()
    assert [one.name for one in caller.secrets.list_scopes()] == ([scope] if level else [])
    if level is not None:
        workspace.secrets.delete_acl(scope, name)
        with pytest.raises(PermissionDenied):
            calls["get"]()


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        pytest.param("scopes/create", {"scope": "a/b"}, "INVALID_PARAMETER_VALUE", id="name of a scope"),
        pytest.param("scopes/create", {}, "INVALID_PARAMETER_VALUE", id="no name"),
        pytest.param(
            "scopes/create",
            {"scope": "vault", "scope_backend_type": "AZURE_KEYVAULT"},
            "NOT_IMPLEMENTED",
            id="another backend",
        ),
        pytest.param("put", {"scope": "bad", "key": "k"}, "INVALID_PARAMETER_VALUE", id="no value"),
        pytest.param(
            "put",
            {"scope": "bad", "key": "k", "string_value": VALUE, "bytes_value": "AA=="},
            "INVALID_PARAMETER_VALUE",
            id="two values",
        ),
        pytest.param("put", {"scope": "bad", "key": "k", "bytes_value": VALUE}, "INVALID_PARAMETER_VALUE", id="base64"),
        pytest.param(
            "put", {"scope": "bad", "key": "k", "string_value": "x" * 131_073}, "MAX_SECRET_SIZE_EXCEEDED", id="size"
        ),
        pytest.param("put", {"scope": "bad", "key": "k/", "string_value": "x"}, "INVALID_PARAMETER_VALUE", id="key"),
        pytest.param(
            "acls/put",
            {"scope": "bad", "principal": "nobody", "permission": "READ"},
            "RESOURCE_DOES_NOT_EXIST",
            id="who",
        ),
    ],
)
def test_refusals_never_quote_a_value(workspace: WorkspaceClient, path: str, body: dict[str, str], code: str) -> None:
    """Bad requests have the vendor's code, and a message without the value."""
    if "bad" not in [one.name for one in workspace.secrets.list_scopes()]:
        workspace.secrets.create_scope("bad")
    with pytest.raises(DatabricksError) as refusal:
        workspace.api_client.do("POST", f"/api/2.0/secrets/{path}", body=body)
    assert refusal.value.error_code == code
    assert VALUE not in str(refusal.value)


def test_values_stay_out_of_logs_and_dumps(workspace: WorkspaceClient, sandbox: Any, account: Any) -> None:
    """Neither the audit table nor the control double's dump of all objects holds a value, in clear or in base64."""
    workspace.secrets.create_scope("silent")
    workspace.secrets.put_secret("silent", "k", string_value=VALUE)
    workspace.secrets.get_secret("silent", "k")
    rows = workspace.statement_execution.execute_statement(
        "SELECT action_name, CAST(request_params AS STRING) FROM system.access.audit "
        "WHERE service_name = 'secrets' AND request_params['scope'] = 'silent' ORDER BY event_time",
        sandbox.endpoints.warehouse_id,
    )
    assert rows.result is not None
    assert [row[0] for row in rows.result.data_array or []] == ["createScope", "putSecret", "getSecret"]
    shown = str(rows.result.data_array) + sandbox.http.get(f"{sandbox.endpoints.control_url}/objects").text
    assert "silent" in shown
    for written in (VALUE, base64.b64encode(VALUE.encode()).decode()):
        assert written not in shown
