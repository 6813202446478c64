"""CI jobs get their tokens as on their runners: databricks-sdk's own strategies sign in with nothing but a job's
environment."""

import os
from typing import Any

import jwt
import pytest
from databricks.sdk import WorkspaceClient

GITHUB = "repo:acme/etl:environment:production"
AZURE = "p://acme/data/etl"


@pytest.fixture(autouse=True)
def _environment(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("DATABRICKS_", "ARM_", "ACTIONS_", "SYSTEM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", sandbox.endpoints.ca_bundle_file)


def job(sandbox: Any, issuer: str, **claims: Any) -> dict[str, str]:
    body = {"issuer": issuer, "claims": claims}
    answer = sandbox.http.post(f"{sandbox.endpoints.control_url}/issuers/jobs", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


@pytest.mark.parametrize(
    ("issuer", "strategy", "subject", "audience"),
    [
        pytest.param("github", "github-oidc", GITHUB, "lakelatch", id="github"),
        pytest.param("azure-devops", "azure-devops-oidc", AZURE, "api://AzureADTokenExchange", id="azure-devops"),
    ],
)
def test_the_sdk_signs_in_from_a_job(
    sandbox: Any, account: Any, monkeypatch: pytest.MonkeyPatch, issuer: str, strategy: str, subject: str, audience: str
) -> None:
    principal = account.principal(name=f"job of {issuer}")
    url = f"{sandbox.endpoints.issuers_url}/{issuer}"
    made = account.policy(principal, issuer=url, audiences=[audience], subject=subject, subject_claim="sub")
    assert made.status_code == 200, made.text
    for name, value in job(sandbox, issuer, sub=subject).items():
        monkeypatch.setenv(name, value)
    client = WorkspaceClient(
        host=sandbox.endpoints.workspace_host,
        client_id=principal["applicationId"],
        auth_type=strategy,
        token_audience="lakelatch",
    )
    assert client.current_user.me().user_name == principal["applicationId"]


def test_a_job_gets_nothing_with_anothers_token(sandbox: Any) -> None:
    one, other = job(sandbox, "github", sub=GITHUB), job(sandbox, "github", sub=GITHUB)
    address = f"{one['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience=a"
    for bearer, status in ((other, 401), (one, 200)):
        headers = {"Authorization": f"bearer {bearer['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
        assert sandbox.http.get(address, headers=headers).status_code == status
    assert sandbox.http.get(address).status_code == 401
    azure = job(sandbox, "azure-devops", sub=AZURE)
    address = (
        f"{azure['SYSTEM_TEAMFOUNDATIONCOLLECTIONURI']}p/_apis/distributedtask/hubs/build/plans/x/jobs/"
        f"{azure['SYSTEM_JOBID']}/oidctoken"
    )
    assert sandbox.http.post(address).status_code == 401


def test_the_audience_is_what_the_job_asks_for(sandbox: Any) -> None:
    found = job(sandbox, "github", sub=GITHUB, repository="acme/etl")
    headers = {"Authorization": f"Bearer {found['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
    answer = sandbox.http.get(f"{found['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience=x", headers=headers).json()
    claims = jwt.decode(answer["value"], options={"verify_signature": False})
    assert (claims["aud"], claims["sub"], claims["repository"]) == ("x", GITHUB, "acme/etl")


@pytest.mark.parametrize("body", [{"issuer": "gitlab"}, {"issuer": "/"}, []], ids=str)
def test_jobs_that_are_not_understood(sandbox: Any, body: Any) -> None:
    answer = sandbox.http.post(f"{sandbox.endpoints.control_url}/issuers/jobs", json=body)
    assert answer.status_code == 400
