"""A deployment without an engine: every registration is recorded, with its options, as the engine would be asked."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pulumi
from google.protobuf import json_format  # type: ignore[import-untyped]
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockMonitor

SERVICE_PRINCIPAL_ID = "5581763342009999"
GROUP_ID = "771263342001111"
ADOPTED_GROUP_ID = "771263342002222"
ADOPTED_PRINCIPAL_ID = "5581763342003333"

_IDS = {
    "databricks:index/servicePrincipal:ServicePrincipal": SERVICE_PRINCIPAL_ID,
    "databricks:index/group:Group": GROUP_ID,
}


@dataclass(frozen=True)
class Registered:
    """One resource as the engine would see it."""

    type: str
    name: str
    inputs: dict[str, Any]
    urn: str
    request: Any
    """The `RegisterResourceRequest` itself, with every option."""

    @property
    def parents(self) -> list[str]:
        """The types above it, outermost first; a child that has no parent shows none."""
        return self.urn.split("::")[2].split("$")[:-1]

    @property
    def provider(self) -> str:
        """Name of the provider that it uses; empty for the default one."""
        return str(self.request.provider).split("::")[3] if self.request.provider else ""

    @property
    def waits_for(self) -> set[str]:
        """Type and name of what it depends on, as `Type name`."""
        return {f"{urn.rpartition('::')[0].rpartition(':')[2]} {urn.rpartition('::')[2]}" for urn in self._dependencies}

    @property
    def _dependencies(self) -> list[str]:
        return list(self.request.dependencies)

    def secret(self, name: str) -> bool:
        """Whether an input goes to the engine as a secret."""
        raw = json_format.MessageToDict(self.request.object).get(name)
        return isinstance(raw, dict) and rpc._special_secret_sig in raw.values()


@dataclass
class Deployment(pulumi.runtime.Mocks):
    """What a program registered, in order, what its components gave as outputs, and what it asked providers."""

    resources: list[Registered] = field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of each component that registered outputs, by URN."""
    calls: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    """Function, arguments and provider of each call."""
    id: str | None = None
    """Id of every service principal; None for the usual one."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Answer as the providers do: generated ids, and the inputs again."""
        made = {
            "azuread:index/applicationRegistration:ApplicationRegistration": {"clientId": f"client-{args.name}"},
            "azuread:index/servicePrincipal:ServicePrincipal": {"objectId": f"object-{args.name}"},
            "databricks:index/servicePrincipal:ServicePrincipal": {"applicationId": f"application-{args.name}"},
            "lakelatch-native:index:GatewayConfig": {"version": "v1"},
        }
        return _IDS.get(args.typ, f"{args.name}-id"), {**made.get(args.typ, {}), **args.inputs}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """Find what is there already: any group, any service principal."""
        self.calls.append((args.token, dict(args.args), args.provider))
        found: dict[str, dict[str, Any]] = {
            "databricks:index/getGroup:getGroup": {"id": ADOPTED_GROUP_ID, "displayName": args.args.get("displayName")},
            "databricks:index/getServicePrincipal:getServicePrincipal": {
                "id": ADOPTED_PRINCIPAL_ID,
                "applicationId": args.args.get("applicationId"),
            },
        }
        return found[args.token], []

    def of(self, type: str) -> list[Registered]:
        """Every resource of a type, given by the end of its token."""
        return [row for row in self.resources if row.type.endswith(type)]

    def one(self, type: str) -> Registered:
        """The one resource of a type."""
        [row] = self.of(type)
        return row

    def made(self) -> list[str]:
        """Type and name of everything but providers, as `Type name`."""
        return [
            f"{row.type.rpartition(':')[2]} {row.name}"
            for row in self.resources
            if not row.type.startswith("pulumi:providers:")
        ]


class RecordingMonitor(MockMonitor):
    """The mocks' monitor, which also keeps what it was asked."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(deployment)
        self._deployment = deployment

    def RegisterResource(self, request: Any) -> Any:
        """Keep the request, then answer as the mocks do."""
        if request.type != "pulumi:pulumi:Stack":
            urn = self.make_urn(request.parent, request.type, request.name)
            inputs = rpc.deserialize_properties(request.object)
            plain = {name: rpc.unwrap_rpc_secret(value) for name, value in inputs.items()}
            self._deployment.resources.append(Registered(request.type, request.name, plain, urn, request))
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]

    def RegisterResourceOutputs(self, request: Any) -> Any:
        """Keep what a component gave."""
        self._deployment.outputs[request.urn] = dict(rpc.deserialize_properties(request.outputs))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def deploy(program: Callable[[], Any], *, preview: bool = False, stack: str = "stack") -> Deployment:
    """Run a program against recorders and wait until everything is registered."""
    deployment = Deployment()
    monitor = RecordingMonitor(deployment)
    with own_event_loops():
        pulumi.runtime.set_mocks(deployment, project="project", stack=stack, preview=preview, monitor=monitor)
        pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return deployment


@contextlib.contextmanager
def own_event_loops() -> Iterator[None]:
    """Event loops for Pulumi's SDK, in this thread and in those that it calls monitors from, all closed at the end.

    The SDK makes the ones that it misses and leaves them open, which fails whichever test runs when they are collected.
    """
    loops: list[asyncio.AbstractEventLoop] = []

    def give() -> None:
        loops.append(asyncio.new_event_loop())
        # Of a program that fails, outputs remain that nobody asks: the failure itself is raised already.
        loops[-1].set_exception_handler(lambda _loop, _context: None)
        asyncio.set_event_loop(loops[-1])

    give()
    executor = ThreadPoolExecutor(initializer=give)
    loops[0].set_default_executor(executor)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        executor.shutdown()
        for loop in loops:
            loop.close()


Deploy = Callable[..., Deployment]
