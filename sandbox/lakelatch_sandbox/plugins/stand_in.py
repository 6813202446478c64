"""A plugin made of a table of resource types: what the engine asks, answered from each type's spec."""

import os
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import (
    CheckFailure,
    CheckRequest,
    CheckResponse,
    ConfigureRequest,
    ConfigureResponse,
    CreateRequest,
    CreateResponse,
    DeleteRequest,
    DiffRequest,
    DiffResponse,
    GetSchemaRequest,
    GetSchemaResponse,
    InvokeRequest,
    InvokeResponse,
    PropertyDiff,
    PropertyDiffKind,
    Provider,
    ReadRequest,
    ReadResponse,
    UpdateRequest,
    UpdateResponse,
)

from lakelatch.plugin.values import Unknown, has_unknown, plain, property_value
from lakelatch_sandbox.plugins.check import coerced_fields, problems
from lakelatch_sandbox.plugins.errors import PluginError
from lakelatch_sandbox.plugins.schema import provider_schema
from lakelatch_sandbox.plugins.sdk import Resource, Sdk
from lakelatch_sandbox.plugins.spec import Api, Function, Spec, State

Values = Mapping[str, PropertyValue]
_KINDS: Final = {
    ("add", False): PropertyDiffKind.ADD,
    ("add", True): PropertyDiffKind.ADD_REPLACE,
    ("delete", False): PropertyDiffKind.DELETE,
    ("delete", True): PropertyDiffKind.DELETE_REPLACE,
    ("update", False): PropertyDiffKind.UPDATE,
    ("update", True): PropertyDiffKind.UPDATE_REPLACE,
}


