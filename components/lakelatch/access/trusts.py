"""Whom Databricks and the gateway trust for a model: derived here once, for components, gateway, docs and diagnosis.

service via gateway:  the principal trusts the gateway; the gateway trusts the service's issuer
service via direct:   the principal trusts the service's own issuer
people:               the account trusts their issuer for every user
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakelatch.access.issuers import ENTRA_EXCHANGE_AUDIENCE, EntraIssuer, Issuer
from lakelatch.access.subjects import SUBJECT

if TYPE_CHECKING:
    from lakelatch.access.model import AccessModel

TOKEN_PATH = "/oidc/v1/token"  # noqa: S105 - an address, not a secret
"""A workspace's token address: what Databricks' clients name as audience by themselves (databricks-sdk-go
`config/host_metadata.go`)."""
GATEWAY_POLICY = "lakelatch-gateway"
"""Policy id of the trust in the gateway."""
WORKLOAD_POLICY = "lakelatch-workload"
"""Policy id of the trust in a workload's own issuer."""
POLICIES_LIMIT = 20
"""Federation policies of one service principal, and of one account (Databricks, `oauth-federation-policy` page)."""


@dataclass(frozen=True)
class Trust:
    """Tokens that are taken: from whom, made out to whom, for whom."""

    issuer: str
    """The `iss`, to the letter."""
    audiences: tuple[str, ...]
    """One of them must be in the `aud`; sorted. Empty: known only after creation."""
    subject: str | None
    """The exact value of the subject claim. None: known only after creation, or, account-wide, any user's name."""
    subject_claim: str = SUBJECT
    jwks_uri: str | None = None
    jwks_json: str | None = None


def workload_trust(model: "AccessModel", service: str) -> Trust:
    """What a service's own tokens look like: to the workspace for `via: direct`, to the gateway otherwise.

    A service of Entra has its subject, and its audience unless the issuer gives one, only after creation.
    """
    row = model.services[service]
    issuer = model.issuers[row.issuer]
    jwks_uri, jwks_json = issuer.keys
    if isinstance(issuer, EntraIssuer):
        audiences = (issuer.audience,) if issuer.audience else ()
        return Trust(issuer.issuer, audiences, None, SUBJECT)
    return Trust(
        issuer.issuer,
        _audiences(model, service, issuer),
        row.workload.subject,
        row.workload.subject_claim,
        jwks_uri,
        jwks_json,
    )


def principal_trust(model: "AccessModel", service: str) -> tuple[str, Trust]:
    """The one federation policy of a service's principal, with its policy id."""
    if model.services[service].via == "direct":
        return WORKLOAD_POLICY, workload_trust(model, service)
    assert model.gateway is not None, "a model with a service via the gateway has a gateway"  # noqa: S101
    return GATEWAY_POLICY, Trust(model.gateway.host, (model.account.id,), service)


def platform_trust(model: "AccessModel", service: str) -> Trust | None:
    """The platform token that Entra takes from a service instead of a secret; None for services of other issuers."""
    row = model.services[service]
    if not isinstance(model.issuers[row.issuer], EntraIssuer) or row.workload.issuer is None:
        return None
    platform = model.issuers[row.workload.issuer]
    return Trust(platform.issuer, (ENTRA_EXCHANGE_AUDIENCE,), row.workload.subject)


def account_trusts(model: "AccessModel") -> Iterator[tuple[str, Trust]]:
    """The account's federation policies for people, each with the name of its issuer."""
    for name, issuer in model.issuers.items():
        if issuer.users is not None:
            jwks_uri, jwks_json = issuer.keys
            audiences, claim = (issuer.users.audience,), issuer.users.subject_claim
            yield name, Trust(issuer.issuer, audiences, None, claim, jwks_uri, jwks_json)


def gateway_audience(model: "AccessModel", issuer: Issuer) -> str | None:
    """What tokens for the gateway are made out to; None for Entra's, whose application is made first."""
    if issuer.fixed_audience:
        return issuer.fixed_audience
    if isinstance(issuer, EntraIssuer) or model.gateway is None:
        return None
    return f"{model.gateway.host}{TOKEN_PATH}"


def _audiences(model: "AccessModel", service: str, issuer: Issuer) -> tuple[str, ...]:
    row = model.services[service]
    if issuer.fixed_audience:
        return (issuer.fixed_audience,)
    if row.via == "direct":
        return tuple(sorted((model.account.id, f"{model.workspaces[row.workspace].host}{TOKEN_PATH}")))
    audience = gateway_audience(model, issuer)
    return (audience,) if audience else ()
