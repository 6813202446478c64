"""Tokens from the command line: what the control address mints, and one clear error for what it does not."""

from pathlib import Path
from typing import Any

import jwt
import pytest
from click.testing import CliRunner
from support.tenant import Tenant

from lakelatch_sandbox.cli import sandbox as command
from lakelatch_sandbox.errors import SandboxError


def run(*arguments: str) -> str:
    done = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output.strip()


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def test_a_token_of_an_issuer(sandbox: Any) -> None:
    token = run(
        "issuer-token",
        "github",
        f"--state={sandbox.state}",
        "--subject=repo:acme/etl:pull_request",
        "--audience=a",
        "--audience=b",
        "--claim=run_attempt=2",
        "--claim=repository=acme/etl",
        "--algorithm=ES256",
    )
    found = claims(token)
    assert jwt.get_unverified_header(token)["alg"] == "ES256"
    assert (found["sub"], found["aud"]) == ("repo:acme/etl:pull_request", ["a", "b"])
    assert (found["run_attempt"], found["repository"]) == (2, "acme/etl")
    assert found["iss"] == f"{sandbox.endpoints.issuers_url}/github"


def test_a_token_of_a_person(sandbox: Any) -> None:
    tenant = Tenant(sandbox)
    api, _ = tenant.application(
        "api", api={"requestedAccessTokenVersion": 2}, optionalClaims={"accessToken": [{"name": "acrs"}]}
    )
    person = tenant.user("ann")
    found = claims(
        run(
            "user-token",
            person["userPrincipalName"],
            f"--state={sandbox.state}",
            f"--resource={api['appId']}",
            "--context=c1",
        )
    )
    assert (found["oid"], found["acrs"]) == (person["id"], ["c1"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["user-token", "nobody@example.com", "--resource=api://x"], "AADSTS50034"),
        (["issuer-token", ".."], "must name a path"),
    ],
    ids=["entra", "issuer"],
)
def test_refusals_are_told(sandbox: Any, arguments: list[str], words: str) -> None:
    with pytest.raises(SandboxError, match=words):
        run(*arguments, f"--state={sandbox.state}")


def test_without_a_sandbox(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="holds no running sandbox"):
        run("issuer-token", "github", f"--state={tmp_path}")


def test_a_claim_without_a_value(sandbox: Any) -> None:
    done = CliRunner().invoke(command, ["issuer-token", "github", f"--state={sandbox.state}", "--claim=x"])
    assert done.exit_code == 2
    assert "is not NAME=VALUE" in done.output
