"""Proves that `lakelatch access diff` compares revisions, files and previews, and that its exit code tells enough."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.wide import WIDE, changed, text

from lakelatch.cli import run


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=n", "-c", "user.email=n@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a model in two files, committed and tagged."""
    folder = tmp_path / "project"
    stacks = folder / "stacks"
    (stacks / "access.d").mkdir(parents=True)
    data = yaml.safe_load(WIDE)
    services = data.pop("services")
    (stacks / "access.yaml").write_text(text(data), encoding="utf-8")
    (stacks / "access.d" / "team.yaml").write_text(text({"services": services}), encoding="utf-8")
    git(folder, "init", "--initial-branch", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "first")
    git(folder, "tag", "v1")
    monkeypatch.chdir(folder)
    return folder


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert run(["access", "diff", *arguments]) == code
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured.out + captured.err


def grow(project: Path, *actions: str) -> None:
    file = project / "stacks" / "access.yaml"
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    data["roles"]["reader"]["actions"] = list(actions)
    file.write_text(text(data), encoding="utf-8")


def test_what_is_not_committed_is_compared_with_what_is(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys) == "no access changes\n"
    grow(project, "current_user.me", "statement_execution.*", "jobs.run_now")
    told = said(capsys)
    assert "+ nightly-report, exporter may now do 1 action  [medium risk]" in told
    assert "jobs.run_now" in told


def test_two_revisions(project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also from a folder within, and of a fragment that is there no more."""
    (project / "stacks" / "access.d" / "team.yaml").unlink()
    git(project, "commit", "-am", "second")
    told = said(capsys, "--from", "v1", "--to", "main")
    assert "- nightly-report, exporter may no longer do 7 actions" in told
    monkeypatch.chdir(project / "stacks")
    assert said(capsys, "--from", "v1", "--to", "main", "--model", "access.yaml") == told
    assert said(capsys, "--from", "v1", "--to", "main", "--model", ".") == told


def test_a_file_comes_before_a_revision_of_its_name(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "v1").write_text(changed("people", to={}), encoding="utf-8")
    assert "analysts" in said(capsys, "--from", "v1")
    assert said(capsys, "--from", "git:v1") == "no access changes\n"


def test_a_revision_without_a_model_makes_everything_new(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(project, "mv", "stacks", "elsewhere")
    git(project, "commit", "-m", "moved")
    told = said(capsys, "--from", "v1", "--to", "HEAD", "--model", "elsewhere/access.yaml")
    assert "not seen: a model: v1 has none at elsewhere/access.yaml" in told
    assert "nightly-report, exporter may now do 7 actions" in told


@pytest.mark.parametrize(
    ("actions", "code"),
    [
        pytest.param(["current_user.me", "statement_execution.*"], 0, id="no change"),
        pytest.param(["current_user.me"], 3, id="less"),
        pytest.param(["current_user.me", "statement_execution.*", "jobs.run_now"], 4, id="more"),
        pytest.param(["jobs.run_now"], 4, id="more and less"),
    ],
)
def test_the_exit_code(project: Path, capsys: pytest.CaptureFixture[str], actions: list[str], code: int) -> None:
    grow(project, *actions)
    said(capsys, "--exit-code", code=code)
    said(capsys, code=0)


WRONG: dict[str, tuple[list[str], str]] = {
    "no revision": (["--from", "no-such"], "git knows no revision 'no-such'"),
    "an option in disguise": (["--from", "git:--output=x"], "git knows no revision '--output=x'"),
    "a model that is wrong": (["--to", "broken.yaml"], "broken.yaml: 1 problem"),
    "a model and a state": (["--from", "state.json", "--to", "HEAD"], "cannot be compared"),
}


@pytest.mark.parametrize(("arguments", "told"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_compared_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    (project / "broken.yaml").write_text("- a", encoding="utf-8")
    (project / "state.json").write_text(json.dumps({"deployment": {"resources": []}}), encoding="utf-8")
    assert told in said(capsys, *arguments, code=1)
    assert sorted(one.name for one in project.iterdir()) == [".git", "broken.yaml", "stacks", "state.json"]


def test_a_preview_needs_no_other_side(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kind = "databricks:index/grant:Grant"
    row: dict[str, Any] = {"urn": f"urn:pulumi:p::l::{kind}::g", "type": kind}
    new = row | {"inputs": {"principal": "Readers", "catalog": "main", "privileges": ["MANAGE"]}}
    steps = {"steps": [{"op": "create", "urn": row["urn"], "newState": new}]}
    (project / "preview.json").write_text(json.dumps(steps), encoding="utf-8")
    told = said(capsys, "--to", "preview.json")
    assert "+ MANAGE on catalog main: now also members of Readers, by the group Readers  [high risk]" in told


def test_every_form(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grow(project, "current_user.me")
    assert said(capsys, "--markdown").startswith("<!-- lakelatch access diff -->\n### Access changes\n")
    assert json.loads(said(capsys, "--json"))["actions"][0]["change"] == "loses"
    said(capsys, "--svg", "picture.svg")
    assert (project / "picture.svg").read_text(encoding="utf-8").startswith("<svg ")
    assert "cannot write" in said(capsys, "--svg", "no/such/folder.svg", code=1)
