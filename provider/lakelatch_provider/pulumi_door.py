"""The Pulumi door: `lakelatch-native:index:GatewayConfig` over the provider protocol."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

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
    PropertyDiff,
    PropertyDiffKind,
    Provider,
    ReadRequest,
    ReadResponse,
    UpdateRequest,
    UpdateResponse,
)

from lakelatch.envoy.config import GatewayConfig
from lakelatch.plugin.values import Unknown, plain, property_value
from lakelatch_provider import VERSION, delivery
from lakelatch_provider.errors import DeliveryError
from lakelatch_provider.findings import findings
from lakelatch_provider.paths import differences, property_path, unknown_paths

PACKAGE: Final = "lakelatch-native"
GATEWAY_CONFIG: Final = f"{PACKAGE}:index:GatewayConfig"

_INPUTS: Final = {
    "directory": {
        "type": "string",
        "description": "Folder that the gateway watches, relative to the project. Another one replaces the resource.",
    },
    "config": {
        "type": "object",
        "additionalProperties": {"$ref": "pulumi.json#/Any"},
        "description": "The gateway's configuration, as the configuration reference describes it.",
    },
}
_OUTPUTS: Final = _INPUTS | {
    "version": {"type": "string", "description": "SHA-256 of the delivered `gateway.json`, in hexadecimal."}
}
SCHEMA: Final = {
    "name": PACKAGE,
    "version": VERSION,
    "description": "Resources of Lakelatch that no published provider has",
    "license": "Apache-2.0",
    "resources": {
        GATEWAY_CONFIG: {
            "description": "A gateway's configuration, delivered into the folder that the running gateway watches.",
            "inputProperties": _INPUTS,
            "requiredInputs": ["config", "directory"],
            "properties": _OUTPUTS,
            "required": ["config", "directory", "version"],
        }
    },
}

_KINDS: Final = {
    "add": PropertyDiffKind.ADD,
    "delete": PropertyDiffKind.DELETE,
    "update": PropertyDiffKind.UPDATE,
}


class LakelatchProvider(Provider):
    """Lakelatch's own resources; `project_root` is where a relative directory begins."""

    def __init__(self, project_root: Path) -> None:
        self._root = project_root

    async def get_schema(self, request: GetSchemaRequest) -> GetSchemaResponse:  # noqa: ARG002 - Provider's signature
        """The package's schema, for `pulumi package add` and for documentation."""
        return GetSchemaResponse(schema=json.dumps(SCHEMA))

    async def configure(self, request: ConfigureRequest) -> ConfigureResponse:  # noqa: ARG002 - Provider's signature
        """There is nothing to configure; secrets stay marked, and previews are judged."""
        return ConfigureResponse(accept_secrets=True, supports_preview=True)

    async def check(self, request: CheckRequest) -> CheckResponse:
        """Every finding at once, each at its property; what is unknown before the deployment is not judged."""
        _known_type(request.type)
        inputs = {key: plain(value) for key, value in request.new_inputs.items()}
        found = [CheckFailure(property_path(path), reason) for path, reason in findings(inputs)]
        return CheckResponse(inputs=request.new_inputs, failures=found)

    async def diff(self, request: DiffRequest) -> DiffResponse:
        """Another directory replaces the resource; another configuration is delivered in place."""
        ignored = set(request.ignore_changes)
        old = {key: plain(value) for key, value in request.old_state.items()}
        new = {key: plain(value) for key, value in request.new_inputs.items()}
        detailed: dict[str, PropertyDiff] = {}
        replaces = []
        if "directory" not in ignored and old.get("directory") != new["directory"]:
            replaces = ["directory"]
            detailed["directory"] = PropertyDiff(PropertyDiffKind.UPDATE_REPLACE, input_diff=True)
        if "config" not in ignored and _version(new["config"]) != old.get("version"):
            for path, kind in differences(old.get("config"), new["config"], ("config",)):
                detailed[property_path(path)] = PropertyDiff(_KINDS[kind], input_diff=True)
            # A file edited by hand without a change of meaning differs in its version alone.
            detailed = detailed or {"version": PropertyDiff(PropertyDiffKind.UPDATE, input_diff=False)}
        return DiffResponse(
            changes=bool(detailed),
            replaces=replaces,
            diffs=sorted({name.partition(".")[0].partition("[")[0] for name in detailed}),
            detailed_diff=detailed,
            stables=[] if replaces else ["directory"],
        )

    async def create(self, request: CreateRequest) -> CreateResponse:
        """Deliver the configuration; the id is the directory as the program gave it."""
        _known_type(request.type)
        properties = self._deliver(request.properties, preview=request.preview)
        return CreateResponse(resource_id=str(request.properties["directory"].value), properties=properties)

    async def update(self, request: UpdateRequest) -> UpdateResponse:
        """Deliver the new configuration in place."""
        return UpdateResponse(properties=self._deliver(request.news, preview=request.preview))

    async def read(self, request: ReadRequest) -> ReadResponse:
        """What lies in the folder now. Nothing there: the resource is gone, and the next `up` delivers it again."""
        _known_type(request.type)
        observed = delivery.observe(self._path(request.resource_id))
        if observed is None:
            return ReadResponse(resource_id="")
        recorded = request.properties.get("config")
        found: dict[str, PropertyValue]
        if recorded is not None and _same(recorded, observed):
            found = {"config": recorded}  # as the program wrote it, so that defaults left out are no drift
        else:
            secret = recorded is not None and recorded.contains_secret()
            found = {"config": property_value(observed.data).with_secret(secret)}
        found["directory"] = PropertyValue(request.resource_id)
        outputs = found | {"version": PropertyValue(observed.version)}
        return ReadResponse(resource_id=request.resource_id, properties=outputs, inputs=found)

    async def delete(self, request: DeleteRequest) -> None:
        """Remove what was delivered, and nothing else."""
        delivery.remove(self._path(request.resource_id))

    def _path(self, directory: str) -> Path:
        return self._root / Path(directory)

    def _deliver(self, inputs: Mapping[str, PropertyValue], *, preview: bool) -> dict[str, PropertyValue]:
        directory, data = plain(inputs["directory"]), plain(inputs["config"])
        version = _version(data)
        if not preview:
            version = delivery.deliver(self._path(directory), GatewayConfig.parse(data))
        return {**inputs, "version": property_value(version)}


def _version(data: Any) -> str | Unknown:
    """The version that this configuration will have, as far as it is known."""
    if next(unknown_paths(data), None) is not None:
        return Unknown()
    return delivery.version_of(GatewayConfig.parse(data).file())


def _same(recorded: PropertyValue, observed: delivery.Observed) -> bool:
    data = plain(recorded)
    return not findings({"directory": ".", "config": data}) and _version(data) == observed.version


def _known_type(token: str) -> None:
    # The SDK's provider server takes the type from the URN, where the types of all parents stand before it.
    token = token.rpartition("$")[2]
    if token != GATEWAY_CONFIG:
        raise DeliveryError(f"`{token}` is not a resource of `{PACKAGE}`", hint=f"there is `{GATEWAY_CONFIG}`")
