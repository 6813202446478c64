"""What the published SDKs accept, read from their source without importing them: `pulumi_databricks` costs seconds.

The files are generated, so their shape is fixed: `XArgs.__init__` lists a resource's inputs with annotations, a getter
beside each gives the name on the wire, `_XState` lists everything that the resource has.
"""

import ast
import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

Kind = Literal["string", "bool", "number", "list", "map", "object", "any"]

_SCALARS: Mapping[str, Kind] = {"str": "string", "bool": "bool", "int": "number", "float": "number"}
_WRAPPERS = frozenset({"Input", "Optional", "NotRequired"})


@dataclass(frozen=True)
class Type:
    """What a value may be."""

    kind: Kind
    item: "Type | None" = None
    """Of the items of a list or a map."""
    fields: "Mapping[str, Field] | None" = None
    """Of an object."""


@dataclass(frozen=True)
class Field:
    """One input of a resource, or one member of a nested object."""

    type: Type
    required: bool


@dataclass(frozen=True)
class Resource:
    """A resource as its SDK declares it; names as on the wire."""

    inputs: Mapping[str, Field]
    properties: frozenset[str]
    """Everything that the resource has, the inputs among it."""


class Sdk:
    """One installed SDK, for example `pulumi_databricks`."""

    def __init__(self, package: str) -> None:
        found = importlib.util.find_spec(package)
        if found is None or found.origin is None:
            raise ModuleNotFoundError(f"the Pulumi SDK `{package}` is not installed")
        self._folder = Path(found.origin).parent

    @property
    def name(self) -> str:
        """Name of the package, as in its types."""
        return self._folder.name.removeprefix("pulumi_").replace("_", "-")

    @cached_property
    def version(self) -> str:
        """The plugin version that this SDK asks the engine for."""
        return str(json.loads((self._folder / "pulumi-plugin.json").read_text())["version"])

    def resource(self, module: str) -> Resource:
        """The resource that a module of the SDK defines."""
        classes = [node for node in ast.parse(self._read(module)).body if isinstance(node, ast.ClassDef)]
        arguments = next(node for node in classes if node.name.endswith("Args") and not node.name.startswith("_"))
        state = next((node for node in classes if node.name.startswith("_")), arguments)
        return Resource(self._fields(arguments), frozenset(_names(state).values()))

    def function(self, module: str) -> dict[str, Field]:
        """The arguments of the function that a module of the SDK defines; names as on the wire."""
        body = ast.parse(self._read(module)).body
        function = next(node for node in body if isinstance(node, ast.FunctionDef) and node.name == module)
        arguments = {argument.arg: argument for argument in function.args.args}
        found = {}
        for statement in function.body:
            match statement:
                case ast.Assign(
                    targets=[ast.Subscript(value=ast.Name(id="__args__"), slice=ast.Constant(value=str(name)))],
                    value=ast.Name(id=argument),
                ):
                    found[name] = Field(self._type(arguments[argument].annotation), required=False)
        return found

    @cached_property
    def _nested(self) -> str:
        return self._read("_inputs")

    def _read(self, module: str) -> str:
        return (self._folder / f"{module}.py").read_text(encoding="utf-8")

    def _fields(self, node: ast.ClassDef) -> dict[str, Field]:
        names = _names(node)
        arguments = _init(node).args
        return {
            names[argument.arg]: Field(self._type(argument.annotation), required=default is None)
            for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        }

    def _object(self, name: str) -> Type:
        # Megabytes of classes: only the text of this one is parsed.
        match = re.search(rf"^class {re.escape(name)}:\n.*?(?=^\S|\Z)", self._nested, re.MULTILINE | re.DOTALL)
        if match is None:
            raise LookupError(f"the SDK has no nested type `{name}`")
        node = ast.parse(match.group()).body[0]
        assert isinstance(node, ast.ClassDef)  # noqa: S101 - the pattern begins with `class`
        return Type("object", fields=self._fields(node))

    def _type(self, node: ast.expr | None) -> Type:
        match node:
            case ast.Constant(value=str(name)):
                return self._object(name)
            case ast.Attribute(attr=name) if name in _SCALARS:
                return Type(_SCALARS[name])
            case ast.Subscript(value=ast.Attribute(attr=name) | ast.Name(id=name), slice=inner):
                if name in _WRAPPERS:
                    return self._type(inner)
                if name == "Sequence":
                    return Type("list", item=self._type(inner))
                if name == "Mapping" and isinstance(inner, ast.Tuple):
                    return Type("map", item=self._type(inner.elts[1]))
                if name == "Union" and isinstance(inner, ast.Tuple):
                    return self._type(inner.elts[0])
        return Type("any")


def _init(node: ast.ClassDef) -> ast.FunctionDef:
    return next(item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__")


def _names(node: ast.ClassDef) -> dict[str, str]:
    """Python name to the name on the wire, as the getters say."""
    names = {argument.arg: argument.arg for argument in _init(node).args.kwonlyargs}
    for item in node.body:
        if not isinstance(item, ast.FunctionDef):
            continue
        for decorator in item.decorator_list:
            match decorator:
                case ast.Call(
                    func=ast.Attribute(attr="getter"),
                    keywords=[ast.keyword(arg="name", value=ast.Constant(value=str(name)))],
                ):
                    names[item.name] = name
    return names
