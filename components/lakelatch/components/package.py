"""The components as a Pulumi package, for programs in any language."""

import inspect
import json
from importlib import metadata
from typing import Any

import pulumi
from pulumi.errors import InputPropertiesError, InputPropertyError
from pulumi.provider.experimental.analyzer import PropertyDefinition, PropertyType
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.provider import ConstructResult
from pulumi.provider.server import ComponentInitError

import lakelatch
from lakelatch.components.arguments import LARGEST_EXACT_INTEGER, ArgumentError

NAME = "lakelatch"
"""The package's name, and so the first part of every type: `lakelatch:index:ServiceIdentity`."""


class Package(ComponentProvider):
    """Every public component; wrong arguments are told in their own words, without a traceback."""

    def __init__(self) -> None:
        names = [name for name in lakelatch.__all__ if not name.endswith("Args")]
        version = metadata.version("lakelatch")
        super().__init__([getattr(lakelatch, name) for name in names], NAME, version=version)
        self.schema = json.dumps(_tidy(json.loads(self.schema or "{}")))

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: pulumi.Inputs,
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Make a component for a program in another process."""
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            if isinstance(error.inner, ArgumentError):
                # Without the list of properties: the engine would print their values, and one may be secret.
                raise InputPropertiesError(str(error.inner), []) from None
            raise

    def map_input_properties(
        self,
        inputs: pulumi.Inputs,
        properties: dict[str, PropertyDefinition],
        mapping: dict[str, str],
        component_name: str,
        property_path: str,
    ) -> pulumi.Inputs:
        """Names as in Python, and numbers as the schema has them: on the wire every number is a double."""
        exact = {
            name: _exact(value, properties[name], f"{property_path}.{name}" if property_path else name)
            if name in properties
            else value
            for name, value in dict(inputs).items()
        }
        return super().map_input_properties(exact, properties, mapping, component_name, property_path)


def _exact(value: Any, kind: PropertyDefinition, path: str) -> Any:
    """A whole number as `int`, or as the text that the schema asks for: YAML makes numbers of ids even in quotes.

    Raises:
        InputPropertyError: for a number that was rounded on its way, or an integer that is known only later.

    """
    if isinstance(value, list) and kind.items is not None:
        return [_exact(item, kind.items, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, dict) and kind.additional_properties is not None:
        return {key: _exact(item, kind.additional_properties, f"{path}.{key}") for key, item in value.items()}
    if kind.type is PropertyType.INTEGER and isinstance(value, pulumi.Output):
        raise InputPropertyError(path, "is known only later (an Output); pass a plain value")
    if kind.type not in (PropertyType.STRING, PropertyType.INTEGER) or not isinstance(value, float):
        return value
    if not value.is_integer() or abs(value) > LARGEST_EXACT_INTEGER:
        raise InputPropertyError(path, "is a number that does not arrive as it was written; pass it as text")
    return str(int(value)) if kind.type is PropertyType.STRING else int(value)


def _tidy(value: Any) -> Any:
    """Descriptions without the indentation of the source, which newer versions of Python leave out by themselves."""
    if isinstance(value, dict):
        return {
            key: inspect.cleandoc(inner) if key == "description" and isinstance(inner, str) else _tidy(inner)
            for key, inner in value.items()
        }
    return [_tidy(inner) for inner in value] if isinstance(value, list) else value


if __name__ == "__main__":  # `python -m lakelatch.components.package` prints the schema
    print(json.dumps(json.loads(Package().schema or "{}"), indent=2))
