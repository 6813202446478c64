"""From a checked CEL expression to the form that Envoy takes, in words that Envoy knows.

The access model speaks of `body.row_limit` and `identity.service`; Envoy of dynamic metadata and request attributes.
What is known when the policy is compiled becomes a constant, the rest becomes a path to where Envoy has it.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, json_format, message_factory  # type: ignore[import-untyped]

from lakelatch.access.expressions import expression
from lakelatch.envoy.runtime import Json, any_of
from lakelatch.errors import LakelatchError

BODY_METADATA: Final = "lakelatch.body"
PATH_METADATA: Final = ("lakelatch.path", "variables")
"""Dynamic metadata that inspection writes."""
CLAIMS_METADATA: Final = ("envoy.filters.http.jwt_authn", "claims")
"""Dynamic metadata that authentication writes, where a rule speaks of claims."""

PERSON_METADATA: Final = "lakelatch.person"
"""Dynamic metadata that a person's token swap writes, where a rule speaks of roles."""


class Place(dict[str, Any]):
    """Where Envoy has a value that is not known before a request: an expression instead of a constant."""


def roles_place() -> Place:
    """The list of a person's roles."""
    metadata = _field({"ident_expr": {"name": "metadata"}}, "filter_metadata")
    return Place(_member(_member(metadata, PERSON_METADATA), "roles"))


def header_place(name: str) -> Place:
    """The value of a request header."""
    return Place(_member(_field({"ident_expr": {"name": "request"}}, "headers"), name))


NESTING: Final = 30
"""How deep the tree of a condition may be. Envoy reads JSON of 100 levels (protobuf's parser), of which up to 66 lead
to a condition; each operator within another takes three."""


def predicate(text: str, known: Mapping[str, object]) -> Json:
    """A matcher predicate (`xds.type.matcher.v3`) for a condition; one that fails or is no boolean does not match.

    Raises:
        LakelatchError: the condition nests deeper than Envoy reads.

    """
    tree = _tree(text, known)
    if _depth(tree) > NESTING:
        raise LakelatchError(
            f"a condition nests deeper than the gateway reads: {text[:200]}",
            hint="Write it with fewer parentheses within each other, as several rules, or with `in [a, b]`.",
        )
    matcher = any_of("xds.type.matcher.v3.CelMatcher", {"expr_match": {"parsed_expr": {"expr": tree}}})
    return {
        "single_predicate": {
            "input": {
                "name": "attributes",
                "typed_config": any_of("xds.type.matcher.v3.HttpAttributesCelMatchInput", {}),
            },
            "custom_match": {"name": "condition", "typed_config": matcher},
        }
    }


def names(text: str) -> frozenset[str]:
    """What a condition speaks of, in words of the vocabulary."""
    return frozenset(node["ident_expr"]["name"] for node in _nodes(_checked(text)) if "ident_expr" in node)


def _depth(node: Any) -> int:
    if not isinstance(node, dict | list):
        return 0
    inner = node.values() if isinstance(node, dict) else node
    return 1 + max(map(_depth, inner), default=0)


def _tree(text: str, known: Mapping[str, object]) -> Json:
    numbers = iter(range(1, 1 << 31))

    def renamed(node: Any) -> Any:
        if isinstance(node, list):
            return [renamed(one) for one in node]
        if not isinstance(node, dict):
            return node
        if "ident_expr" in node:
            node = _place(node["ident_expr"]["name"], known)
        changed = {key: renamed(value) if key not in _LEAVES else value for key, value in node.items()}
        if any(key.endswith("_expr") for key in changed):
            changed["id"] = next(numbers)
        return changed

    tree: Json = renamed(_checked(text))
    return tree


_LEAVES: Final = frozenset({"const_expr", "ident_expr", "id"})


def _place(name: str, known: Mapping[str, object]) -> Json:
    if name in known:
        return _constant(known[name])
    if name.startswith("request."):
        return _field({"ident_expr": {"name": "request"}}, name.removeprefix("request."))
    metadata = _field({"ident_expr": {"name": "metadata"}}, "filter_metadata")
    match name:
        case "body":
            return _member(metadata, BODY_METADATA)
        case "path":
            return _member(_member(metadata, PATH_METADATA[0]), PATH_METADATA[1])
        case "claims":
            return _member(_member(metadata, CLAIMS_METADATA[0]), CLAIMS_METADATA[1])
    return {"ident_expr": {"name": name}}  # a variable of a macro, such as `x` in `list.exists(x, …)`


