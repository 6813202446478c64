"""Ways to break the compiled configuration, each with hostile requests that must then be seen to go wrong."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from support.bypass.tokens import FORMS
from support.bypass.world import World

AUTHENTICATION: Final = "authentication"
ROUTES: Final = "routes"
LISTENERS: Final = "listeners"


@dataclass(frozen=True)
class Breakage:
    """One thing that is broken in one discovered file."""

    id: str
    file: str
    """Which of `runtime.Files`."""
    change: Callable[[Any, World], object]
    """Changes the file's content in place."""
    seen_by: tuple[str, ...]
    """Cases that must go wrong."""


def found(node: Any, name: str) -> Iterator[Any]:
    """Every value of a member of this name, however deep."""
    if isinstance(node, dict):
        if name in node:
            yield node[name]
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from found(one, name)


def manager(file: Any) -> Any:
    return file["resources"][0]["filter_chains"][0]["filters"][0]["typed_config"]


def filters(file: Any) -> Any:
    return manager(file)["http_filters"]


def verifier(file: Any) -> Any:
    return file["resources"][0]["typed_config"]


def every(name: str, change: Callable[[Any], object]) -> Callable[[Any, World], object]:
    """Change every value of a member of this name."""
    return lambda file, _: [change(one) for one in found(file, name)]


def providers(change: Callable[[Any], object]) -> Callable[[Any, World], object]:
    return lambda file, _: [change(one) for one in verifier(file)["providers"].values()]


def setting(name: str, value: Any) -> Callable[[Any, World], object]:
    return lambda file, _: manager(file).update({name: value})


def no_last_rule(file: Any, _: World) -> None:
    """What meets no rule needs no token: here what does not begin as an issuer's tokens do."""
    verifier(file)["rules"].pop()


def shared_secret(file: Any, w: World) -> None:
    """A key set as an issuer could publish it by mistake: the public key once more, as a shared secret."""
    secret = base64.urlsafe_b64encode(FORMS["PEM"](w.entra)).rstrip(b"=").decode()
    keys = verifier(file)["providers"]["entra"]["local_jwks"]
    parsed = json.loads(keys["inline_string"])
    parsed["keys"].append({"kty": "oct", "alg": "HS256", "kid": "key-1", "k": secret})
    keys["inline_string"] = json.dumps(parsed)


def allow(rule: str) -> Callable[[Any, World], object]:
    """The end of a decision, turned round."""

    def change(action: Any) -> None:
        config = action.get("typed_config", {}) if isinstance(action, dict) else {}
        if config.get("name") == rule:
            config["action"] = "ALLOW"

    return every("action", change)


def without_filter(name: str) -> Callable[[Any, World], object]:
    def change(file: Any, _: World) -> None:
        filters(file)[:] = [one for one in filters(file) if one["name"] != name]

    return change


def without_logger(file: Any, _: World) -> None:
    """The line of what is refused before anybody knows whose request it is."""
    manager(file)["access_log"].pop()


BREAKAGES = [
    Breakage(
        "no rule for every path",
        AUTHENTICATION,
        no_last_rule,
        ("header: x-authorization", "forged without a token: x-lakelatch-subject"),
    ),
    Breakage(
        "client headers are believed",
        LISTENERS,
        setting("early_header_mutation_extensions", []),
        ("forged beside what is granted: x-http-method-override", "forged beside what is granted: x-lakelatch-new"),
    ),
    Breakage(
        "escaped slashes are kept",
        LISTENERS,
        setting("path_with_escaped_slashes_action", "KEEP_UNCHANGED"),
        ("path /api/2.0/sql%2fstatements/a",),
    ),
    Breakage(
        "slashes are not merged",
        LISTENERS,
        setting("merge_slashes", False),
        ("path resolved: /api//2.0/preview///scim/v2/Me",),
    ),
    Breakage(
        "paths are not normalised",
        LISTENERS,
        setting("normalize_path", False),
        ("path resolved: /api/2.0/x/../preview/scim/v2/Me",),
    ),
    Breakage(
        "underscores pass",
        LISTENERS,
        setting("common_http_protocol_options", {}),
        ("line: underscore", "HTTP/2 field: underscore"),
    ),
    Breakage(
        "what no role grants passes",
        ROUTES,
        allow("default-deny"),
        ("path /api/2.1/jobs/list", "a token of another in between", "HTTP/2: the second stream asks for more"),
    ),
    Breakage(
        "what no action is passes",
        ROUTES,
        allow("unknown-action"),
        ("method 'DELETE'", "path /ajax-api/2.0/sql/statements"),
    ),
    Breakage(
        "a rule that is not met passes", ROUTES, allow("rule:rows"), ("body: twice, one escaped", "body of kind: twice")
    ),
    Breakage(
        "a token in the query passes",
        ROUTES,
        allow("token-in-query"),
        ("query: b'?a=b;' access%255Ftoken, beside a token",),
    ),
    Breakage(
        "tokens from anywhere",
        AUTHENTICATION,
        providers(lambda one: one.pop("from_headers")),
        ("query: access_token, alone",),
    ),
    Breakage("a shared secret as a key", AUTHENTICATION, shared_secret, ("token: HS256 with the PEM of entra",)),
    Breakage(
        "any audience",
        AUTHENTICATION,
        providers(lambda one: one.pop("audiences")),
        ("token: aud missing", "token: aud list"),
    ),
    Breakage(
        "tokens without end",
        AUTHENTICATION,
        providers(lambda one: one.pop("require_expiration")),
        ("token: exp missing",),
    ),
    Breakage(
        "clocks an hour apart",
        AUTHENTICATION,
        providers(lambda one: one.update(clock_skew_seconds=7200)),
        ("token: exp 40 s ago", "token: nbf in a minute"),
    ),
    Breakage(
        "the client's token goes on",
        LISTENERS,
        without_filter("lakelatch.credentials"),
        ("path resolved: /%61pi/2.0/preview/scim/v2/Me", "length: zeros before"),
    ),
    Breakage(
        "no authentication", LISTENERS, without_filter("lakelatch.authentication"), ("token: alg 'none', no signature",)
    ),
    Breakage("no authorization", LISTENERS, without_filter("lakelatch.authorization"), ("path /api/2.1/jobs/list",)),
    Breakage("no line of what is not understood", LISTENERS, without_logger, ("both framings: length first",)),
]
