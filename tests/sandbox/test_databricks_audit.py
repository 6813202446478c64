"""The audit log keeps what happened, in the vendor's columns, over restarts, and can be queried as a table."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lakelatch_sandbox import store as store_module
from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.databricks.audit import LOG, SELECT, STRUCTURE, Audit
from lakelatch_sandbox.endpoints import Endpoints, endpoints, identity
from lakelatch_sandbox.store import Store


def made(store: Store) -> tuple[Audit, Endpoints]:
    ports = dict.fromkeys(("databricks_account", "databricks_workspace", "entra", "graph", "cluster", "control"), 1)
    known = endpoints(identity(store), ports, ca_file="", ca_bundle_file="", pid=1)
    return Audit(store, Clock(lambda: 1_700_000_000.0), known), known


def test_rows_are_a_table_of_duckdb_with_the_vendors_types(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.sqlite")
    audit, known = made(store)
    audit.record(None, "accounts", "add", by="admin", params={"targetUserId": 7, "none": None}, on_account=True)
    audit.record(None, "jobs", "runNow", by="app", status=403, error="no 'right'")
    assert all(list(row) == list(STRUCTURE) for row in audit.rows())
    with duckdb.connect() as database:
        columns = [(row[0], row[1]) for row in database.execute(f"DESCRIBE {SELECT}", [audit.as_json()]).fetchall()]
        assert columns == list(STRUCTURE.items())
        found = database.execute(
            f"SELECT workspace_id, user_identity.email, action_name, request_params['targetUserId'],"
            f" response.status_code, response.error_message, year(event_time) FROM ({SELECT})",
            [audit.as_json()],
        ).fetchall()
    store.close()
    assert found == [
        (0, "admin", "add", "7", 200, None, 2023),
        (int(known.workspace_id), "app", "runNow", None, 403, "no 'right'", 2023),
    ]


def test_an_empty_log_is_an_empty_table(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.sqlite")
    with duckdb.connect() as database:
        assert database.execute(SELECT, [made(store)[0].as_json()]).fetchall() == []
    store.close()


def test_log_survives_a_restart_and_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "KEPT_ENTRIES", 10)
    store = Store(tmp_path / "state.sqlite")
    for number in range(2005):
        store.append("log", {"n": number})
    store.append("other", {"n": 0})
    newest = [json.loads(text)["n"] for text in store.entries("log")]
    store.close()
    with closing(sqlite3.connect(tmp_path / "state.sqlite")) as database:
        [[kept]] = database.execute("SELECT count(*) FROM entries WHERE log = 'log'")
    assert kept < 1000, "the file does not grow without end either"
    assert newest == list(range(1995, 2005))
    again = Store(tmp_path / "state.sqlite")
    assert [json.loads(text)["n"] for text in again.entries("log")] == newest
    assert [json.loads(text)["n"] for text in again.entries("other")] == [0]
    assert "other" not in again.kinds()
    again.close()


def audit_rows(sandbox: Any) -> list[dict[str, Any]]:
    """Everything that the audit log holds, oldest first, as another process reads it."""
    with closing(sqlite3.connect(sandbox.state / "state.sqlite")) as database:
        rows = database.execute("SELECT body FROM entries WHERE log = ? ORDER BY sequence", [LOG]).fetchall()
    return [json.loads(body) for (body,) in rows]


def test_every_refusal_is_in_the_audit_log(account: Any, issuer: Any, sandbox: Any) -> None:
    principal = account.principal()
    account.policy(principal, issuer=issuer.url, audiences=["lakelatch"], subject="nightly")
    account.exchange(issuer.token(), principal["applicationId"])
    account.exchange(issuer.token(sub="Nightly"), principal["applicationId"])
    token = account.exchange(issuer.token(), principal["applicationId"]).json()["access_token"]
    account.workspace("GET", "/api/2.0/preview/scim/v2/Me", token)
    rows = [row for row in audit_rows(sandbox) if row["user_identity"]["email"] == principal["applicationId"]][-4:]
    assert [(row["action_name"], row["response"]["status_code"]) for row in rows] == [
        ("mintOAuthToken", 200),
        ("mintOAuthToken", 401),
        ("mintOAuthToken", 200),
        ("oidcTokenAuthorization", 200),
    ]
    assert "subject is 'Nightly'" in rows[1]["response"]["error_message"]
    assert {row["workspace_id"] for row in rows} == {int(sandbox.endpoints.workspace_id)}
    assert token not in json.dumps(rows)


def test_what_administrators_do_is_in_the_audit_log(account: Any, issuer: Any, sandbox: Any) -> None:
    before = len(audit_rows(sandbox))
    principal = account.principal(name="audited")
    account.policy(principal, issuer=issuer.url, audiences=["lakelatch"], subject="nightly")
    group = account.call("POST", "/scim/v2/Groups", {"displayName": "audited"}).json()
    member = {"Operations": [{"op": "add", "path": "members", "value": [{"value": principal["id"]}]}]}
    account.call("PATCH", f"/scim/v2/Groups/{group['id']}", member)
    secret = account.call("POST", f"/servicePrincipals/{principal['id']}/credentials/secrets", {}).json()
    account.call("DELETE", f"/servicePrincipals/{principal['id']}/federationPolicies/main")
    off = {"Operations": [{"op": "replace", "path": "active", "value": False}]}
    account.call("PATCH", f"/scim/v2/ServicePrincipals/{principal['id']}", off)
    account.call("DELETE", f"/scim/v2/Groups/{group['id']}")
    account.call("DELETE", f"/scim/v2/ServicePrincipals/{principal['id']}")
    rows = [row for row in audit_rows(sandbox)[before:] if row["action_name"] != "oidcTokenAuthorization"]
    assert [row["action_name"] for row in rows] == [
        "add",
        "changeDatabricksWorkspaceAcl",
        "createServicePrincipalFederationPolicy",
        "createGroup",
        "addPrincipalToGroup",
        "create",
        "deleteServicePrincipalFederationPolicy",
        "deactivateUser",
        "updateUser",
        "removeGroup",
        "delete",
    ]
    assert {row["user_identity"]["email"] for row in rows} == {sandbox.endpoints.admin_client_id}
    assert {row["workspace_id"] for row in rows} == {0}
    assert issuer.url in rows[2]["request_params"]["oidc_policy"]
    assert secret["secret"] not in json.dumps(rows)


def test_the_log_is_queried_by_sql(workspace: Any, account: Any, issuer: Any, sandbox: Any) -> None:
    principal = account.principal()
    account.policy(principal, issuer=issuer.url, audiences=["lakelatch"], subject="nightly")
    account.exchange(issuer.token(sub="other"), principal["applicationId"])
    rows = workspace.statement_execution.execute_statement(
        f"SELECT service_name, response.status_code, request_params['grantType'] IS NOT NULL FROM system.access.audit"
        f" WHERE action_name = 'mintOAuthToken' AND user_identity.email = '{principal['applicationId']}'",
        sandbox.endpoints.warehouse_id,
    )
    assert rows.result is not None, rows.status
    assert rows.result.data_array == [["accounts", "401", "true"]]


def test_a_request_that_goes_no_further_is_in_the_log_with_its_reason(account: Any, issuer: Any, sandbox: Any) -> None:
    principal = account.principal()
    account.policy(principal, issuer=issuer.url, audiences=["lakelatch"], subject="nightly")
    token = account.exchange(issuer.token(), principal["applicationId"], scope="jobs").json()["access_token"]
    assert account.workspace("GET", "/api/2.0/sql/warehouses", token).status_code == 403
    row = audit_rows(sandbox)[-1]
    assert (row["action_name"], row["response"]["status_code"]) == ("oidcTokenAuthorization", 403)
    assert row["response"]["error_message"] == "The access token's scope lacks `sql`."
    assert row["request_params"]["endpoint"] == "/api/2.0/sql/warehouses"
