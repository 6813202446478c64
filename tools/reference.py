"""Writes docs/reference/ from the code: the model's keys, the actions, the components' arguments and outputs,
the policies, the commands.

Run it by `make reference`; `make check` runs it with `--check` and fails when a page does not tell the truth any more.
"""

import ast
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from policy_page import policies

import lakelatch
from lakelatch.access import schema as access_schema
from lakelatch.access.actions import ACTIONS, GRANTABLE, GROUPS, SDK_VERSION, Action
from lakelatch.access.algorithms import ALGORITHMS
from lakelatch.access.attributes import BODY_BYTES, DEPTH, MEMBERS
from lakelatch.access.checks import OPAQUE, check
from lakelatch.access.expressions import VOCABULARY
from lakelatch.access.lifetimes import LIFETIMES
from lakelatch.access.rules import Limit, Rule
from lakelatch.cli import lakelatch as command_line
from lakelatch.envoy.authentication import PUBLIC_PATHS

HERE = Path(__file__).resolve().parents[1] / "docs" / "reference"
SHOWN = 5
"""Values that stand in a table; of more, the schema has the list."""
MEMBERS_SHOWN = 40
"""Actions of a group that stand in a table; of more, their number."""
NOTE = "<!-- Made from the code by `make reference`; edit the docstrings there. -->\n\n"

EDITORS = """One YAML file, or [several](../guides/fragments.md). Keys that are not listed here are refused.

Editors with a YAML language server complete it and mark mistakes as you write, by the
[JSON Schema](access.schema.json) that the first line of the file names:

```yaml title="stacks/access.yaml"
# yaml-language-server: $schema=../docs/reference/access.schema.json
```

For files in `access.d` it is the [schema of a fragment](access-fragment.schema.json):

```yaml title="stacks/access.d/etl.yaml"
# yaml-language-server: $schema=../../docs/reference/access-fragment.schema.json
```

What must hold between the parts, `lakelatch access check` tells.
"""


def model() -> str:
    """The keys of the access model, part by part, from its JSON Schema."""
    schema = access_schema.whole()
    lines = ["# The access model\n", NOTE, EDITORS]
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
            default = "required" if key in required else _default(value.get("default"))
            lines.append(f"| `{key}` | {_kind(value)} | {default} | {_sentence(value)} |\n")
    lines += ["\n## Algorithms\n", "\n| algorithm | | source |\n|---|---|---|\n"]
    lines += [
        f"| {row.name} | {'accepted' if row.accepted else 'refused: ' + row.reason} | {row.source} |\n"
        for row in ALGORITHMS.values()
    ]
    lines += ["\n## Lifetimes of tokens and secrets\n", "\nIn seconds; - where there is no limit, or no choice.\n"]
    lines += ["\n| what | least | most | unless said | source |\n|---|---|---|---|---|\n"]
    for life in LIFETIMES.values():
        numbers = " | ".join("-" if one is None else f"{one:,}" for one in (life.least, life.most, life.default))
        lines.append(f"| {life.name} | {numbers} | {life.source} |\n")
    return "".join(lines)


ACTIONS_NOTE = f"""What the gateway knows by name. Names are those of `databricks-sdk` {SDK_VERSION}; a role lists them,
or [groups of them](../concepts/access-model.md#groups-of-actions). A request that is not here is refused.

In a path, `{{name}}` is one segment, `{{name}}:verb` one that ends in `:verb`, and `{{name...}}` one or more. Of
several that match, the most specific counts: from the left, what is constant before what is not. A segment has the
characters of RFC 3986 without `;`, and no escaped slash, backslash, dot or control character.

Risk: *high* is whatever hands out credentials, says who may do what, or destroys data; *medium* other changes, and
reads of contents and settings; *low* other reads.
"""


def actions() -> str:
    """The action catalogue, a table for each service."""
    lines = ["# Actions\n", NOTE, ACTIONS_NOTE, "\n## Groups\n", "\n| group | actions |\n|---|---|\n"]
    for group, names in GROUPS.items():
        shown = ", ".join(f"`{name}`" for name in names) if len(names) <= MEMBERS_SHOWN else f"{len(names)} actions"
        lines.append(f"| `{group}` | {shown} |\n")
    lines += ["\n## What needs no role\n", "\nThe gateway answers these itself, to everybody.\n"]
    lines += ["\n| request |\n|---|\n", *(f"| `{method} {path}` |\n" for path, method in PUBLIC_PATHS.items())]
    for scope, title, about in (
        ("workspace", "Workspace", "A role can have these."),
        ("account", "Account", "A gateway stands before one workspace: it names these when it refuses them."),
    ):
        lines += [f"\n## {title}\n", f"\n{about}\n"]
        rows = [action for action in ACTIONS.values() if action.scope == scope]
        for service in sorted({action.service for action in rows}):
            lines += [f"\n### {service}\n", "\n| action | request | access | risk | |\n|---|---|---|---|---|\n"]
            lines += [_action(action) for action in rows if action.service == service]
    return "".join(lines)


def _action(action: Action) -> str:
    names = "<br>".join(f"`{name}`" for name in (action.name, *action.aliases))
    sent = "<br>".join(f"`{method} {path}`" for method, path in action.requests)
    summary = action.summary.replace("|", "\\|")
    return f"| {names} | {sent} | {action.access} | {action.risk} | {summary} |\n"


