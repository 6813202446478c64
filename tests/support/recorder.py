"""A deployment without an engine: every registration is recorded, with what it was registered with."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pulumi

SERVICE_PRINCIPAL_ID = "5581763342009999"


@dataclass(frozen=True)
class Registered:
    """One resource as the engine would see it."""

    type: str
    name: str
    inputs: dict[str, Any]
    provider: str
    urn: str

    @property
    def parents(self) -> list[str]:
        """The types above it, outermost first; a child that has no parent shows none."""
        return self.urn.split("::")[2].split("$")[:-1]


@dataclass
class Deployment(pulumi.runtime.Mocks):
    """What a program registered, in order, and what its components gave as outputs."""

    resources: list[Registered] = field(default_factory=list)
    outputs: dict[str, set[str]] = field(default_factory=dict)

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Answer as the providers do: generated ids, and the inputs again."""
        made = {
            "azuread:index/applicationRegistration:ApplicationRegistration": {"clientId": f"client-{args.name}"},
            "azuread:index/servicePrincipal:ServicePrincipal": {"objectId": f"object-{args.name}"},
            "databricks:index/servicePrincipal:ServicePrincipal": {"applicationId": f"application-{args.name}"},
            "lakelatch-native:index:GatewayConfig": {"version": "v1"},
        }
        identifier = (
            SERVICE_PRINCIPAL_ID if args.typ.startswith("databricks:index/servicePrincipal:") else f"{args.name}-id"
        )
        self._seen.append((args.typ, args.name, dict(args.inputs), args.provider or ""))
        return identifier, {**args.inputs, **made.get(args.typ, {})}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """No component asks a provider anything."""
        raise AssertionError(f"unexpected call of {args.token}")

    def __post_init__(self) -> None:
        self._seen: list[tuple[str, str, dict[str, Any], str]] = []

    def place(self, urns: Iterable[str]) -> None:
        """Give each recorded resource the URN that the monitor made for it."""
        known = {(urn.split("::")[2].split("$")[-1], urn.split("::")[3]): urn for urn in urns}
        self.resources = [
            Registered(type, name, inputs, provider, known[type, name]) for type, name, inputs, provider in self._seen
        ]

    def of(self, type: str) -> list[Registered]:
        """Every resource of a type, given by the end of its token."""
        return [row for row in self.resources if row.type.endswith(type)]

    def one(self, type: str) -> Registered:
        """The one resource of a type."""
        [row] = self.of(type)
        return row


Deploy = Callable[[Callable[[], Any]], Deployment]
