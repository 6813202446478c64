"""Subjects of jobs: GitHub Actions, GitLab CI/CD, Azure Pipelines, CircleCI."""

import re
from typing import Final

from lakelatch.access.subjects.exact import looseness, number, uuid

_GITHUB_REPOSITORY: Final = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9])?)/([A-Za-z0-9._-]{1,100})")
_GITHUB_WORKFLOW: Final = re.compile(r"([^/@]+/[^/@]+)/\.github/workflows/[A-Za-z0-9._-]+\.ya?ml@(.+)")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_GITLAB_PROJECT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)+")
_NOT_IN_A_REF: Final = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{|^[/.]|[/.]$|/\.|\.lock(?:/|$)")
"""What git-check-ref-format refuses."""
_NOT_IN_AZURE_NAMES: Final = re.compile(r"[/\\:*?\"<>|]")
"""What Azure DevOps refuses in names of projects, pipelines and service connections (naming restrictions page)."""


def github(repository: str, context: str, owner_id: str | None = None, repository_id: str | None = None) -> str:
    """The subject of a GitHub Actions job: `repo:<owner>/<repository>:<context>`.

    `context` is `github_environment(…)`, `ref:` and `git_ref(…)`, or `pull_request`. A job with an environment sends
    that and never its branch. With both ids it is the immutable form `repo:<owner>@<id>/<repository>@<id>:…`, which
    repositories send that were made, renamed or transferred after 15 July 2026.
    Source: GitHub documentation, "OpenID Connect reference", example subject claims.

    Raises:
        ValueError: for a repository that GitHub would not accept, another context, or one id without the other.

    """
    owner, name = _repository(repository)
    ids = [one for one in (owner_id, repository_id) if one is not None]
    if len(ids) == 1:
        raise ValueError("one of owner_id and repository_id is missing; the immutable form has both")
    if ids:
        owner, name = f"{owner}@{number(ids[0], 'owner_id')}", f"{name}@{number(ids[1], 'repository_id')}"
    if context != "pull_request" and not context.startswith(("environment:", "ref:refs/heads/", "ref:refs/tags/")):
        raise ValueError("the context is not one of GitHub's; it is an environment, a ref or pull_request")
    if reason := looseness(context):
        raise ValueError(f"the context is not exact: {reason.partition(';')[0]}; write it exactly as the token has it")
    return f"repo:{owner}/{name}:{context}"


def github_environment(environment: str) -> str:
    """The context of a job with an environment: `environment:<name>`, where `:` in the name becomes `%3A`.

    Raises:
        ValueError: for a name that is empty, has a wildcard, or has its colon escaped already.

    """
    if looseness(environment):
        raise ValueError("the environment is empty, or has a wildcard or stray white space; write its name")
    if "%3a" in environment.lower():
        # Taken as it is, the job of an environment with a real colon there would have the same subject.
        raise ValueError("the environment has its colon escaped already; write `:`")
    return f"environment:{environment.replace(':', '%3A')}"


def github_reusable_workflow(workflow: str) -> str:
    """The `job_workflow_ref` of a reusable workflow: `<owner>/<repository>/.github/workflows/<file>@<ref>`.

    Whoever calls the workflow has this claim: it says which steps run, not whose repository they run for.
    Source: GitHub documentation, "Using OpenID Connect with reusable workflows".

    Raises:
        ValueError: for anything else.

    """
    match = _GITHUB_WORKFLOW.fullmatch(workflow)
    if match is None:
        expected = "write owner/repository/.github/workflows/file.yaml@refs/heads/main"
        raise ValueError(f"the reusable workflow is not a file at a ref; {expected}")
    _repository(match[1])
    if _COMMIT.fullmatch(match[2]):
        return workflow
    for kind in ("heads", "tags"):
        if match[2].startswith(f"refs/{kind}/"):
            git_ref(kind, match[2].removeprefix(f"refs/{kind}/"))
            return workflow
    raise ValueError("the reusable workflow's ref is not whole; write @refs/heads/…, @refs/tags/… or @ and a commit")


def git_ref(kind: str, name: str) -> str:
    """The whole ref of a branch (`heads`) or a tag (`tags`): `refs/heads/main`. Source: git-check-ref-format.

    Raises:
        ValueError: for a name that git would not accept, or that is a whole ref already.

    """
    what = {"heads": "branch", "tags": "tag"}[kind]
    if name.startswith("refs/"):
        raise ValueError(f"the {what} is a whole ref; write its name alone, without refs/{kind}/")
    if not name or _NOT_IN_A_REF.search(name) or looseness(name):
        raise ValueError(f"the {what} is not a name that git takes; write it exactly, without wildcard or white space")
    return f"refs/{kind}/{name}"


def gitlab(project: str, kind: str, name: str) -> str:
    """The subject of a GitLab CI/CD job: `project_path:<group>/<project>:ref_type:<kind>:ref:<name>`.

    A `kind` is `branch` or `tag`.

    Source: GitLab documentation, "OpenID Connect (OIDC) authentication using ID tokens", token payload.

    Raises:
        ValueError: for a path or a name that GitLab would not accept.

    """
    if not _GITLAB_PROJECT.fullmatch(project):
        raise ValueError("the project is not a path; write group/project, with every group above it")
    git_ref({"branch": "heads", "tag": "tags"}[kind], name)
    return f"project_path:{project}:ref_type:{kind}:ref:{name}"


def azure_devops(organization: str, project: str, scheme: str, name: str) -> str:
    """The subject of an Azure Pipelines job: `p://<organization>/<project>/<pipeline>` or `sc://…/<connection>`.

    Renaming any of them makes another subject. Names keep their case and their blanks.
    Source: Databricks, `oauth-federation-policy` page; databricks-sdk-go issue 1391.

    Raises:
        ValueError: for a name that Azure DevOps would not accept.

    """
    what = {"p": "pipeline", "sc": "service connection"}[scheme]
    for label, text in (("organization", organization), ("project", project), (what, name)):
        if _NOT_IN_AZURE_NAMES.search(text) or looseness(text):
            raise ValueError(f"the {label} is not a name that Azure DevOps takes; write it as the portal shows it")
    return f"{scheme}://{organization}/{project}/{name}"


def circleci(project_id: str) -> str:
    """The claim `oidc.circleci.com/project-id` of a CircleCI job; its `sub` names the person who pushed as well.

    Source: CircleCI documentation, "Using OpenID Connect tokens in jobs"; Databricks, `oauth-federation-policy` page.

    Raises:
        ValueError: for what is no UUID in lower case.

    """
    return uuid(project_id, "the project's id")


def _repository(repository: str) -> tuple[str, str]:
    match = _GITHUB_REPOSITORY.fullmatch(repository)
    if match is None:
        raise ValueError("the repository is not a name of GitHub; write owner/name")
    return match[1], match[2]