ATTRIBUTES_NOTE = """What conditions of [rules](../guides/rules.md) may speak of, and where each comes from.

| from | can a client choose it? |
|---|---|
| `identity.*`, `action.*` | no: the model and the catalogue say it |
| `claims` | no: its issuer signed it |
| `client.address` (`networks`) | no: the address that the connection comes from |
| `request.time` | no: the gateway's clock |
| `request.headers`, `path`, `body` | yes: it is what the client asks for. Good for bounds, no proof of who asks |
"""


def attributes() -> str:
    """What rules may speak of: the vocabulary, members of bodies, variables of paths."""
    lines = ["# Attributes\n", NOTE, ATTRIBUTES_NOTE]
    lines += ["\n## Vocabulary\n", "\n| name | type | meaning |\n|---|---|---|\n"]
    lines += [f"| `{name}` | {kind} | {meaning} |\n" for name, (kind, meaning) in VOCABULARY.items()]
    lines += ["\n## Members of `body`\n", f"\n{BODY_NOTE}\n"]
    lines += ["\n| action | attribute | member | kind | meaning |\n|---|---|---|---|---|\n"]
    for action, members in MEMBERS.items():
        lines += [
            f"| `{action}` | `body.{name}` | `{one.json_name}` | {one.kind} | {one.meaning} |\n"
            for name, one in members.items()
        ]
    lines += [
        "\n## Variables of paths\n",
        "\nNamed in the [action reference](actions.md) in braces: `/warehouses/{id}`",
    ]
    lines += [" is `path.id`. They are compared as they stand in the path, escapes and all.\n"]
    lines += ["\n## Bounds\n", "\nWhat `limit` looks at. Where a request does not show it, the request is refused.\n"]
    lines += ["\n| bound | is seen in requests for |\n|---|---|\n"]
    lines += [
        f"| `{bound}` | {', '.join(f'`{one}`' for one in seen) or 'every action'} |\n" for bound, seen in _bounds()
    ]
    return "".join(lines)


BODY_NOTE = f"""Every action has `body.bytes`, its length, and `body.readable`. Nothing else is read of others' bodies.
Nothing holds of a body that could mean two things: longer than {BODY_BYTES:,} bytes, nested deeper than {DEPTH}, no
JSON object, a member twice, encoded, or not `application/json` in UTF-8. A member that is missing, or of another kind,
is not there: a condition about it is not proven, so the request is refused. `has(body.row_limit)` asks for it."""


PATH_NOTE = """Those that stand in braces in the [action reference](actions.md): the second segment of
`/warehouses/{id}` is `path.id`. They are compared as they stand in the path, escapes and all."""
BOUNDS_NOTE = "What `limit` looks at. Where a request does not show it, the request is refused."


def _bounds() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every key of a limit with the actions in whose requests it is seen."""
    values = {
        "row_limit": 1,
        "byte_limit": 1,
        "wait_seconds": 1,
        "jobs": [1],
        "body_bytes": 1,
        "dispositions": ["INLINE"],
    }
    for key in Limit.model_fields:
        rule = Rule.model_validate({"for": {"actions": ["x"]}, "limit": {key: values.get(key, ["x"])}})
        seen = tuple(name for name in GRANTABLE if all(one.text != OPAQUE for one in check(key, rule, name).conditions))
        yield key, () if len(seen) == len(GRANTABLE) else seen


def _default(value: Any) -> str:
    nothing_set = isinstance(value, dict) and value and not any(value.values())
    return "-" if value is None or nothing_set else f"`{value}`"


def _sentence(part: dict[str, Any]) -> str:
    return " ".join(str(part.get("description", "")).split())


def _kind(value: dict[str, Any]) -> str:
    """What may stand there, in a few words."""
    if "$ref" in value and "/properties/" in value["$ref"]:
        return "one of a list"
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in value or "oneOf" in value:
        options = [option for option in value.get("anyOf", value.get("oneOf", ())) if option.get("type") != "null"]
        return " or ".join(_kind(option) for option in options)
    if "const" in value:
        return f"`{json.dumps(value['const'])}`" if value["const"] is True else f"`{value['const']}`"
    if "enum" in value:
        return " or ".join(f"`{one}`" for one in value["enum"]) if len(value["enum"]) <= SHOWN else "one of a list"
    if value.get("type") == "array":
        return f"list of {_kind(value['items'])}"
    if value.get("type") == "object":
        inner: dict[str, Any] = value.get("additionalProperties") or next(
            iter(value.get("patternProperties", {}).values()), {}
        )
        return f"name to {_kind(inner)}"
    if value.get("type") == "integer":
        if "minimum" not in value:
            return "whole number"
        return f"{value['minimum']} to {value['maximum']}" if "maximum" in value else f"{value['minimum']} or more"
    if value.get("type") == "boolean":
        return "`true` or `false`"
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


def _json(make: Callable[[], dict[str, Any]]) -> Callable[[], str]:
    return lambda: json.dumps(make(), indent=2, ensure_ascii=False) + "\n"


PAGES = {
    "access.schema.json": _json(access_schema.whole),
    "access-fragment.schema.json": _json(access_schema.fragment),
    "expectations.schema.json": _json(access_schema.expectations),
    "model.md": model,
    "actions.md": actions,
    "attributes.md": attributes,
    "components.md": components,
    "policies.md": lambda: policies(NOTE),
    "commands.md": commands,
}


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
