"""Proves that `lakelatch doctor token` tells who would take a token and why the others would not, and leaks nothing."""

import base64
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from support.wide import WIDE

from lakelatch.access import verifiers
from lakelatch.cli import run

GITHUB = "https://token.actions.githubusercontent.com"
SUBJECT = "repo:acme/etl:environment:production"
SIGNATURE = "c2lnbmF0dXJlLW9mLXRoZS1pc3N1ZXI"


def token(**claims: Any) -> str:
    """A token of the job that `etl-deploy` is, with other claims where they are named."""
    body = {"iss": GITHUB, "aud": "0d26daa6-5e44-4c97-a497-ef015f91254a", "sub": SUBJECT, "exp": time.time() + 900}
    parts = ({"alg": "RS256", "kid": "k1"}, {**body, **claims})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, SIGNATURE])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a model and without an engine."""
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "access.yaml").write_text(WIDE, encoding="utf-8")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def engine(folder: Path, script: str) -> None:
    """A `pulumi` that answers as the script says."""
    file = folder / "bin" / "pulumi"
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)


def state(subject: str) -> str:
    """What the engine exports when a stack has made the trust of `etl-deploy`."""
    policy = {"issuer": GITHUB, "audiences": ["0d26daa6-5e44-4c97-a497-ef015f91254a"], "subject": subject}
    row = {
        "urn": f"urn:pulumi:p::l::{verifiers.PRINCIPAL_POLICY}::access-etl-deploy/lakelatch-workload",
        "type": verifiers.PRINCIPAL_POLICY,
        "outputs": {"policyId": "lakelatch-workload", "oidcPolicy": policy},
    }
    return json.dumps({"version": 3, "deployment": {"resources": [row]}})


def told(capsys: pytest.CaptureFixture[str], folder: Path, text: str, *options: str, code: int = 0) -> str:
    """What the command says of a token in a file."""
    (folder / "token.jwt").write_text(text, encoding="utf-8")
    assert run(["doctor", "token", "token.jwt", *options]) == code
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_who_takes_it_by_the_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = told(capsys, folder, token(email="ann@example.com"))
    takes, _, refuses = said.partition("would refuse it")
    assert "stacks/access.yaml, as no stack was found" in takes
    assert "would take it\n  federation policy 'lakelatch-workload' of etl-deploy" in takes
    assert "federation policy 'lakelatch-gateway' of exporter\n    issuer: it trusts the gateway" in refuses
    assert "ann@example.com" not in said
    assert 'other claims, not compared: "email"' in said


def test_the_line_to_change(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = told(capsys, folder, token(sub="repo:acme/etl:ref:refs/heads/main"), code=1)
    line = WIDE.splitlines().index("    workload: {repository: acme/etl, environment: production}") + 1
    assert f"model:  stacks/access.yaml line {line}: services.etl-deploy.workload" in said
    assert "the job has no `environment:`" in said
    assert "nobody would take it" in said


def test_the_line_in_a_fragment(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head, _, service = WIDE.partition("  etl-deploy:\n")
    service, people, rest = service.partition("people:\n")
    (folder / "stacks" / "access.yaml").write_text(head + people + rest, encoding="utf-8")
    (folder / "stacks" / "access.d").mkdir()
    text = f"services:\n  etl-deploy:\n{service}"
    (folder / "stacks" / "access.d" / "data.yaml").write_text(text, encoding="utf-8")
    said = told(capsys, folder, token(sub="x"), code=1)
    assert "stacks/access.d/data.yaml line 7: services.etl-deploy.workload" in said


def test_what_the_stack_has_made_wins_over_the_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "state.json").write_text(state("repo:acme/etl:pull_request"), encoding="utf-8")
    said = told(capsys, folder, token(sub="repo:acme/etl:pull_request"), "--state", "state.json")
    assert "what the stack has made: 1 that might take it" in said
    assert "would take it\n  federation policy 'lakelatch-workload' of etl-deploy" in said
    assert "would refuse it" not in said


def test_the_selected_stack_is_asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine(folder, f"""[ "$*" = "stack export --non-interactive" ] && echo '{state(SUBJECT)}'""")
    assert "what the stack has made" in told(capsys, folder, token())


def test_a_named_stack_is_asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine(folder, f"""[ "$*" = "stack export --non-interactive --stack prod" ] && echo '{state(SUBJECT)}'""")
    assert "what the stack has made" in told(capsys, folder, token(), "--stack", "prod")


def test_a_stack_without_trusts_leaves_the_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine(folder, """echo '{"deployment": {}}'""")
    assert "as the stack has made none yet" in told(capsys, folder, token())


def test_json_says_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(told(capsys, folder, token(aud="x"), "--json", code=1))
    [row] = [row for row in rows if row["name"] == "federation policy 'lakelatch-workload' of etl-deploy"]
    assert (row["kind"], row["service"], row["matches"], row["known_after_up"]) == (
        "principal",
        "etl-deploy",
        False,
        None,
    )
    assert row["differs"]["part"] == "audience"
    assert row["model"].endswith("issuers.github.audience")


def test_what_is_known_only_after_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Entra makes the subject, so the model cannot know it."""
    issuer = "https://login.microsoftonline.com/7f3b6c1e-9a42-4b8e-8d55-2c9e1f0a6b37/v2.0"
    said = told(capsys, folder, token(iss=issuer))
    assert "known after `pulumi up`\n  the gateway, for nightly-report: audience" in said


def test_neither_token_nor_signature_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = token()
    for options in ([], ["--json"]):
        said = told(capsys, folder, text, *options)
        assert SIGNATURE not in said
        assert text.split(".")[1] not in said


def test_claims_cannot_write_on_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = told(capsys, folder, token(**{"sub": "\x1b[2J", "\x1b[3J": 1}), code=1)
    assert "\x1b" not in said


def test_the_token_may_come_from_standard_input(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"Bearer {token()}\n"))
    assert run(["doctor", "token", "-"]) == 0
    assert "would take it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "options", "code", "says"),
    [
        pytest.param("dapi-hidden", [], 1, "Databricks secret or access token", id="a secret instead of a token"),
        pytest.param(None, ["--state", "no.json"], 1, "cannot read 'no.json'", id="no state"),
        pytest.param(None, ["--state", "token.jwt"], 1, "'token.jwt' is no JSON", id="state that is no JSON"),
        pytest.param(None, ["--state", "list.json"], 1, "has no `deployment`", id="state that is no export"),
        pytest.param(None, ["--state", "a", "--stack", "b"], 2, "exclude each other", id="state and stack"),
        pytest.param(None, ["--stack", "prod"], 1, "no `pulumi` on the PATH", id="a stack without an engine"),
        pytest.param(None, ["--model", "no.yaml"], 1, "cannot read 'no.yaml'", id="no model"),
    ],
)
def test_mistakes(
    text: str | None, options: list[str], code: int, says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "list.json").write_text("[]", encoding="utf-8")
    said = told(capsys, folder, token() if text is None else text, *options, code=code)
    assert says in said
    assert "hidden" not in said
    assert "Traceback" not in said


def test_an_engine_that_fails_is_told_when_a_stack_was_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine(folder, "echo 'error: no stack named prod' >&2; exit 255")
    assert "failed: error: no stack named prod" in told(capsys, folder, token(), "--stack", "prod", code=1)
    assert "as no stack was found" in told(capsys, folder, token())


def test_no_stack_and_no_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "stacks" / "access.yaml").unlink()
    assert "neither a stack nor an access model" in told(capsys, folder, token(), code=1)
