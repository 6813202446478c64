"""OData options: what is understood finds exactly what it says, and what is not understood is refused."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelatch_sandbox.graph.errors import GraphError
from lakelatch_sandbox.graph.odata import parse_filter
from lakelatch_sandbox.graph.query import page

DOCUMENTS: list[dict[str, Any]] = [
    {
        "id": "1",
        "displayName": "O'Hara",
        "enabled": True,
        "identifierUris": ["api://one"],
        "web": {"homePageUrl": None},
        "appRoles": [{"value": "read", "isEnabled": True}],
    },
    {
        "id": "2",
        "displayName": "reports",
        "enabled": False,
        "identifierUris": [],
        "web": {"homePageUrl": "https://a"},
        "appRoles": [{"value": "write", "isEnabled": False}],
        "version": 2,
    },
]


def found(query: dict[str, str], *, eventual: bool = False) -> list[str]:
    return [one["id"] for one in page(DOCUMENTS, query, eventual=eventual).documents]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        pytest.param("displayName eq 'reports'", ["2"], id="text"),
        pytest.param("displayName eq 'REPORTS'", ["2"], id="text in another case"),
        pytest.param("displayName eq 'O''Hara'", ["1"], id="doubled quote"),
        pytest.param("enabled eq true", ["1"], id="boolean"),
        pytest.param("enabled eq 'true'", [], id="text is no boolean"),
        pytest.param("version eq 2", ["2"], id="number"),
        pytest.param("web/homePageUrl eq null", ["1"], id="nested null"),
        pytest.param("web/homePageUrl eq 'https://a' and enabled eq false", ["2"], id="and"),
        pytest.param("enabled eq true and enabled eq false", [], id="contradiction"),
        pytest.param("displayName eq 'reports' or displayName eq 'O''Hara'", ["1", "2"], id="or"),
        pytest.param("enabled eq true or enabled eq false and displayName eq 'x'", ["1"], id="and binds tighter"),
        pytest.param("(enabled eq true or enabled eq false) and displayName eq 'reports'", ["2"], id="parentheses"),
        pytest.param("identifierUris/any(u:u eq 'api://one')", ["1"], id="any"),
        pytest.param("identifierUris/any()", ["1"], id="any at all"),
        pytest.param("appRoles/any(r: r/value eq 'write' and r/isEnabled eq false)", ["2"], id="any member"),
        pytest.param("displayName in ('reports', 'x')", ["2"], id="in"),
        pytest.param("startswith(displayName,'REP')", ["2"], id="startswith"),
        pytest.param("startsWith(displayName, 'o''')", ["1"], id="startsWith with a quote"),
        pytest.param("missing eq 'x'", [], id="unknown property"),
    ],
)
def test_filter(text: str, ids: list[str]) -> None:
    assert found({"$filter": text}) == ids


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        pytest.param({"$filter": "displayName ne 'reports'"}, ["1"], id="ne"),
        pytest.param({"$filter": "not (enabled eq true)"}, ["2"], id="not"),
        pytest.param({"$filter": "endsWith(displayName,'RTS')"}, ["2"], id="endsWith"),
        pytest.param({"$filter": "enabled in (true, false)", "$orderby": "displayName desc"}, ["2", "1"], id="order"),
        pytest.param({}, ["1", "2"], id="count"),
    ],
)
def test_advanced_queries_want_the_header_and_a_count(query: dict[str, str], ids: list[str]) -> None:
    """ne, not, endsWith, a filter with an order and $count itself: both the header and $count, or a refusal."""
    assert found({**query, "$count": "true"}, eventual=True) == ids
    for count, eventual in ((True, False), *(((False, True), (False, False)) if query else ())):
        with pytest.raises(GraphError) as refusal:
            found({**query, **({"$count": "true"} if count else {})}, eventual=eventual)
        assert (refusal.value.status, refusal.value.code) == (400, "Request_UnsupportedQuery")


@pytest.mark.parametrize(
    "query",
    [
        {"$filter": ""},
        {"$filter": "displayName"},
        {"$filter": "displayName eq"},
        {"$filter": "displayName gt 'a'"},
        {"$filter": "displayName eq 'a' displayName eq 'b'"},
        {"$filter": "displayName eq 'a' and"},
        {"$filter": "displayName eq 'a"},
        {"$filter": "displayName eq a"},
        {"$filter": "(displayName eq 'a'"},
        {"$filter": "startswith(displayName)"},
        {"$filter": "startswith(displayName,true)"},
        {"$filter": "contains(displayName,'a')"},
        {"$filter": "identifierUris/any(u:)"},
        {"$filter": "/any(u:u eq 'a')"},
        {"$filter": "(" * 200 + "a eq 'b'" + ")" * 200},
        {"$filter": "not " * 5000 + "a eq 'b'"},
        {"$top": "0"},
        {"$top": "1000"},
        {"$top": "x"},
        {"$top": "9" * 5000},
        {"$search": "a"},
        {"$orderby": "a,b"},
        {"$skiptoken": "!"},
    ],
    ids=lambda query: str(query)[:60],
)
def test_what_is_not_understood_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(GraphError) as refusal:
        page(DOCUMENTS, query)
    assert refusal.value.status == 400


def test_select_and_pages() -> None:
    first = page(DOCUMENTS, {"$select": "id, enabled,nothing", "$top": "1", "$count": "true"}, eventual=True)
    assert first.documents == [{"id": "1", "enabled": True}]
    assert first.count == 2
    assert first.skiptoken is not None
    last = page(DOCUMENTS, {"$select": "id", "$top": "1", "$skiptoken": first.skiptoken})
    assert (last.documents, last.skiptoken, last.count) == ([{"id": "2"}], None, None)


@given(st.integers(0, 300), st.integers(1, 120))
def test_pages_hold_everything_once_and_in_order(number: int, size: int) -> None:
    documents = [{"id": str(index)} for index in range(number)]
    seen: list[str] = []
    query = {"$top": str(size)}
    while True:
        part = page(documents, query)
        seen += [one["id"] for one in part.documents]
        if part.skiptoken is None:
            break
        query["$skiptoken"] = part.skiptoken
    assert seen == [one["id"] for one in documents]


@given(st.text(), st.text())
def test_equality_holds_for_a_value_written_as_a_literal_and_for_no_other(value: str, other: str) -> None:
    wanted = parse_filter(f"name eq '{value.replace(chr(39), chr(39) * 2)}'")
    assert wanted.holds({"name": value})
    assert wanted.holds({"name": other}) == (value.casefold() == other.casefold())


@given(st.text())
def test_any_text_is_either_understood_or_refused(text: str) -> None:
    with contextlib.suppress(GraphError):
        parse_filter(text)


WORDS = st.sampled_from(["a", "a/any", "'x'", "eq", "ne", "and", "or", "not", "in", "(", ")", ",", ":", "true", "12"])


@given(st.lists(WORDS, max_size=12))
def test_any_words_are_either_understood_or_refused(words: list[str]) -> None:
    with contextlib.suppress(GraphError):
        parse_filter(" ".join(words)).holds({"a": ["x", {"a": 1}]})
