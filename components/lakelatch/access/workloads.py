"""What a workload is at its issuer: the keys that name it, and the exact claim that its tokens carry.

A workload's kind is the kind of the issuer that signs its token, so the document need not say it again.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from lakelatch.access import subjects
from lakelatch.access.parts import Part
from lakelatch.access.validation import Name

UNKNOWN: Final = "unknown"
"""The kind of a workload whose issuer is not in the model; the issuer's own finding says so."""


class _Workload(Part):
    issuer: Name | None = None
    """For a service of Entra: who signs the token that proves the workload there. Otherwise unset."""


class _BySubject(_Workload):
    @property
    def subject_claim(self) -> str:
        """The claim that names the workload."""
        return subjects.SUBJECT


def _one_of(names: tuple[str, ...]) -> Callable[[Any], Any]:
    """A validator: exactly one of these keys is there."""

    def check(self: Any) -> Any:
        given = [name for name in names if getattr(self, name) not in (None, False)]
        listed = ", ".join(f"`{name}`" for name in names)
        if len(given) != 1:
            found = "names none" if not given else f"names {' and '.join(f'`{name}`' for name in given)}"
            raise ValueError(f"{found} of {listed}; give exactly one")
        return self

    return check


class KubernetesWorkload(_BySubject):
    """A pod with a service account that no other service uses."""

    type: Literal["kubernetes"]
    """The kind of its issuer; may be left out."""
    namespace: str
    """Namespace of the service account."""
    service_account: str
    """Name of the service account; no other service may use it."""

    @property
    def subject(self) -> str:
        """The exact `sub`."""
        return subjects.kubernetes(self.namespace, self.service_account)


class GithubWorkload(_Workload):
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
        _one_of(("environment", "branch", "tag", "pull_request", "reusable_workflow"))
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


class GitlabWorkload(_BySubject):
    """A job of GitLab CI/CD; exactly one of `branch` and `tag`."""

    type: Literal["gitlab"]
    """The kind of its issuer; may be left out."""
    project: str
    """`group/project`, with every group above it."""
    branch: str | None = None
    """Jobs on this branch."""
    tag: str | None = None
    """Jobs on this tag."""

    _exactly_one = model_validator(mode="after")(_one_of(("branch", "tag")))

    @property
    def subject(self) -> str:
        """The exact `sub`."""
        if self.branch is not None:
            return subjects.gitlab(self.project, "branch", self.branch)
        return subjects.gitlab(self.project, "tag", self.tag or "")


class AzureDevopsWorkload(_BySubject):
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

    _exactly_one = model_validator(mode="after")(_one_of(("pipeline", "service_connection")))

    @property
    def subject(self) -> str:
        """The exact `sub`."""
        if self.pipeline is not None:
            return subjects.azure_devops(self.organization, self.project, "p", self.pipeline)
        return subjects.azure_devops(self.organization, self.project, "sc", self.service_connection or "")


class CircleciWorkload(_Workload):
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


class Auth0Workload(_BySubject):
    """A machine-to-machine application."""

    type: Literal["auth0"]
    """The kind of its issuer; may be left out."""
    client_id: str
    """Its client id."""

    @property
    def subject(self) -> str:
        """The exact `sub`."""
        return subjects.auth0(self.client_id)


class OktaWorkload(_BySubject):
    """A service application."""

    type: Literal["okta"]
    """The kind of its issuer; may be left out."""
    client_id: str
    """Its client id, which is also its subject."""

    @property
    def subject(self) -> str:
        """The exact `sub`."""
        return subjects.okta(self.client_id)


class GoogleWorkload(_BySubject):
    """A service account."""

    type: Literal["google"]
    """The kind of its issuer; may be left out."""
    service_account_id: str
    """Its numeric unique id, in quotes; not its address, which can be given to another account later."""

    @property
    def subject(self) -> str:
        """The exact `sub`."""
        return subjects.google(self.service_account_id)


