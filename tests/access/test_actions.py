"""Proves that a request stands for one action or none, the most specific one, and that entries of a role name actions.

The index is held against the patterns that Envoy gets, over paths that are made to be taken for others.
"""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelatch.access.action_groups import PATTERNS
from lakelatch.access.actions import ACTIONS, ALIASES, GRANTABLE, GROUPS, action_of, expand, in_match_order
from lakelatch.access.requests import LEGAL_PATH, SEGMENT, Request

VARIABLE = re.compile(r"\{[a-z_]+(\.\.\.)?\}")
ORDER = in_match_order()
MATCHERS: list[tuple[str, Callable[[str], object], Callable[[str], object], str]] = [
    (
        request.method,
        re.compile(request.path_pattern or re.escape(request.path)).fullmatch,
        re.compile(request.short_pattern or re.escape(request.path)).fullmatch,
        action.name,
    )
    for request, action in ORDER
]
LEGAL = re.compile(LEGAL_PATH)

segments = st.one_of(
    st.from_regex(SEGMENT, fullmatch=True),
    st.sampled_from(
        ["1", "me", "x:query", "%20", "a%40b", "...", ".x", "list", "permissions", "a b", "é", "%2F", "%2e"]
    ),
    st.sampled_from(["", ".", "..", "%", "%2", "%zz", "a;b", "%5C", "%00", "%7f", "a%2fb", ":", ":query", "..:sync"]),
)


def a_path(template: str, segment: str) -> str:
    """A template with its variables filled in."""
    return VARIABLE.sub(lambda found: f"{segment}/{segment}" if found[1] else segment, template)


@st.composite
def near_paths(draw: st.DrawFn) -> tuple[str, str]:
    """A request of the catalogue with anything in its variables, and then perhaps a little more or less."""
    request, _ = draw(st.sampled_from(ORDER))
    path = VARIABLE.sub(lambda _: draw(segments), request.path)
    spoil = draw(
        st.sampled_from(["{}", "{}", "{}/", "/{}", "{};x=1", "{}:query", "{}/x", "{}/..", "{}%2f", "x{}", "{}?a=b"])
    )
    method = draw(st.one_of(st.just(request.method), st.sampled_from(["GET", "POST", "TRACE"])))
    return method, spoil.format(path)


def first_match(method: str, path: str, matcher: int) -> str | None:
    """The first by the catalogue's order whose pattern has the path; 1 is the exact pattern, 2 the short one."""
    return next((row[3] for row in MATCHERS if row[0] == method and row[matcher](path)), None)  # type: ignore[operator]


@pytest.mark.parametrize("service", sorted({action.service for action in ACTIONS.values()}))
@pytest.mark.parametrize("segment", ["a1", "a%20b@c", "main.sales.orders", "..."])
def test_each_request_stands_for_its_action(service: str, segment: str) -> None:
    for action in ACTIONS.values():
        if action.service == service:
            for request in action.requests:
                assert action_of(request.method, a_path(request.path, segment)) is action, request


@given(near_paths())
def test_index_and_both_kinds_of_pattern_agree(asked: tuple[str, str]) -> None:
    method, path = asked
    found = action_of(method, path)
    name = None if found is None else found.name
    assert first_match(method, path, 1) == name
    assert (first_match(method, path, 2) if LEGAL.fullmatch(path) else None) == name


@given(method=st.sampled_from(["GET", "POST", "DELETE"]), path=st.text(alphabet="/apisqlsth20.-{}%;:", max_size=40))
def test_any_text_is_found_as_the_patterns_find_it(method: str, path: str) -> None:
    found = action_of(method, path)
    assert first_match(method, path, 1) == (None if found is None else found.name)


