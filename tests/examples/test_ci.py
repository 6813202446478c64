"""Proves that the CI templates are what they say: pinned, with the least rights and no secret, closed to forks; and
that the commands in them work, those without a credential and those of a preview, in a small repository."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.engine import EngineProject

CI = Path(__file__).parents[2] / "examples" / "ci"
FILES = {
    "github preview": CI / "github-actions" / "preview.yaml",
    "github deploy": CI / "github-actions" / "deploy.yaml",
    "gitlab": CI / "gitlab" / ".gitlab-ci.yml",
    "azure preview": CI / "azure-devops" / "preview.yml",
    "azure deploy": CI / "azure-devops" / "deploy.yml",
}
MARK = "<!-- lakelatch access diff -->"


def read(name: str) -> Any:
    return yaml.load(FILES[name].read_text(encoding="utf-8"), yaml.BaseLoader)  # `on` stays a text


def jobs(name: str) -> dict[str, Any]:
    """Job name to the job."""
    document = read(name)
    if name.startswith("azure"):
        return {job["job"]: job for job in document["jobs"]}
    return dict(document["jobs"] if name.startswith("github") else {key: document[key] for key in GITLAB_JOBS})


GITLAB_JOBS = ("check", "preview", "deploy")


def commands(name: str, job: str) -> list[str]:
    """What a job's shell runs, in order, but the installation of packages."""
    found = jobs(name)[job]
    if name == "gitlab":
        lines = [*found["script"], *found.get("after_script", [])]
    else:
        lines = [text for step in found["steps"] if (text := step.get("run") or step.get("bash"))]
    return [line for line in lines if not line.startswith("pulumi install")]


@pytest.mark.parametrize("name", FILES)
class TestEveryTemplate:
    def test_it_holds_no_secret(self, name: str) -> None:
        text = FILES[name].read_text(encoding="utf-8")
        assert not re.search(r"secrets\.|PASSWORD|PASSPHRASE|CLIENT_SECRET|ACCESS_KEY|DATABRICKS_TOKEN(?!_AUD)", text)

    def test_a_job_that_ends_never_is_ended(self, name: str) -> None:
        document = read(name)
        for job in jobs(name).values():
            assert {"timeout-minutes", "timeoutInMinutes"} & job.keys() or document["default"]["timeout"]

    def test_the_pack_judges_every_preview_and_deployment(self, name: str) -> None:
        text = FILES[name].read_text(encoding="utf-8")
        runs = re.findall(r"pulumi (?:preview|up|policy analyze)[^\n]*", text)
        assert runs
        assert all("--policy-pack policies" in run for run in runs)