class StandIn(Provider, Generic[Api]):
    """A package of resources over a vendor's API on this machine.

    `connect` makes the API from the provider's arguments; `environment` says which variable stands in for an argument.
    Nothing is asked of the vendor before the first resource needs it, so a preview works while an argument is unknown.
    """

    def __init__(
        self,
        sdk: Sdk,
        specs: tuple[Spec[Api], ...],
        environment: Mapping[str, str],
        connect: Callable[[Mapping[str, str]], Api],
        functions: tuple[Function[Api], ...] = (),
    ) -> None:
        self._sdk = sdk
        self._specs = {spec.type: spec for spec in specs}
        self._functions = {function.token: function for function in functions}
        self._environment = environment
        self._connect = connect
        self._resources: dict[str, Resource] = {}
        self._api: Api | None = None

    def _known(self, token: str) -> tuple[Spec[Api], Resource]:
        # The SDK's provider server takes the type from the URN, where the types of all parents stand before it.
        token = token.rpartition("$")[2]
        if (spec := self._specs.get(token)) is None:
            raise PluginError(
                f"this stand-in plugin does not know `{token}`", hint="it knows " + ", ".join(sorted(self._specs))
            )
        if token not in self._resources:
            self._resources[token] = self._sdk.resource(spec.module)
        return spec, self._resources[token]

    @property
    def _vendor(self) -> Api:
        if self._api is None:
            raise PluginError("the plugin was asked before it was configured")
        return self._api

    async def get_schema(self, request: GetSchemaRequest) -> GetSchemaResponse:  # noqa: ARG002 - as the engine asks
        """The provider's own arguments."""
        inputs = self._sdk.resource("provider").inputs
        return GetSchemaResponse(provider_schema(self._sdk.name, self._sdk.version, inputs))

    async def check_config(self, request: CheckRequest) -> CheckResponse:
        """Refuse arguments that the SDK's Provider does not have."""
        names = self._sdk.resource("provider").inputs.keys() | {"version", "pluginDownloadURL"}
        found = [
            CheckFailure(name, "is not an argument of this provider in the published SDK")
            for name in sorted(request.new_inputs.keys() - names)
            if not name.startswith("__")
        ]
        return CheckResponse(inputs=request.new_inputs, failures=found)

    async def configure(self, request: ConfigureRequest) -> ConfigureResponse:
        """Take the arguments; what is left out comes from the environment."""
        given = {name: plain(value) for name, value in request.args.items()}
        configuration = {
            name: os.environ[variable] for name, variable in self._environment.items() if os.environ.get(variable)
        }
        configuration |= {name: item for name, item in given.items() if isinstance(item, str) and item}
        self._api = self._connect(configuration)
        return ConfigureResponse(accept_secrets=True, supports_preview=True)

    async def check(self, request: CheckRequest) -> CheckResponse:
        """Inputs are accepted exactly as the published SDK declares them; each finding has its path."""
        spec, resource = self._known(request.type)
        inputs = {name: plain(value) for name, value in request.new_inputs.items()}
        found = [CheckFailure(path, reason) for path, reason in problems(inputs, resource.inputs)]
        found += [
            CheckFailure(name, "is not supported by this stand-in plugin")
            for name in sorted(spec.unsupported & inputs.keys())
            if inputs[name] is not None
        ]
        if not found and not has_unknown(inputs):
            inputs = self._inputs(resource, request.new_inputs)
            found = [CheckFailure(path, reason) for path, reason in spec.findings(inputs)]
        return CheckResponse(inputs=request.new_inputs, failures=found)

    async def invoke(self, request: InvokeRequest) -> InvokeResponse:
        """Ask the vendor; the arguments are accepted exactly as the published SDK declares them."""
        if (function := self._functions.get(request.tok)) is None:
            known = ", ".join(sorted(self._functions)) or "none"
            raise PluginError(
                f"this stand-in plugin does not know the function `{request.tok}`", hint=f"it knows {known}"
            )
        fields = self._sdk.function(function.module)
        arguments = _plain(request.args)
        if found := [CheckFailure(path, reason) for path, reason in problems(arguments, fields)]:
            return InvokeResponse(failures=found)
        answer = await function.call(self._vendor, coerced_fields(arguments, fields))
        return InvokeResponse({name: property_value(item) for name, item in answer.items() if item is not None})

    async def diff(self, request: DiffRequest) -> DiffResponse:
        """Which inputs differ from what is recorded, and which of them replace the resource."""
        spec, resource = self._known(request.type)
        declared = frozenset(resource.inputs) - set(request.ignore_changes)
        changes = dict(spec.changes(declared, _plain(request.old_state), self._inputs(resource, request.new_inputs)))
        replaces = sorted(changes.keys() & spec.replace_on) if spec.update else sorted(changes)
        return DiffResponse(
            changes=bool(changes),
            replaces=replaces,
            diffs=sorted(changes),
            detailed_diff={
                name: PropertyDiff(_KINDS[kind, name in replaces], input_diff=True) for name, kind in changes.items()
            },
        )

    async def create(self, request: CreateRequest) -> CreateResponse:
        """Make it at the vendor, or say at preview what is known of it."""
        spec, resource = self._known(request.type)
        inputs = spec.complete(self._inputs(resource, request.properties))
        if request.preview:
            unknown = {name: Unknown() for name in (resource.properties - resource.inputs.keys()) | spec.filled}
            return CreateResponse("", _values(spec, {**unknown, **inputs}, request.properties))
        id, state = await spec.create(self._vendor, inputs)
        return CreateResponse(id, _values(spec, state, request.properties))

    async def update(self, request: UpdateRequest) -> UpdateResponse:
        """Change it at the vendor, or say at preview what will be."""
        spec, resource = self._known(request.type)
        old, inputs = _plain(request.olds), spec.complete(self._inputs(resource, request.news))
        if spec.update is None:
            raise PluginError(f"`{spec.type}` is replaced, never updated")
        if request.preview:
            outputs = {name: item for name, item in old.items() if name not in resource.inputs or name in spec.filled}
            state = {**outputs, **inputs, **{name: Unknown() for name in spec.volatile}}
        else:
            state = await spec.update(self._vendor, request.resource_id, old, inputs)
        return UpdateResponse(_values(spec, state, {**request.olds, **request.news}))

    async def read(self, request: ReadRequest) -> ReadResponse:
        """What the vendor has now; nothing when it is gone. For an import only the id is known."""
        spec, resource = self._known(request.type)
        recorded = _plain(request.properties) or spec.identify(request.resource_id)
        state = await spec.read(self._vendor, request.resource_id, recorded)
        if state is None:
            return ReadResponse(resource_id="")
        kept = {name: item for name, item in recorded.items() if name in resource.properties}
        # What the vendor no longer has is gone; what it never tells (a secret, a create-only switch) stays.
        silent = spec.fixed | spec.secret
        state = {**{name: item for name, item in kept.items() if name in silent}, **state}
        outputs = _values(spec, state, {**request.properties, **request.inputs})
        given = request.inputs.keys() or {
            name for name in resource.inputs if state.get(name) not in (None, "", [], {}, spec.defaults.get(name))
        }
        return ReadResponse(request.resource_id, outputs, {name: outputs[name] for name in given if name in outputs})

    async def delete(self, request: DeleteRequest) -> None:
        """Remove it at the vendor; that it is gone already is no error."""
        spec, _ = self._known(request.type)
        await spec.delete(self._vendor, request.resource_id, _plain(request.properties))

    @staticmethod
    def _inputs(resource: Resource, values: Values) -> State:
        return coerced_fields(_plain(values), resource.inputs)


def _plain(values: Values) -> dict[str, Any]:
    return {name: plain(value) for name, value in values.items()}


def _values(spec: Spec[Any], state: State, sources: Values) -> dict[str, PropertyValue]:
    """The engine's form of a state; secret is what the spec says, and what came in as a secret."""
    return {
        name: property_value(item).with_secret(
            name in spec.secret or (name in sources and sources[name].contains_secret())
        )
        for name, item in state.items()
        if item is not None
    }
