"""The table that names actions: as `action_of` names them, for every request of the catalogue, and in few bytes."""

import re
from collections import defaultdict
from typing import Any

import pytest

from lakelatch.access.actions import ACTIONS, action_of, in_match_order
from lakelatch.access.policy import Policy, Subject
from lakelatch.envoy import catalogue
from lakelatch.envoy.compiler import text
from lakelatch.envoy.identity import CLASS_HEADER, UNKNOWN_ACTION

READS = ("clusters.list", "warehouses.list")
POLICY = Policy({"reader": Subject("reader", "https://issuer", "s", "production", {"reader": READS})})
MATCHER = catalogue.matcher(POLICY, {"/healthz": {"name": "probe", "match": {"path": "/healthz"}}})
"""First those with a token in the query, which the bypass suite is about; then the table."""
TABLE = MATCHER["on_no_match"]["matcher"]


def routes_of(leaf: Any) -> list[Any]:
    return list(leaf["action"]["typed_config"]["routes"])


LISTS = {prefix: routes_of(leaf) for prefix, leaf in TABLE["matcher_tree"]["prefix_match_map"]["map"].items()}


def route_of(method: str, target: str) -> Any:
    """The route that Envoy takes: by the longest beginning, and then the first that matches."""
    longest = next((target[:end] for end in range(len(target), 0, -1) if target[:end] in LISTS), None)
    routes = routes_of(TABLE["on_no_match"]) if longest is None else LISTS[longest]
    return next(one for one in routes if matches(one["match"], {":method": method, ":path": target}))


def matches(match: Any, headers: Any) -> bool:
    for header in match.get("headers", ()):
        wanted, value = header["string_match"], headers[header["name"]]
        met = value == wanted["exact"] if "exact" in wanted else full(wanted["safe_regex"]["regex"], value)
        if met == header.get("invert_match", False):
            return False
    path = headers[":path"].partition("?")[0]
    if "safe_regex" in match:
        return full(match["safe_regex"]["regex"], path)
    return bool(path == match["path"] if "path" in match else path.startswith(match["prefix"]))


def full(pattern: str, value: str) -> bool:
    return re.fullmatch(pattern.replace(r"\C", "(?s:.)"), value) is not None


def paths() -> list[str]:
    """Those of every template, with a value that is nobody's constant and with every constant of its place."""
    constants = defaultdict(set)
    rows = [request.path.split("/") for request, _ in in_match_order()]
    for segments in rows:
        for place, segment in enumerate(segments):
            if "{" not in segment:
                constants["/".join(segments[:place])].add(segment)
    found = set()
    for segments in rows:
        plain = [re.sub(r"\{.*?\}", "some-1", one) for one in segments]
        found.add("/".join(plain))
        for place, segment in enumerate(segments):
            if segment.startswith("{"):
                beside = constants["/".join(segments[:place])]
                found |= {"/".join((*plain[:place], one, *plain[place + 1 :])) for one in beside}
    return sorted(found)


@pytest.mark.parametrize("end", ["", "?a=/b;c", "/", "/more", ":run", "more", ";a=b", "/%2e%2e", "/.."])
def test_every_request_is_named_as_the_catalogue_names_it(end: str) -> None:
    for path in paths():
        whole = path + end
        for method in ("GET", "POST", "PATCH", "DELETE"):
            action = action_of(method, whole.partition("?")[0])
            expected = UNKNOWN_ACTION if action is None else action.name
            assert route_of(method, whole)["name"] == expected, (method, whole)


def test_route_says_its_class_only_where_somebody_is_granted_the_action() -> None:
    routes = [route for routes in LISTS.values() for route in routes if route["name"] != "probe"]
    assert {route["name"] for route in routes} == {*ACTIONS, UNKNOWN_ACTION}
    assert {route["name"] for route in routes if "typed_per_filter_config" in route} == {*READS}
    assert CLASS_HEADER in text(route_of("GET", "/api/2.1/clusters/list"))


def test_path_that_needs_no_identity_stands_before_the_actions_beside_it() -> None:
    assert route_of("GET", "/healthz")["name"] == "probe"
    assert route_of("GET", "/healthz/more")["name"] == UNKNOWN_ACTION


def test_table_takes_few_bytes() -> None:
    """Envoy reads it at every change of a policy: 500 bytes for each request of the catalogue, and no more."""
    assert len(text(TABLE)) < 500 * len(in_match_order())
