"""What a workload is at its issuer: the keys that name it, and the exact claim that its tokens carry.

A workload's kind is the kind of the issuer that signs its token, so the document need not say it again.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field

from lakelatch.access import subjects
from lakelatch.access.workloads.base import WorkloadPart
from lakelatch.access.workloads.jobs import AzureDevopsWorkload, CircleciWorkload, GithubWorkload, GitlabWorkload
from lakelatch.access.workloads.platforms import AwsWorkload, GoogleWorkload, KubernetesWorkload
from lakelatch.access.workloads.providers import Auth0Workload, KeycloakWorkload, OidcWorkload, OktaWorkload

UNKNOWN: Final = "unknown"
"""The kind of a workload whose issuer is not in the model; the issuer's own finding says so."""


class EntraWorkload(WorkloadPart):
    """Refused: a service of Entra is proved by a token of another issuer."""

    type: Literal["entra"]
    """This kind of workload."""
    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)

    subject: str = ""
    subject_claim: str = subjects.SUBJECT


class UnknownWorkload(WorkloadPart):
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
