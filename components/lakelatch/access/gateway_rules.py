"""What must hold for services that call the gateway, beside what must hold for every service."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from lakelatch.access.trusts import gateway_audience
from lakelatch.access.validation import one_of

if TYPE_CHECKING:
    from lakelatch.access.consistency import Contradiction
    from lakelatch.access.model import AccessModel, Gateway

SERVICES_LIMIT: Final = 10_000
"""What has been tried: Envoy then starts within 10 s and takes 330 MB, most of it for routes."""


def contradictions(model: "AccessModel") -> Iterator["Contradiction"]:
    """Everything that does not hold for the gateway."""
    for name, service in model.services.items():
        if service.via == "direct" and service.limits is not None:
            wrong = "limits a service that goes direct, whose requests nobody counts"
            yield ("services", name, "limits"), wrong, "take the limits away, or let it go `via: gateway`"
    if model.gateway is None:
        return
    if model.gateway.workspace not in model.workspaces:
        wrong = f"names {model.gateway.workspace!r}, which is not there"
        yield ("gateway", "workspace"), wrong, one_of(model.workspaces)
    if (count := len(model.gateway_services())) > SERVICES_LIMIT:
        wrong = f"has {count} services via the gateway"
        yield ("services",), wrong, f"one gateway serves at most {SERVICES_LIMIT}; let CI jobs go `via: direct`"
    yield from _issuers(model, model.gateway)
    yield from _claims(model)
    yield from _people(model)


def _issuers(model: "AccessModel", gateway: "Gateway") -> Iterator["Contradiction"]:
    """A token names its issuer by address alone, so each address the gateway trusts is one issuer's."""
    addresses: dict[str, str] = {}
    callers = {row.issuer for row in model.gateway_services().values()}
    callers |= {row.issuer for row in model.people.values()}
    for name in sorted(callers & set(model.issuers)):
        address = model.issuers[name].issuer
        first = addresses.setdefault(address, name)
        if first != name:
            wrong = f"has the address of {first!r}; a token could not say which it is from"
            yield ("issuers", name), wrong, "use one of them for all services via the gateway"
        if address == gateway.host:
            wrong = "is the gateway itself; what it signs is for Databricks alone"
            yield ("issuers", name), wrong, "name the identity provider"


def _claims(model: "AccessModel") -> Iterator["Contradiction"]:
    """The gateway reads one claim per issuer: with two, a token could be two services."""
    claims: dict[str, tuple[str, str]] = {}
    for name, service in model.gateway_services().items():
        if service.issuer not in model.issuers or model.issuers[service.issuer].type == "entra":
            continue
        claim = service.workload.subject_claim
        first, other = claims.setdefault(service.issuer, (name, claim))
        if other != claim:
            wrong = f"is known by the claim {claim!r}, and {first!r} of the same issuer by {other!r}"
            yield ("services", name, "workload"), wrong, "name both by one claim, or let one go `via: direct`"


def _people(model: "AccessModel") -> Iterator["Contradiction"]:
    """Tokens of people and of services are told apart by what they are made out to (RFC 8725 §3.12)."""
    of_services = {service.issuer for service in model.gateway_services().values()}
    for name in sorted({row.issuer for row in model.people.values()} & set(model.issuers)):
        issuer, at = model.issuers[name], ("issuers", name, "users")
        if issuer.users is None:
            continue
        if "." in issuer.users.subject_claim:
            wrong = f"is {issuer.users.subject_claim!r}, whose dots the gateway would read as steps into the token"
            yield (*at, "subject_claim"), wrong, "name a claim without dots"
        if name in of_services and issuer.users.audience == gateway_audience(model, issuer):
            wrong = "is what services' tokens for the gateway are made out to as well"
            yield (*at, "audience"), wrong, "name another, so that neither can pass for the other"
