"""What must hold between the parts of a model: names that exist, identities that differ, trusts that are exact."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lakelatch.access.actions import ACTIONS, expand
from lakelatch.access.validation import Location

if TYPE_CHECKING:
    from lakelatch.access.model import AccessModel, Service

Contradiction = tuple[Location, str, str]
"""Where, what is wrong, what would be right."""


def contradictions(model: "AccessModel") -> list[Contradiction]:
    """Everything that does not hold together in a model whose structure is right, in document order."""
    return [*_roles(model), *_services(model), *_gateway(model)]


def _roles(model: "AccessModel") -> Iterator[Contradiction]:
    for name, role in model.roles.items():
        for index, action in enumerate(role.actions):
            if not expand(action):
                wrong = f"names the action {action!r}, which the catalogue does not have"
                yield ("roles", name, "actions", index), wrong, f"{_one_of(ACTIONS)}, or `service.*`"


def _services(model: "AccessModel") -> Iterator[Contradiction]:
    workloads: dict[tuple[str, str], str] = {}
    for name, service in model.services.items():
        at: Location = ("services", name)
        for index, role in enumerate(service.roles):
            if role not in model.roles:
                yield (*at, "roles", index), f"names the role {role!r}, which is not there", _one_of(model.roles)
            elif role in service.roles[:index]:
                yield (*at, "roles", index), f"names the role {role!r} a second time", "keep one"
        if service.workspace not in model.workspaces:
            yield (*at, "workspace"), f"names {service.workspace!r}, which is not there", _one_of(model.workspaces)
        elif service.workspace != model.gateway.workspace:
            wrong = f"is {service.workspace!r}, which the gateway does not serve"
            yield (*at, "workspace"), wrong, f"the gateway serves {model.gateway.workspace!r}"
        yield from _identity(model, at, service, workloads, name)


def _identity(
    model: "AccessModel", at: Location, service: "Service", workloads: dict[tuple[str, str], str], name: str
) -> Iterator[Contradiction]:
    """The service's own issuer is Entra, and what proves it there is a platform token that no other service has."""
    for key, issuer, kind in (
        (("issuer",), service.issuer, "entra"),
        (("workload", "issuer"), service.workload.issuer, "kubernetes"),
    ):
        known = [issuer_name for issuer_name, row in model.issuers.items() if row.type == kind]
        if issuer not in model.issuers:
            yield (*at, *key), f"names the issuer {issuer!r}, which is not there", _one_of(known)
        elif issuer not in known:
            yield (*at, *key), f"names {issuer!r}, which is not an issuer of type {kind}", _one_of(known)
    try:
        subject = service.workload.subject
    except ValueError as error:
        wrong, _, right = str(error).partition("; ")
        yield (*at, "workload"), wrong, right
        return
    first = workloads.setdefault((service.workload.issuer, subject), name)
    if first != name:
        wrong = f"is the workload of service {first!r} as well"
        yield (*at, "workload"), wrong, "give each service a service account of its own"


def _gateway(model: "AccessModel") -> Iterator[Contradiction]:
    if model.gateway.workspace not in model.workspaces:
        wrong = f"names {model.gateway.workspace!r}, which is not there"
        yield ("gateway", "workspace"), wrong, _one_of(model.workspaces)


def _one_of(names: Iterable[str]) -> str:
    return f"it must be one of {_listed(names)}"


def _listed(names: Iterable[str], most: int = 12) -> str:
    known = sorted(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return (", ".join(known[:most]) or "none, so add it first") + more
