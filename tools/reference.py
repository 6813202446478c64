"""Writes docs/reference/ from the code: the model's keys, the components' arguments and outputs, the
policies, the commands.

Run it by `make reference`; `make check` runs it with `--check` and fails when a page does not tell the truth any more.
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

import lakelatch
from lakelatch.access.actions import ACTIONS
from lakelatch.access.algorithms import ALGORITHMS
from lakelatch.access.model import AccessModel
from lakelatch.cli import lakelatch as command_line
from lakelatch_policies.pack import POLICIES

HERE = Path(__file__).resolve().parents[1] / "docs" / "reference"
NOTE = "<!-- Made from the code by `make reference`; edit the docstrings there. -->\n\n"


def model() -> str:
    """The keys of the access model, part by part, from its JSON Schema."""
    schema = AccessModel.model_json_schema()
    lines = ["# The access model\n", NOTE, "One YAML file. Keys that are not listed here are refused.\n"]
    parts = {"The document": schema, **schema["$defs"]}
    for name, part in parts.items():
        lines += [
            f"\n## {name}\n",
            f"\n{_sentence(part)}\n",
            "\n| key | value | default | meaning |\n|---|---|---|---|\n",
        ]
        required = set(part.get("required", ()))
        for key, value in part["properties"].items():
            if not value.get("description"):
                raise SystemExit(f"{name}.{key} has no docstring below it")
            default = "required" if key in required else f"`{value.get('default')}`".replace("`None`", "-")
            lines.append(f"| `{key}` | {_kind(value)} | {default} | {_sentence(value)} |\n")
    lines += ["\n## Actions\n", "\n| action | request | |\n|---|---|---|\n"]
    lines += [f"| `{row.name}` | `{row.method} {row.path}` | {row.summary} |\n" for row in ACTIONS.values()]
    lines += ["\n## Algorithms\n", "\n| algorithm | | source |\n|---|---|---|\n"]
    lines += [
        f"| {row.name} | {'accepted' if row.accepted else 'refused: ' + row.reason} | {row.source} |\n"
        for row in ALGORITHMS.values()
    ]
    return "".join(lines)


def _sentence(part: dict[str, Any]) -> str:
    return " ".join(str(part.get("description", "")).split())


def _kind(value: dict[str, Any]) -> str:
    """What may stand there, in a few words."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in value or "oneOf" in value:
        options = [option for option in value.get("anyOf", value.get("oneOf", ())) if option.get("type") != "null"]
        return " or ".join(_kind(option) for option in options)
    if "const" in value:
        return f"`{value['const']}`"
    if value.get("type") == "array":
        return f"list of {_kind(value['items'])}"
    if value.get("type") == "object":
        inner = value.get("additionalProperties") or next(iter(value.get("patternProperties", {}).values()), {})
        return f"name to {_kind(inner)}"
    if value.get("type") == "integer":
        return f"{value['minimum']} to {value['maximum']}" if "minimum" in value else "whole number"
    return {"string": "text"}.get(str(value.get("type")), "text")


def components() -> str:
    """Arguments and outputs of every public component, from the docstrings under their fields."""
    lines = ["# Components\n", NOTE, "`from lakelatch import …`; each takes `(name, args, opts)`.\n"]
    told: set[str] = set()
    for name in [name for name in lakelatch.__all__ if not name.endswith("Args")]:
        module = sys.modules[getattr(lakelatch, name).__module__]
        classes = {one: _class(getattr(lakelatch, one)) for one in (name, f"{name}Args")}
        lines += [f"\n## {name}\n", f"\n{_doc(classes[name])}\n"]
        for title, class_name in (("arguments", f"{name}Args"), ("outputs", name)):
            lines += [f"\n| {title} | type | meaning |\n|---|---|---|\n"]
            lines += [f"| `{field}` | `{kind}` | {text} |\n" for field, kind, text in _fields(classes[class_name])]
        for other, node in _nested(classes[f"{name}Args"], module):
            if other not in told:
                told.add(other)
                lines += [f"\n### {other}\n", f"\n{_doc(node)}\n", "\n| key | type | meaning |\n|---|---|---|\n"]
                lines += [f"| `{field}` | `{kind}` | {text} |\n" for field, kind, text in _fields(node)]
    return "".join(lines)


def _class(one: type) -> ast.ClassDef:
    return next(node for node in ast.parse(inspect.getsource(one)).body if isinstance(node, ast.ClassDef))


def _nested(node: ast.ClassDef, module: Any) -> Iterator[tuple[str, ast.ClassDef]]:
    """The TypedDicts that a class's fields name."""
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign):
            for part in ast.walk(statement.annotation):
                found = getattr(module, part.id, None) if isinstance(part, ast.Name) else None
                if isinstance(found, type) and hasattr(found, "__required_keys__"):
                    yield found.__name__, _class(found)


def _doc(node: ast.ClassDef) -> str:
    return " ".join((ast.get_docstring(node) or "").split())


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str, str]]:
    for statement, after in zip(node.body, [*node.body[1:], None], strict=True):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if not documented:
            raise SystemExit(f"{node.name}.{statement.target.id} has no docstring below it")
        kind = ast.unparse(statement.annotation).replace("pulumi.", "").replace("|", "\\|")
        yield statement.target.id, kind, " ".join(str(after.value.value).split())  # type: ignore[union-attr]


def commands() -> str:
    """What `--help` says, for every command."""
    return "".join(["# Commands\n", NOTE, *_help(command_line, "lakelatch", None)])


def _help(command: click.Command, path: str, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(command, info_name=path.rpartition(" ")[2], parent=parent, terminal_width=100)
    yield f"\n## `{path}`\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from _help(below, f"{path} {name}", context)


def policies() -> str:
    """Every policy of the pack."""
    lines = ["# Policies\n", NOTE, "`pulumi preview --policy-pack policies`; a policy's level can be set per stack.\n"]
    for policy in POLICIES:
        level = "" if policy.enforcement_level is None else policy.enforcement_level.value
        severity = "" if policy.severity is None else policy.severity.value
        framework = "" if policy.framework is None else policy.framework.reference
        lines += [f"\n## {policy.name}\n", f"\n{policy.description}\n"]
        lines += ["\n| | |\n|---|---|\n", f"| level | {level} |\n| severity | {severity} |\n| after | {framework} |\n"]
        lines += [f"\n{policy.remediation_steps}\n"]
    return "".join(lines)


PAGES = {"model.md": model, "components.md": components, "policies.md": policies, "commands.md": commands}


def main() -> int:
    """Write the pages, or with `--check` say which are out of date."""
    stale = [name for name, make in PAGES.items() if not (HERE / name).exists() or (HERE / name).read_text() != make()]
    if "--check" in sys.argv[1:]:
        for name in stale:
            print(f"docs/reference/{name} is out of date: run `make reference`")
        return bool(stale)
    for name in stale:
        (HERE / name).write_text(PAGES[name]())
        print(f"wrote docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