@pytest.mark.parametrize("name", ["github preview", "github deploy"])
class TestGithub:
    def test_actions_are_pinned_to_a_commit_and_say_which_version_it_is(self, name: str) -> None:
        text = FILES[name].read_text(encoding="utf-8")
        used = re.findall(r"uses: (.+)", text)
        assert used
        for action in used:
            assert re.fullmatch(r"[a-z]+/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)
        assert any(action.startswith("pulumi/actions@") for action in used)

    def test_checkouts_leave_no_token_behind(self, name: str) -> None:
        steps = [step for job in jobs(name).values() for step in job["steps"]]
        checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
        assert checkouts
        assert all(step["with"]["persist-credentials"] == "false" for step in checkouts)

    def test_no_text_of_a_stranger_is_put_into_a_script(self, name: str) -> None:
        """An expression inside `run` would be replaced before the shell reads it."""
        assert not [step for job in jobs(name).values() for step in job["steps"] if "${{" in step.get("run", "")]


def test_github_gives_each_job_what_it_needs_and_no_more() -> None:
    assert read("github preview")["permissions"] == read("github deploy")["permissions"] == {}
    assert {name: job["permissions"] for name, job in jobs("github preview").items()} == {
        "check": {"contents": "read"},
        "preview": {"contents": "read", "id-token": "write", "pull-requests": "write"},
    }
    assert jobs("github deploy")["deploy"]["permissions"] == {"contents": "read", "id-token": "write"}


def test_github_previews_are_pull_requests_of_the_repository_itself() -> None:
    assert list(read("github preview")["on"]) == ["pull_request"]  # never pull_request_target
    preview = jobs("github preview")["preview"]
    assert preview["if"] == "github.event.pull_request.head.repo.full_name == github.repository"
    assert "environment" not in preview  # or the subject would be another one
    assert "PREVIEW_CLIENT_ID" in preview["env"]["DATABRICKS_CLIENT_ID"]


def test_github_deploys_a_protected_environment_alone() -> None:
    assert read("github deploy")["on"] == {"push": {"branches": ["main"]}}
    deploy = jobs("github deploy")["deploy"]
    assert deploy["environment"] == "production"
    assert "DEPLOY_CLIENT_ID" in deploy["env"]["DATABRICKS_CLIENT_ID"]


def test_gitlab_previews_are_no_forks_and_deployments_are_main() -> None:
    [preview], [deploy] = jobs("gitlab")["preview"]["rules"], jobs("gitlab")["deploy"]["rules"]
    assert preview["if"].endswith(" && $CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID")
    assert deploy["if"] == '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == "main"'
    assert jobs("gitlab")["preview"]["variables"]["DATABRICKS_CLIENT_ID"] == "$PREVIEW_CLIENT_ID"
    assert jobs("gitlab")["deploy"]["variables"]["DATABRICKS_CLIENT_ID"] == "$DEPLOY_CLIENT_ID"


def test_azure_previews_are_no_forks_and_deployments_use_the_connection() -> None:
    assert "ne(variables['System.PullRequest.IsFork'], 'True')" in jobs("azure preview")["preview"]["condition"]
    assert read("azure preview")["trigger"] == "none"
    assert (read("azure deploy")["pr"], read("azure deploy")["trigger"]["branches"]["include"]) == ("none", ["main"])
    [*_, deploy] = jobs("azure deploy")["deploy"]["steps"]
    assert deploy["env"]["DATABRICKS_OIDC_TOKEN_ENV"] == "idToken"


@pytest.mark.parametrize("name", ["github preview", "gitlab", "azure preview"])
def test_what_runs_for_forks_is_given_no_credential(name: str) -> None:
    check = jobs(name)["check"]
    text = json.dumps(check)
    assert not re.search(r"id_tokens|id-token|DATABRICKS|ACCESSTOKEN|TOKEN", text)
    assert not {"if", "condition"} & check.keys()


CHANGE = ("      - warehouses.get\n", "      - warehouses.get\n      - warehouses.stop\n")


@pytest.fixture
def repository(tmp_path: Path) -> EngineProject:
    """A clone with a change of access on a branch, as a job finds it, and the engine that it would install."""
    project = EngineProject(tmp_path, "example", "")
    shutil.copytree(CI / "repository", project.folder, dirs_exist_ok=True)
    (project.folder / ".venv").symlink_to(sys.prefix)  # what `pulumi install` would make
    shutil.copytree(CI.parents[1] / "policies", project.folder / "policies")  # a link's `..` would be elsewhere
    git = ["git", "-c", "user.name=example", "-c", "user.email=example@example.com", "-C", str(project.folder)]
    model = project.folder / "stacks" / "access.yaml"
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "before"]):
        subprocess.run([*git, *arguments], check=True)
    subprocess.run([*git, "update-ref", "refs/remotes/origin/main", "HEAD"], check=True)
    subprocess.run([*git, "checkout", "-qb", "change"], check=True)
    text = model.read_text(encoding="utf-8")
    assert CHANGE[0] in text
    model.write_text(text.replace(*CHANGE), encoding="utf-8")
    subprocess.run([*git, "commit", "-qam", "after"], check=True)
    return project


def run(project: EngineProject, command: str, **more: str) -> str:
    """One line of a job, as its shell runs it; credentials of whoever runs the tests are not there."""
    own = {key: value for key, value in project.environment.items() if not key.startswith(("DATABRICKS_", "ARM_"))}
    platform = {
        "GITHUB_BASE_REF": "main",
        "GITHUB_STEP_SUMMARY": str(project.folder.parent / "summary.md"),
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": "origin/main",
        "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main",
        "STACK": "test",
        "PULUMI_STACK": "test",
    }
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", command],
        cwd=project.folder,
        env={**own, **platform, **more},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.line
@pytest.mark.parametrize("name", ["github preview", "gitlab", "azure preview"])
def test_the_commands_for_forks_work_without_a_credential(name: str, repository: EngineProject) -> None:
    said = [run(repository, command) for command in commands(name, "check")]
    written = repository.folder / "access.md"
    markdown = written.read_text(encoding="utf-8") if written.exists() else said[-1]
    assert markdown.startswith(MARK)
    assert "warehouses.stop" in markdown
    assert "FederationPolicy" in (repository.folder / "state.json").read_text(encoding="utf-8")


@pytest.mark.line
def test_the_state_of_the_mocks_is_judged(repository: EngineProject) -> None:
    """A weak key in the program ends the job of a fork."""
    program = repository.folder / "__main__.py"
    program.write_text(
        program.read_text(encoding="utf-8")
        + """
databricks.AccountFederationPolicy(
    "weak",
    policy_id="weak",
    oidc_policy={"jwks_json": '{"keys": [{"kty": "oct", "k": "AA", "kid": "a"}]}'},
    opts=pulumi.ResourceOptions(provider=account),
)
""",
        encoding="utf-8",
    )
    *_, mocks, analyze, _, _ = commands("github preview", "check")
    run(repository, mocks)
    with pytest.raises(AssertionError, match="federation-signing-algorithm"):
        run(repository, analyze)


