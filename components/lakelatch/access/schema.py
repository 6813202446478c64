"""The model's JSON Schema (draft 2020-12), as people write a model: what editors complete and check from.

It knows the shape alone. What must hold between the parts (names that exist, identities that differ) only
`lakelatch access check` tells.
"""

from collections.abc import Mapping
from typing import Any, Final

from lakelatch.access.actions import ACTIONS, ALIASES, GRANTABLE, GROUPS
from lakelatch.access.model import AccessModel

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_NOT_WRITTEN: Final = ("EntraWorkload", "UnknownWorkload")
"""Kinds of workload that only the model itself makes, to tell a mistake."""
_EXACTLY_ONE: Final[Mapping[str, tuple[str, ...]]] = {
    "AzureDevopsWorkload": ("pipeline", "service_connection"),
    "GithubWorkload": ("environment", "branch", "tag", "pull_request", "reusable_workflow"),
    "GitlabWorkload": ("branch", "tag"),
    "Grant": (
        *("catalog", "schema", "table", "volume", "function", "model"),
        *("external_location", "storage_credential", "foreign_connection"),
    ),
    "Group": ("create", "adopt"),
    "KeycloakWorkload": ("client_id", "service_account_id"),
}
"""Parts to the keys of which exactly one is there; the parts' own validators say the same, and a test compares."""


def whole() -> dict[str, Any]:
    """The schema of a model in one file, or of the main file of several that has every part that must be there."""
    schema: dict[str, Any] = _tidy(AccessModel.model_json_schema())
    parts = schema["$defs"]
    for name in _NOT_WRITTEN:
        del parts[name]
    for name, part in parts.items():
        if name.endswith("Workload"):
            # The kind is its issuer's, so nobody writes it.
            del part["properties"]["type"]
            part["required"] = [key for key in part.get("required", []) if key != "type"]
        if keys := _EXACTLY_ONE.get(name):
            part["oneOf"] = [{"required": [key]} for key in keys]
    # Several kinds are written alike, such as those with a `client_id`: the issuer says which it is.
    kinds = [{"$ref": f"#/$defs/{name}"} for name in parts if name.endswith("Workload")]
    workload = parts["Service"]["properties"]["workload"]
    parts["Service"]["properties"]["workload"] = {"description": workload["description"], "anyOf": kinds}
    parts["Role"]["properties"]["actions"]["items"] = {"enum": _actions()}
    return {"$schema": DIALECT, **schema, "title": "Lakelatch access model"}


def fragment() -> dict[str, Any]:
    """The schema of a fragment: the same parts, none of which must be there."""
    schema = {key: value for key, value in whole().items() if key != "required"}
    return {**schema, "title": "Fragment of a Lakelatch access model"}


def _actions() -> list[str]:
    """Everything that a role may name: groups, services as a whole, then each action by each of its names."""
    services = sorted({f"{part}.*" for name in GRANTABLE for part in (name.partition(".")[0], ACTIONS[name].service)})
    aliases = (alias for alias, name in ALIASES.items() if name in GRANTABLE)
    return [*sorted(GROUPS), *services, *sorted((*GRANTABLE, *aliases))]


def _tidy(node: Any) -> Any:
    """Without what only pydantic needs: titles made of names, nulls for what may be left out, discriminators."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    tidy = {key: _tidy(value) for key, value in node.items() if key not in ("title", "discriminator", "properties")}
    if "properties" in node:  # here a key is a name, never a keyword
        tidy["properties"] = {name: _tidy(value) for name, value in node["properties"].items()}
    if tidy.get("default", 0) is None:
        del tidy["default"]
    if "anyOf" in tidy and {"type": "null"} in tidy["anyOf"]:
        options = [option for option in tidy.pop("anyOf") if option != {"type": "null"}]
        tidy = {**(options[0] if len(options) == 1 else {"anyOf": options}), **tidy}
    if "patternProperties" in tidy:
        tidy["additionalProperties"] = False
    return tidy
