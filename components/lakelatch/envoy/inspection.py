"""Inspection: reads out of a request what rules speak of, where there is such a rule (Envoy's `lua`, in the proxy).

`lakelatch.access.attributes` is the reference; a test holds the two together. The filter is switched off, and switched
on by the route of an action that a rule wants read, for the services that the rule is about.
"""

import json
from functools import cache
from importlib import resources
from typing import Final

from lakelatch.access.actions import ACTIONS
from lakelatch.access.attributes import BODY_BYTES, DEPTH, MEMBERS, templates
from lakelatch.envoy.runtime import Json, any_of

FILTER_NAME: Final = "lakelatch.inspection"
_PACKAGE: Final = "envoy.extensions.filters.http.lua.v3"


def base_filter() -> Json:
    """The filter in the chain, switched off."""
    script = {"inline_string": source()}
    return {
        "name": FILTER_NAME,
        "disabled": True,
        "typed_config": any_of(f"{_PACKAGE}.Lua", {"default_source_code": script}),
    }


def switched_on() -> Json:
    """What a route says so that the filter takes part."""
    config = any_of(f"{_PACKAGE}.LuaPerRoute", {"filter_context": {}})
    return {FILTER_NAME: any_of("envoy.config.route.v3.FilterConfig", {"config": config})}


def left_out() -> Json:
    """What a service's route says when no rule about it asks for anything to be read."""
    return {FILTER_NAME: any_of(f"{_PACKAGE}.LuaPerRoute", {"disabled": True})}


@cache
def source() -> str:
    """The script, with the catalogue's paths and the table of members written into it."""
    script = resources.files("lakelatch.envoy").joinpath("inspection.lua").read_text(encoding="utf-8")
    return script.replace("--[[TABLES]]", "\n".join(_tables()))


def _tables() -> list[str]:
    members = {
        action: {name: {"json": member.json_name, "kind": member.kind} for name, member in rows.items()}
        for action, rows in MEMBERS.items()
    }
    paths = {name: rows for name in ACTIONS if (rows := templates(name))}
    return [
        f"local BODY_BYTES, DEPTH = {BODY_BYTES}, {DEPTH}",
        f"local MEMBERS = {_lua(members)}",
        f"local PATHS = {_lua(paths)}",
    ]


def _lua(value: object) -> str:
    """A literal of plain data; keys and texts are those of the catalogue, which need no more than JSON's escapes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"[{json.dumps(key)}] = {_lua(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ", ".join(_lua(one) for one in value) + "}"
    return json.dumps(value)
