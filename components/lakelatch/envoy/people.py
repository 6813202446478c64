"""People: their own token is exchanged for their own Databricks token, once, and kept (Envoy's `lua`, in the proxy).

Each Envoy worker keeps what it was told by the whole token, so no two tokens can be taken for each other, and asks the
gateway for what it does not know. The filter is switched off, and switched on by routes where there are people.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

from lakelatch.envoy.clusters import PEOPLE
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.expressions import PERSON_METADATA
from lakelatch.envoy.identity import EXCHANGE_HEADER, ROLES_HEADER, USER_HEADER
from lakelatch.envoy.runtime import Json, any_of

FILTER_NAME: Final = "lakelatch.people"
SCRIPT: Final = "people"
CAPACITY: Final = 2_000
"""Tokens that each worker remembers at least, and at most twice as many; of 2 KiB with its answer, 8 MiB. The gateway
remembers more, and answers for those that a worker forgot."""
TIMEOUT_MS: Final = 15_000
"""Longer than the gateway waits for the workspace, so that it can say what came of it."""
RETRY_SECONDS: Final = 5
"""When the gateway is asked again that gave no answer."""
_PACKAGE: Final = "envoy.extensions.filters.http.lua.v3"


def base_filter() -> Json:
    """The filter in the chain, switched off; without a script of its own it does nothing."""
    config = {"source_codes": {SCRIPT: {"inline_string": source()}}, "clear_route_cache": False}
    return {"name": FILTER_NAME, "disabled": True, "typed_config": any_of(f"{_PACKAGE}.Lua", config)}


def switched_on() -> Json:
    """What the routes of a gateway with people say, so that the filter takes part; it does nothing by this alone."""
    config = any_of(f"{_PACKAGE}.LuaPerRoute", {"filter_context": {}})
    return {FILTER_NAME: any_of("envoy.config.route.v3.FilterConfig", {"config": config})}


def exchange(config: GatewayConfig, issuer: str, *, tell_roles: bool) -> Json:
    """What the route of an issuer's people says; `tell_roles`: conditions speak of roles."""
    context = {"policy": policy_id(config, issuer), **({"tell_roles": True} if tell_roles else {})}
    return {FILTER_NAME: any_of(f"{_PACKAGE}.LuaPerRoute", {"name": SCRIPT, "filter_context": context})}


def policy_id(config: GatewayConfig, issuer: str) -> str:
    """What answers about an issuer's people depend on: what is held for another is asked for anew."""
    rows = {"issuer": config.issuers[issuer].issuer, "people": config.people[issuer].model_dump(mode="json")}
    rows["workspace"] = config.workspace.model_dump(mode="json")
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:32]


@cache
def source() -> str:
    """The script, with the constants that it shares with the rest."""
    constants: Mapping[str, str | int] = {
        "CAPACITY": CAPACITY,
        "CLUSTER": PEOPLE,
        "EXCHANGE_HEADER": EXCHANGE_HEADER,
        "METADATA": PERSON_METADATA,
        "RETRY_SECONDS": RETRY_SECONDS,
        "ROLES_HEADER": ROLES_HEADER,
        "TIMEOUT_MS": TIMEOUT_MS,
        "USER_HEADER": USER_HEADER,
    }
    script = resources.files("lakelatch.envoy").joinpath("people.lua").read_text(encoding="utf-8")
    written = "\n".join(f"local {name} = {json.dumps(value)}" for name, value in constants.items())
    return script.replace("--[[CONSTANTS]]", written)
