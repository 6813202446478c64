"""Jobs: GitHub Actions, GitLab CI/CD, Azure Pipelines, CircleCI."""

from typing import Literal

from pydantic import model_validator

from lakelatch.access import subjects
from lakelatch.access.workloads.base import BySubject, WorkloadPart, exactly_one


class GithubWorkload(WorkloadPart):
    """A job of GitHub Actions; exactly one of `environment`, `branch`, `tag`, `pull_request`, `reusable_workflow`."""

    type: Literal["github"]
    """The kind of its issuer; may be left out."""
    repository: str
    """`owner/name`."""
    environment: str | None = None
    """Jobs with this environment: best, because it can have reviewers and branch rules."""
    branch: str | None = None
    """Jobs on this branch without an environment."""
    tag: str | None = None
    """Jobs on this tag without an environment."""
    pull_request: bool = False
    """Jobs of every pull request, whoever opened it."""
    reusable_workflow: str | None = None
    """Jobs of this workflow file at this ref, whoever calls it: compares `job_workflow_ref`."""
    owner_id: str | None = None
    """Both ids for a repository that was made, renamed or transferred after 15 July 2026."""
    repository_id: str | None = None
    """See `owner_id`."""

    _exactly_one = model_validator(mode="after")(
        exactly_one(("environment", "branch", "tag", "pull_request", "reusable_workflow"))
    )

    @property
    def subject_claim(self) -> str:
        """`job_workflow_ref` for a reusable workflow, else `sub`."""
        return "job_workflow_ref" if self.reusable_workflow else subjects.SUBJECT

    @property
    def subject(self) -> str:
        """The exact value of the claim."""
        if self.reusable_workflow is not None:
            return subjects.github_reusable_workflow(self.reusable_workflow)
        if self.environment is not None:
            context = subjects.github_environment(self.environment)
        elif self.branch is not None:
            context = f"ref:{subjects.git_ref('heads', self.branch)}"
        elif self.tag is not None:
            context = f"ref:{subjects.git_ref('tags', self.tag)}"
        else:
            context = "pull_request"
        return subjects.github(self.repository, context, self.owner_id, self.repository_id)


class GitlabWorkload(BySubject):
    """A job of GitLab CI/CD; exactly one of `branch` and `tag`."""

    type: Literal["gitlab"]
    """The kind of its issuer; may be left out."""
    project: str
    """`group/project`, with every group above it."""
    branch: str | None = None
    """Jobs on this branch."""
    tag: str | None = None
    """Jobs on this tag."""

    _exactly_one = model_validator(mode="after")(exactly_one(("branch", "tag")))

    @property
    def subject(self) -> str:
        """The exact `sub`."""
        if self.branch is not None:
            return subjects.gitlab(self.project, "branch", self.branch)
        return subjects.gitlab(self.project, "tag", self.tag or "")


class AzureDevopsWorkload(BySubject):
    """A pipeline, or a service connection that pipelines use; exactly one of the two."""

    type: Literal["azure-devops"]
    """The kind of its issuer; may be left out."""
    organization: str
    """The organisation's name."""
    project: str
    """The project's name, with its case and blanks."""
    pipeline: str | None = None
    """The pipeline's name; renaming it breaks the trust."""
    service_connection: str | None = None
    """The service connection's name."""

    _exactly_one = model_validator(mode="after")(exactly_one(("pipeline", "service_connection")))

    @property
    def subject(self) -> str:
        """The exact `sub`."""
        if self.pipeline is not None:
            return subjects.azure_devops(self.organization, self.project, "p", self.pipeline)
        return subjects.azure_devops(self.organization, self.project, "sc", self.service_connection or "")


class CircleciWorkload(WorkloadPart):
    """The jobs of a CircleCI project."""

    type: Literal["circleci"]
    """The kind of its issuer; may be left out."""
    project_id: str
    """The project's id."""

    @property
    def subject_claim(self) -> str:
        """The project's own claim: `sub` names the person who pushed as well."""
        return "oidc.circleci.com/project-id"

    @property
    def subject(self) -> str:
        """The exact value of the claim."""
        return subjects.circleci(self.project_id)