class KeycloakWorkload(_Workload):
    """A client with a service account; exactly one of the two keys."""

    type: Literal["keycloak"]
    """The kind of its issuer; may be left out."""
    client_id: str | None = None
    """The client's id: compares `azp`, which people can read."""
    service_account_id: str | None = None
    """The id of its service-account user: compares `sub`."""

    _exactly_one = model_validator(mode="after")(_one_of(("client_id", "service_account_id")))

    @property
    def subject_claim(self) -> str:
        """`azp` for a client id, else `sub`."""
        return "azp" if self.client_id else subjects.SUBJECT

    @property
    def subject(self) -> str:
        """The exact value of the claim."""
        if self.client_id is not None:
            return subjects.keycloak_client(self.client_id)
        return subjects.keycloak(self.service_account_id or "")


class AwsWorkload(_BySubject):
    """A role of AWS IAM."""

    type: Literal["aws"]
    """The kind of its issuer; may be left out."""
    role_arn: str
    """The role's ARN, not that of a session."""

    @property
    def subject(self) -> str:
        """The exact `sub`."""
        return subjects.aws(self.role_arn)


class OidcWorkload(_Workload):
    """Whatever an issuer's tokens call the workload."""

    type: Literal["oidc"]
    """The kind of its issuer; may be left out."""
    subject: str
    """The exact value of the claim."""
    subject_claim: Annotated[str, Field(min_length=1)] = subjects.SUBJECT
    """The claim that names the workload and never changes."""

    @model_validator(mode="after")
    def _exact(self) -> Self:
        subjects.identifier(self.subject)
        return self


class EntraWorkload(_Workload):
    """Refused: a service of Entra is proved by a token of another issuer."""

    type: Literal["entra"]
    """This kind of workload."""
    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)

    subject: str = ""
    subject_claim: str = subjects.SUBJECT


class UnknownWorkload(_Workload):
    """A workload whose issuer is not known."""

    type: Literal["unknown"]
    """This kind of workload."""
    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)

    subject: str = ""
    subject_claim: str = subjects.SUBJECT


KNOWN = (
    KubernetesWorkload
    | GithubWorkload
    | GitlabWorkload
    | AzureDevopsWorkload
    | CircleciWorkload
    | Auth0Workload
    | OktaWorkload
    | GoogleWorkload
    | KeycloakWorkload
    | AwsWorkload
    | OidcWorkload
)
Workload = Annotated[KNOWN | EntraWorkload | UnknownWorkload, Field(discriminator="type")]


def tagged(data: Any) -> Any:
    """The document with the kind of each service's workload beside it: the kind of the issuer that signs its token.

    Leaves alone whatever is not shaped as the model wants it; the model itself says what is wrong there.
    """
    if not isinstance(data, dict) or not isinstance(data.get("services"), dict):
        return data
    issuers = data.get("issuers") if isinstance(data.get("issuers"), dict) else {}
    services = {name: _tagged_service(service, issuers) for name, service in data["services"].items()}
    return {**data, "services": services}


def _tagged_service(service: Any, issuers: Any) -> Any:
    if not isinstance(service, dict) or not isinstance(service.get("workload"), dict):
        return service
    workload = service["workload"]
    kind = _kind(service.get("issuer"), issuers)
    if kind == "entra":
        kind = _kind(workload.get("issuer"), issuers)
    return {**service, "workload": {"type": kind, **workload}}


def _kind(name: Any, issuers: Any) -> str:
    issuer = issuers.get(name) if isinstance(name, str) else None
    kind = issuer.get("type") if isinstance(issuer, dict) else None
    return kind if isinstance(kind, str) and kind in _KINDS else UNKNOWN


_KINDS: Final = frozenset(
    {"kubernetes", "github", "gitlab", "azure-devops", "circleci", "auth0", "okta", "google", "keycloak", "aws", "oidc"}
    | {"entra"}
)