def _constant(value: object) -> Json:
    if isinstance(value, Place):
        return dict(value)
    if value == {}:
        return {"struct_expr": {}}
    if isinstance(value, list):
        return {"list_expr": {"elements": [_constant(one) for one in value]}}
    return {"const_expr": {"string_value": str(value)}}


def _field(operand: Json, name: str) -> Json:
    return {"select_expr": {"operand": operand, "field": name}}


def _member(operand: Json, name: str) -> Json:
    return {"call_expr": {"function": "_[_]", "args": [operand, _constant(name)]}}


def _nodes(node: Any) -> Iterator[Json]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from _nodes(value)


@cache
def _checked(text: str) -> Json:
    wrapped = any_pb2.Any.FromString(expression(text).serialized)
    message = _message_class().FromString(wrapped.value)
    tree: Json = json_format.MessageToDict(message, preserving_proto_field_name=True)["expr"]
    return tree


@cache
def _message_class() -> Any:
    """`cel.expr.CheckedExpr` as far as it is read here; the package that compiles expressions ships no such class."""
    file = descriptor_pb2.FileDescriptorProto(name="lakelatch/cel.proto", package="lakelatch.cel", syntax="proto3")
    for message, fields in _SCHEMA.items():
        described = file.message_type.add(name=message)
        if "oneof" in {row[3] for row in fields}:
            described.oneof_decl.add(name="kind")
        for name, number, kind, form in fields:
            field = described.field.add(name=name, number=number)
            field.label = _REPEATED if form == "repeated" else _OPTIONAL
            if form == "oneof":
                field.oneof_index = 0
            if kind in _SCALARS:
                field.type = _SCALARS[kind]
            else:
                field.type, field.type_name = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE, f".lakelatch.cel.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("lakelatch.cel.CheckedExpr"))


_OPTIONAL: Final = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
_REPEATED: Final = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
_SCALARS: Final = {
    kind: getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{kind.upper()}")
    for kind in ("bool", "int64", "uint64", "double", "string", "bytes", "int32")
}
_SCHEMA: Final[Mapping[str, list[tuple[str, int, str, str]]]] = {
    "CheckedExpr": [("expr", 4, "Expr", "")],
    "Expr": [
        ("const_expr", 3, "Constant", "oneof"),
        ("ident_expr", 4, "Ident", "oneof"),
        ("select_expr", 5, "Select", "oneof"),
        ("call_expr", 6, "Call", "oneof"),
        ("list_expr", 7, "CreateList", "oneof"),
        ("comprehension_expr", 9, "Comprehension", "oneof"),
    ],
    "Ident": [("name", 1, "string", "")],
    "Select": [("operand", 1, "Expr", ""), ("field", 2, "string", ""), ("test_only", 3, "bool", "")],
    "Call": [("target", 1, "Expr", ""), ("function", 2, "string", ""), ("args", 3, "Expr", "repeated")],
    "CreateList": [("elements", 1, "Expr", "repeated")],
    "Comprehension": [
        ("iter_var", 1, "string", ""),
        ("iter_range", 2, "Expr", ""),
        ("accu_var", 3, "string", ""),
        ("accu_init", 4, "Expr", ""),
        ("loop_condition", 5, "Expr", ""),
        ("loop_step", 6, "Expr", ""),
        ("result", 7, "Expr", ""),
    ],
    "Constant": [
        ("null_value", 1, "int32", "oneof"),
        ("bool_value", 2, "bool", "oneof"),
        ("int64_value", 3, "int64", "oneof"),
        ("uint64_value", 4, "uint64", "oneof"),
        ("double_value", 5, "double", "oneof"),
        ("string_value", 6, "string", "oneof"),
        ("bytes_value", 7, "bytes", "oneof"),
    ],
}
"""Message to its fields: name, number, type, form (cel-spec `proto/cel/expr/syntax.proto` and `checked.proto`)."""
