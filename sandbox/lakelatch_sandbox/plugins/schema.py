"""The part of a package's schema that Pulumi YAML asks for before it takes a provider as a resource."""

import json
from collections.abc import Mapping
from typing import Any, Final

from lakelatch_sandbox.plugins.sdk import Field, Type

_SCALARS: Final = {"string": "string", "bool": "boolean", "number": "number"}


def provider_schema(name: str, version: str, inputs: Mapping[str, Field]) -> str:
    """A schema with the arguments of the provider and no resources: those come from the published SDKs here."""
    properties = {argument: _property(field.type) for argument, field in inputs.items()}
    provider = {"inputProperties": properties, "requiredInputs": [key for key, one in inputs.items() if one.required]}
    return json.dumps({"name": name, "version": version, "provider": provider, "resources": {}})


def _property(kind: Type) -> dict[str, Any]:
    if kind.kind == "list" and kind.item is not None:
        return {"type": "array", "items": _property(kind.item)}
    if kind.kind in _SCALARS:
        return {"type": _SCALARS[kind.kind]}
    return {"$ref": "pulumi.json#/Any"}
