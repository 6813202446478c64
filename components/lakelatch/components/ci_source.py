"""Whose CI jobs are trusted: what a preview and a deployment send as issuer, audience and subject."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NotRequired, TypedDict

from lakelatch.access import subjects
from lakelatch.access.issuers.base import ENTRA_EXCHANGE_AUDIENCE
from lakelatch.access.subjects.exact import uuid
from lakelatch.components.arguments import is_https
from lakelatch.components.trust import TrustPolicy
from lakelatch.errors import Finding


class GithubCi(TypedDict):
    """A repository on GitHub; exactly one of `environment` and `branch`."""

    repository: str
    """`owner/name`."""
    environment: NotRequired[str]
    """Deployments are jobs with this environment. Best: give it reviewers and a rule for its branches."""
    branch: NotRequired[str]
    """Deployments are jobs on this branch without an environment; those of `pull_request_target` are as well."""
    owner_id: NotRequired[str]
    """With `repository_id`: the subject is `repo:OWNER@ID/REPO@ID:…`, which repositories send that were made, renamed
    or transferred after 15 July 2026. Left out: by names alone."""
    repository_id: NotRequired[str]
    """See `owner_id`."""
    issuer: NotRequired[str]
    """`https://token.actions.githubusercontent.com` by default; another one on GitHub Enterprise Server and GHE.com."""


class GitlabCi(TypedDict):
    """A project on GitLab."""

    project: str
    """`group/project`, with every group above it."""
    branch: str
    """Deployments are jobs on this branch; protect it. A preview is any job of the project, because the subject of a
    merge request names its own branch: the claim `project_path` is compared, and a fork's job has another one."""
    issuer: NotRequired[str]
    """`https://gitlab.com` by default; the address of another instance, without a group."""


class AzureDevopsCi(TypedDict):
    """A project on Azure DevOps."""

    organization: str
    """The organisation's name."""
    organization_id: str
    """The organisation's id, in lower case; its issuer is named after it."""
    project: str
    """The project's name, with its case and blanks."""
    pipeline: str
    """The pipeline of previews."""
    service_connection: NotRequired[str]
    """Deployments use this connection, whose issuer is Azure DevOps; give it the check `Branch control`, and approvals.
    A pipeline would not do: its subject names no branch, so whoever may run it on their own branch would deploy."""
    connection_issuer: NotRequired[str]
    """With `connection_subject`, instead of `service_connection`: what Azure DevOps shows of a connection whose issuer
    is Entra, as that of every newer one is."""
    connection_subject: NotRequired[str]
    """See `connection_issuer`."""


KINDS = ("github", "gitlab", "azure_devops")
"""Every kind of CI, as arguments name it."""


def trusts(kind: str, source: Mapping[str, Any], account_id: str) -> tuple[TrustPolicy, TrustPolicy]:
    """The trust of previews and that of deployments.

    Raises:
        ValueError: for a name that the platform would not accept; `source_findings` says all of them.

    """
    match kind:
        case "github":
            issuer = source.get("issuer") or "https://token.actions.githubusercontent.com"
            ids = source.get("owner_id"), source.get("repository_id")
            preview = subjects.github(source["repository"], "pull_request", *ids)
            deploy = subjects.github(source["repository"], _github_context(source), *ids)
            claim = subjects.SUBJECT
        case "gitlab":
            issuer = source.get("issuer") or "https://gitlab.com"
            deploy = subjects.gitlab(source["project"], "branch", source["branch"])
            preview, claim = source["project"], "project_path"
        case _:
            issuer = f"https://vstoken.dev.azure.com/{source['organization_id']}"
            of_project = source["organization"], source["project"]
            preview = subjects.azure_devops(*of_project, "p", source["pipeline"])
            deploy = _connection(source)
            claim = subjects.SUBJECT
    # Azure DevOps makes its tokens out to nobody else; elsewhere the account's id is what Databricks recommends.
    audience = ENTRA_EXCHANGE_AUDIENCE if kind == "azure_devops" else account_id
    return (
        {
            "issuer": issuer,
            "audiences": [audience],
            "subject": preview,
            "subject_claim": claim,
            "description": f"Previews: {preview}, read-only",
        },
        {
            "issuer": source.get("connection_issuer") or issuer,
            "audiences": [audience],
            "subject": deploy,
            "description": f"Deployments: {deploy}",
        },
    )


def source_findings(kind: str, source: Mapping[str, Any]) -> list[Finding]:
    """Everything that is wrong with a source, each with its path."""
    findings = []
    for key, build in _checks(kind, source):
        try:
            build()
        except ValueError as error:
            found, _, expected = str(error).partition("; ")
            findings.append(Finding(f"{kind}.{key}", found, expected))
    findings += [
        Finding(f"{kind}.{key}", "does not begin with https://", "write the issuer's https address")
        for key in ("issuer", "connection_issuer")
        if (issuer := source.get(key)) is not None and not is_https(issuer)
    ]
    return findings


def _checks(kind: str, source: Mapping[str, Any]) -> Iterator[tuple[str, Callable[[], object]]]:
    """Key to what raises ValueError when its value does not hold; other keys stand in with values that do."""
    match kind:
        case "github":
            yield "repository", lambda: subjects.github(source["repository"], "pull_request")
            yield ("branch" if "branch" in source else "environment"), lambda: _github_context(source)
            for key, other in (("owner_id", "repository_id"), ("repository_id", "owner_id")):
                if key in source:
                    yield key, lambda key=key: subjects.number(source[key], key)  # type: ignore[misc]
                elif other in source:
                    yield key, lambda other=other: _missing(other)  # type: ignore[misc]
        case "gitlab":
            yield "project", lambda: subjects.gitlab(source["project"], "branch", "main")
            yield "branch", lambda: subjects.gitlab("a/b", "branch", source["branch"])
        case _:
            yield "organization_id", lambda: uuid(source["organization_id"], "the organisation's id")
            yield "organization", lambda: subjects.azure_devops(source["organization"], "p", "p", "p")
            yield "project", lambda: subjects.azure_devops("o", source["project"], "p", "p")
            yield "pipeline", lambda: subjects.azure_devops("o", "p", "p", source["pipeline"])
            yield "service_connection", lambda: _connection({**source, "organization": "o", "project": "p"})


def _github_context(source: Mapping[str, Any]) -> str:
    environment, branch = source.get("environment"), source.get("branch")
    if environment is None and branch is None:
        raise ValueError("neither an environment nor a branch is named; name one, best a protected environment")
    if environment is not None and branch is not None:
        raise ValueError("stands beside environment; a job with an environment never sends its branch, so keep one")
    if environment is not None:
        return subjects.github_environment(environment)
    return f"ref:{subjects.git_ref('heads', branch or '')}"


def _connection(source: Mapping[str, Any]) -> str:
    """The subject of deployments from Azure DevOps."""
    name, issuer, subject = (
        source.get(key) for key in ("service_connection", "connection_issuer", "connection_subject")
    )
    if (name is None) == (issuer is None) or (issuer is None) != (subject is None):
        raise ValueError("is not the one of two; give it alone, or connection_issuer and connection_subject")
    if name is not None:
        return subjects.azure_devops(source["organization"], source["project"], "sc", name)
    return subjects.identifier(subject or "", "connection_subject")


def _missing(other: str) -> None:
    raise ValueError(f"is missing beside {other}; give both, or none for a subject by names")