class Platform(HTTPServer):
    """A pull request with one foreign comment, whichever of the three APIs it is asked by."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.comments = ["somebody's, which quotes " + MARK]
        self.asked: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Platform

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        rows: Any = [{"id": index, "body": text} for index, text in enumerate(self.server.comments)]
        if "/_apis/" in self.path:
            rows = {"value": [{"id": row["id"], "comments": [{"id": 1, "content": row["body"]}]} for row in rows]}
        elif not self.path.endswith("page=1"):
            rows = []
        self.answer(rows)

    def do_POST(self) -> None:
        body = self.body()
        self.server.comments.append(body["comments"][0]["content"] if "comments" in body else body["body"])
        self.answer({})

    def do_PATCH(self) -> None:
        body, path = self.body(), self.path.partition("?")[0].split("/")
        index = int(path[-3] if "_apis" in path else path[-1])
        self.server.comments[index] = body.get("content") or body["body"]
        self.answer({})

    do_PUT = do_PATCH

    def body(self) -> Any:
        self.server.asked.append(f"{self.command} {self.path}")
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, value: Any) -> None:
        text = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@pytest.fixture
def platform() -> Iterator[Platform]:
    with Platform() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def variables(platform: Platform) -> dict[str, str]:
    """What the three platforms tell a job."""
    address = f"http://127.0.0.1:{platform.server_port}"
    return {
        "GITHUB_TOKEN": "t",
        "GITHUB_API_URL": address,
        "GITHUB_REPOSITORY": "acme/etl",
        "PULL_REQUEST": "7",
        "COMMENT_TOKEN": "t",
        "CI_API_V4_URL": address,
        "CI_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_IID": "7",
        "SYSTEM_ACCESSTOKEN": "t",
        "SYSTEM_COLLECTIONURI": f"{address}/acme/",
        "SYSTEM_TEAMPROJECT": "Data Platform",
        "BUILD_REPOSITORY_ID": "r",
        "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
    }


WRITTEN = {
    "github": ["POST /repos/acme/etl/issues/7/comments", "PATCH /repos/acme/etl/issues/comments/1"],
    "gitlab": ["POST /projects/3/merge_requests/7/notes", "PUT /projects/3/merge_requests/7/notes/1"],
    "azure-devops": [
        f"{method} /acme/Data%20Platform/_apis/git/repositories/r/pullRequests/7/threads{rest}?api-version=7.1"
        for method, rest in (("POST", ""), ("PATCH", "/1/comments/1"))
    ],
}


def comment(kind: str, folder: Path, platform: Platform) -> None:
    script = [sys.executable, str(CI / "repository" / "ci" / "comment.py"), kind, "access.md", "preview.txt"]
    subprocess.run(script, cwd=folder, env={**os.environ, **variables(platform)}, check=True, timeout=60)


@pytest.mark.parametrize("kind", WRITTEN)
def test_one_comment_is_updated_in_place(kind: str, tmp_path: Path, platform: Platform) -> None:
    (tmp_path / "preview.txt").write_text("+ create ``` of a name\n", encoding="utf-8")
    for text in ("first", "second"):
        (tmp_path / "access.md").write_text(f"{MARK}\n{text}\n", encoding="utf-8")
        comment(kind, tmp_path, platform)
    assert platform.asked == WRITTEN[kind]
    foreign, own = platform.comments
    assert foreign.startswith("somebody's")
    assert own.startswith(f"{MARK}\nsecond\n")
    assert "+ create ``` of a name" in own


def test_a_comment_that_is_too_long_is_cut_and_says_so(tmp_path: Path, platform: Platform) -> None:
    (tmp_path / "access.md").write_text(f"{MARK}\n" + "x" * 59_000, encoding="utf-8")
    (tmp_path / "preview.txt").write_text("y" * 99_000, encoding="utf-8")
    comment("github", tmp_path, platform)
    assert 60_000 < len(platform.comments[1]) < 65_536
    assert "(cut; the job's log has the rest)" in platform.comments[1]


@pytest.mark.line
@pytest.mark.parametrize(
    ("name", "kind"), [("github preview", "github"), ("gitlab", "gitlab"), ("azure preview", "azure-devops")]
)
def test_the_commands_of_a_preview_end_in_one_comment(
    name: str, kind: str, repository: EngineProject, platform: Platform
) -> None:
    for command in commands(name, "preview"):
        run(repository, command, **variables(platform))
    own = platform.comments[1]
    assert own.startswith(MARK)
    assert "warehouses.stop" in own
    assert "lakelatch:index:CiIdentity" in own
    assert platform.asked == WRITTEN[kind][:1]
