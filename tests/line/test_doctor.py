"""Proves that `lakelatch doctor token` says of a real stack what the gateway and Databricks then do."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.project import Project

from lakelatch.access.trusts import platform_trust
from lakelatch_sandbox.local import client

pytestmark = pytest.mark.line

TAKES, REFUSES = "would take it\n", "would refuse it"


def doctor(project: Project, token: str, state: Path, expect: int = 0) -> str:
    """What the command says of a token, against what the engine exports."""
    file = state.with_name("token.jwt")
    file.write_text(token, encoding="utf-8")
    project.pulumi("stack", "export", "--file", str(state))
    said = project.lakelatch("doctor", "token", str(file), "--state", str(state), expect=expect)
    assert token.rpartition(".")[2] not in said
    return said


def pod(project: Project, service_account: str) -> str:
    """The token that a pod shows to Entra."""
    trust = platform_trust(project.stack.model(), "nightly-report")
    assert trust is not None
    subject = f"system:serviceaccount:reports:{service_account}"
    return client.workload_token(project.endpoints, replace(trust, subject=subject))


def test_a_services_token_is_the_gateways_to_take(project: Project, tmp_path: Path) -> None:
    token = project.stack.token("nightly-report")
    taken, _, refused = doctor(project, token, tmp_path / "state.json").partition(REFUSES)
    assert project.ask(token).status_code == 200
    assert f"{TAKES}  the gateway, for nightly-report\n" in taken
    assert "federation policy 'lakelatch-gateway' of nightly-report\n    issuer: it trusts the gateway" in refused
    assert "stacks/access.yaml line" in refused


def test_a_pods_token_is_entras_to_take(project: Project, tmp_path: Path) -> None:
    token = pod(project, "nightly-report")
    taken, _, refused = doctor(project, token, tmp_path / "state.json").partition(REFUSES)
    assert project.ask(token).status_code == 401
    assert f"{TAKES}  Entra, for nightly-report\n" in taken
    assert "the gateway, for nightly-report\n    issuer: iss is" in refused


def test_another_pods_token_is_nobodys(project: Project, tmp_path: Path) -> None:
    token = pod(project, "other")
    said = doctor(project, token, tmp_path / "state.json", expect=1)
    assert "nobody would take it" in said
    assert "wanted is system:serviceaccount:reports:nightly-report" in said


def test_the_selected_stack_is_found_by_the_engine(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "token.jwt"
    file.write_text(project.stack.token("nightly-report"), encoding="utf-8")
    said = project._run(["lakelatch", "doctor", "token", str(file), "--stack", "local"], project.environment, 0)
    assert "what the stack has made" in said
    assert "the gateway, for nightly-report" in said.partition(REFUSES)[0]
