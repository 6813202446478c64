"""Proves the promise of the first minute: one command, and a service without any secret queries Databricks.

Real: engine, program, Envoy, `databricks-sdk`, `msal`. Doubles: Databricks, Entra, the cluster, both provider plugins.
"""

import json

import httpx
import pytest
from support.project import Project

pytestmark = pytest.mark.line


def test_the_service_gets_rows_and_databricks_sees_its_principal(project: Project) -> None:
    answer = project.stack.ask("nightly-report")
    assert answer["user_name"] == project.service["application_id"]
    assert answer["columns"] == ["pickup_zip", "trips", "average_fare"]
    assert len(answer["rows"]) == 3


def test_status_tells_everything_as_json(project: Project) -> None:
    status = json.loads(project.lakelatch("status", "--json"))
    assert status["healthy"] is True
    assert {"account_host", "workspace_host", "gateway_host", "ca_file"} <= status.keys()
    [service] = status["services"]
    assert service["name"] == "nightly-report"
    assert service["application_id"] == project.service["application_id"]


def test_a_second_up_changes_nothing(project: Project) -> None:
    before = project.objects()
    said = project.lakelatch("up")
    assert project.objects() == before
    assert not [
        line for line in said.splitlines() if line.strip().startswith(("created", "updated", "deleted", "replaced"))
    ]


def test_by_hand_the_preview_is_empty(project: Project) -> None:
    project.pulumi("preview", "--expect-no-changes", "--policy-pack", "policies")


def test_the_services_token_goes_no_further_than_the_gateway(project: Project) -> None:
    """Its own token is good for the gateway and for nothing else: the workspace's trust names the gateway alone."""
    token = project.lakelatch("sandbox", "token", "--service", "nightly-report").strip()
    assert project.ask(token).status_code == 200
    straight = httpx.get(
        f"{project.endpoints.workspace_host}/api/2.0/preview/scim/v2/Me",
        headers={"Authorization": f"Bearer {token}"},
        verify=project.trust,
    )
    assert straight.status_code == 401
    exchanged = httpx.post(
        f"{project.endpoints.workspace_host}/oidc/v1/token",
        data={
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": token,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "client_id": project.service["application_id"],
            "scope": "all-apis",
        },
        verify=project.trust,
    )
    assert exchanged.status_code in (400, 401)
    assert "issuer" in exchanged.json()["error_description"]


def test_the_databricks_token_never_reaches_the_client(project: Project) -> None:
    token = project.lakelatch("sandbox", "token", "--service", "nightly-report").strip()
    answer = project.ask(token)
    assert "authorization" not in answer.headers
    assert "eyJ" not in answer.text + str(answer.headers)


def test_each_request_leaves_one_audit_line(project: Project) -> None:
    token = project.lakelatch("sandbox", "token", "--service", "nightly-report").strip()
    answer = project.ask(token, "/api/2.0/preview/scim/v2/Me?mark=audited")
    denied = project.ask(token, "/api/2.1/jobs/list")
    assert (answer.status_code, denied.status_code) == (200, 403)
    rows = audit_rows(project, 2)
    by_path = {row["path"]: row for row in rows}
    allowed, refused = by_path["/api/2.0/preview/scim/v2/Me"], by_path["/api/2.1/jobs/list"]
    assert (allowed["decision"], allowed["service"], allowed["action"]) == (
        "allow",
        "nightly-report",
        "current_user.me",
    )
    assert (refused["decision"], refused["service"]) == ("deny", "nightly-report")


def audit_rows(project: Project, least: int) -> list[dict[str, str]]:
    """The audit lines so far; Envoy writes them in the background, so wait for as many as there must be."""
    import time

    deadline = time.monotonic() + 30
    while True:
        text = (project.stack.layout.gateway_state / "audit" / "requests.jsonl").read_text()
        rows = [json.loads(line) for line in text.splitlines()]
        if len(rows) >= least and rows[-1]["path"] == "/api/2.1/jobs/list":
            return rows
        assert time.monotonic() < deadline, text
        time.sleep(0.05)
