"""What must hold for services: names that exist, one identity each, and a way that can work."""

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

from lakelatch.access.role_rules import unknown_roles
from lakelatch.access.trusts import workload_trust
from lakelatch.access.validation import Location, one_of
from lakelatch.access.workloads import UNKNOWN

if TYPE_CHECKING:
    from lakelatch.access.consistency import Contradiction
    from lakelatch.access.model import AccessModel, Service

Seen = dict[tuple[str, str], str]
"""External identity (issuer, subject) to the service that has it."""


def contradictions(model: "AccessModel") -> Iterator["Contradiction"]:
    """Everything that does not hold for the services."""
    seen: Seen = {}
    for name, service in model.services.items():
        at: Location = ("services", name)
        yield from unknown_roles(model, at, service.roles)
        yield from _workspace(model, at, service)
        signer = yield from _issuers(model, at, service)
        if signer is not None:
            yield from _identity(model, at, name, signer, seen)


def _workspace(model: "AccessModel", at: Location, service: "Service") -> Iterator["Contradiction"]:
    if service.workspace not in model.workspaces:
        yield (*at, "workspace"), f"names {service.workspace!r}, which is not there", one_of(model.workspaces)
        return
    for index, role in enumerate(service.roles):
        place = model.roles[role].workspace if role in model.roles else None
        if place not in (None, service.workspace):
            wrong = f"names the role {role!r}, whose rights are in workspace {place!r}"
            yield (*at, "roles", index), wrong, f"use a role of workspace {service.workspace!r}"
    if service.via == "direct":
        return
    if model.gateway is None:
        yield (*at, "via"), "is the gateway, which the model does not have", "add `gateway:`, or say `via: direct`"
    elif service.workspace != model.gateway.workspace:
        wrong = f"is {service.workspace!r}, which the gateway does not serve"
        yield (
            (*at, "workspace"),
            wrong,
            f"the gateway serves {model.gateway.workspace!r}; `via: direct` needs no gateway",
        )


def _issuers(model: "AccessModel", at: Location, service: "Service") -> Generator["Contradiction", None, str | None]:
    """Check who signs; returns the name of the issuer that signs the workload's own token, when it is usable."""
    if service.issuer not in model.issuers:
        yield (*at, "issuer"), f"names the issuer {service.issuer!r}, which is not there", one_of(model.issuers)
        return None
    platforms = [name for name, row in model.issuers.items() if row.type != "entra"]
    platform = service.workload.issuer
    if model.issuers[service.issuer].type != "entra":
        if platform not in (None, service.issuer):
            wrong = f"names {platform!r}, but the service's own issuer signs for its workload"
            yield (*at, "workload", "issuer"), wrong, "leave it out; only a service of Entra has another one"
            return None
        signer = service.issuer
    elif platform is None:
        yield (*at, "workload", "issuer"), "is missing", f"say who proves the workload to Entra; {one_of(platforms)}"
        return None
    elif platform not in model.issuers:
        wrong = f"names the issuer {platform!r}, which is not there"
        yield (*at, "workload", "issuer"), wrong, one_of(platforms)
        return None
    elif platform not in platforms:
        wrong = f"names {platform!r}, which is Entra too"
        yield (*at, "workload", "issuer"), wrong, f"Entra must be shown a token of another issuer; {one_of(platforms)}"
        return None
    else:
        signer = platform
    kind = model.issuers[signer].type
    if service.workload.type not in (kind, UNKNOWN):
        wrong = f"says {service.workload.type!r}, but {signer!r} is an issuer of type {kind!r}"
        yield (*at, "workload", "type"), wrong, "leave `type` out"
        return None
    return signer


def _identity(model: "AccessModel", at: Location, name: str, signer: str, seen: Seen) -> Iterator["Contradiction"]:
    """The workload is exactly one, and no other service's."""
    service = model.services[name]
    try:
        subject = service.workload.subject
    except ValueError as error:
        wrong, _, right = str(error).partition("; ")
        yield (*at, "workload"), wrong, right
        return
    # Without regard to case: Envoy looks services up so, and two that differ in case alone are a mistake anyway.
    first = seen.setdefault((model.issuers[signer].issuer, subject.lower()), name)
    if first != name:
        wrong = f"is the workload of service {first!r} as well"
        yield (*at, "workload"), wrong, "give each service a workload of its own"
    if service.via == "gateway" and signer == service.issuer:
        claim = service.workload.subject_claim
        if "." in claim:
            wrong = f"is known by the claim {claim!r}, whose dots the gateway would read as steps into the token"
            yield (*at, "via"), wrong, "say `via: direct`"
        if any(character.isspace() for character in subject):
            yield (*at, "via"), "has blanks in its subject, which the gateway does not take", "say `via: direct`"
        if model.gateway is not None and not workload_trust(model, name).audiences:
            yield (*at, "issuer"), "has no audience", "give the issuer an `audience`"