@pytest.mark.parametrize(
    "spoil", ["{}/", "/{}", "{};x=1", "{}%2f", "{}%2Fx", "{}%5cx", "{}/../x", "{}/./x", "{}//x", "{}?a=b", "x{}", "{} "]
)
def test_a_look_alike_stands_for_nothing(spoil: str) -> None:
    """A slash at the end is no look-alike where a path of files may end so."""
    for request, _ in ORDER:
        if not (spoil == "{}/" and request.path.endswith("...}")):
            assert action_of(request.method, spoil.format(a_path(request.path, "a1"))) is None


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        pytest.param("GET", "/api/2.0/permissions/jobs/1", "jobs.get_permissions", id="constant before variable"),
        pytest.param("GET", "/api/2.0/permissions/queries/1", "permissions.get", id="variable where no constant fits"),
        pytest.param("GET", "/api/2.0/permissions/authorization/tokens", "token_management.get_permissions", id="two"),
        pytest.param(
            "GET",
            "/api/2.0/feature-engineering/features/kafka-configs",
            "feature_engineering.list_kafka_configs",
            id="constant at the end",
        ),
        pytest.param("POST", "/serving-endpoints/chat/completions", "open_ai.chat_completions", id="words of OpenAI"),
        pytest.param("POST", "/serving-endpoints/chat/invocations", "serving_endpoints.query", id="endpoint 'chat'"),
        pytest.param(
            "POST",
            "/api/2.0/ai-search/workspaces/1/endpoints/e/indexes/i:query",
            "ai_search.query_index",
            id="verb",
        ),
        pytest.param("POST", "/api/2.0/ai-search/workspaces/1/endpoints/e/indexes/i:drop", None, id="unknown verb"),
        pytest.param("POST", "/api/2.0/ai-search/workspaces/1/endpoints/e/indexes/:query", None, id="verb alone"),
        pytest.param("GET", "/api/2.0/fs/files/Volumes/a/b/c/d%20e.csv", "files.download", id="path of a file"),
        pytest.param("GET", "/api/2.0/fs/directories/Volumes/a/b/c/", "files.list_directory_contents", id="folder"),
        pytest.param("GET", "/api/2.0/fs/files/", None, id="no path of a file"),
        pytest.param("GET", "/api/2.0/fs/files/Volumes/../../../2.0/secrets/list", None, id="dot segments"),
        pytest.param("GET", "/api/2.0/domains", "domains.list_domains", id="collection"),
        pytest.param("GET", "/api/2.0/domains/d", "domains.get_domain", id="resource name of one kind"),
        pytest.param("GET", "/api/2.0/sandboxes/s", "sandbox.get_sandbox", id="resource name of another kind"),
        pytest.param("GET", "/api/2.0/anything/x", None, id="resource name of no kind"),
    ],
)
def test_the_most_specific_request_counts(method: str, path: str, name: str | None) -> None:
    found = action_of(method, path)
    assert (None if found is None else found.name) == name


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        pytest.param("current_user.me", 1, id="action"),
        pytest.param("users_v2.list", 1, id="alias"),
        pytest.param("users_v2.*", 0, id="service of aliases"),
        pytest.param("account_users.list", 0, id="action of the account"),
        pytest.param("account_users.*", 0, id="service of the account"),
        pytest.param("settings.default_namespace.*", 3, id="service within a service"),
        pytest.param("*", 0, id="everything"),
        pytest.param(".*", 0, id="service without a name"),
        pytest.param("warehouses", 0, id="service without its star"),
        pytest.param("ware*", 0, id="part of a service"),
        pytest.param("", 0, id="nothing"),
        pytest.param("all:queries", len(GROUPS["all:queries"]), id="group"),
        pytest.param("all:everything", 0, id="unknown group"),
    ],
)
def test_expand(pattern: str, count: int) -> None:
    assert len(expand(pattern)) == count


def test_a_service_is_all_its_actions() -> None:
    expected = tuple(name for name in GRANTABLE if name.startswith("warehouses."))
    assert len(expected) > 10
    assert expand("warehouses.*") == expected


def test_an_alias_is_its_action() -> None:
    assert ALIASES["users_v2.list"] == "users.list"
    assert not set(ALIASES) & set(ACTIONS)
    assert all(ACTIONS[name].aliases for name in ALIASES.values())


@pytest.mark.parametrize("pattern", [pattern for patterns in PATTERNS.values() for pattern in patterns])
def test_a_group_is_made_of_what_is_there(pattern: str) -> None:
    assert expand(pattern)


@pytest.mark.parametrize(
    ("group", "inside", "outside"),
    [
        pytest.param(
            "all:queries",
            ["statement_execution.execute_statement", "thrift.query_warehouse", "command_execution.execute"],
            ["warehouses.start", "jobs.run_now", "files.upload"],
            id="queries",
        ),
        pytest.param(
            "all:low-risk-reads",
            ["warehouses.list", "jobs.get", "tables.get", "experiments.search_runs"],
            ["files.download", "secrets.get_secret", "workspace.export", "users.list", "serving_endpoints.query"],
            id="low-risk reads",
        ),
    ],
)
def test_what_a_group_has(group: str, inside: list[str], outside: list[str]) -> None:
    assert set(inside) <= set(GROUPS[group])
    assert set(outside) <= set(ACTIONS)
    assert not set(outside) & set(GROUPS[group])


def test_low_risk_reads_only_read() -> None:
    for name in GROUPS["all:low-risk-reads"]:
        action = ACTIONS[name]
        assert (action.access, action.risk, action.scope) == ("read", "low", "workspace")


@pytest.mark.parametrize(
    ("template", "prefix", "pattern"),
    [
        pytest.param("/a/b.c", "/a/b.c", None, id="constant"),
        pytest.param("/a.b/{x}", "/a.b/", rf"/a\.b/{SEGMENT}", id="variable"),
        pytest.param("/a/{x}/b", "/a/", f"/a/{SEGMENT}/b", id="variable within"),
        pytest.param("/a/{x...}", "/a/", f"/a(?:/{SEGMENT})+/?", id="several segments"),
    ],
)
def test_pattern_of_a_template(template: str, prefix: str, pattern: str | None) -> None:
    request = Request("GET", template)
    assert (request.prefix, request.path_pattern) == (prefix, pattern)
