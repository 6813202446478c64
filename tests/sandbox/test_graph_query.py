"""OData options: what is understood finds exactly what it says, and what is not understood is refused."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelatch_sandbox.graph.errors import GraphError
from lakelatch_sandbox.graph.query import page, parse_filter

DOCUMENTS: list[dict[str, Any]] = [
    {
        "id": "1",
        "displayName": "O'Hara",
        "enabled": True,
        "identifierUris": ["api://one"],
        "web": {"homePageUrl": None},
    },
    {"id": "2", "displayName": "reports", "enabled": False, "identifierUris": [], "web": {"homePageUrl": "https://a"}},
]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("displayName eq 'reports'", ["2"], id="text"),
        pytest.param("displayName eq 'REPORTS'", ["2"], id="text in another case"),
        pytest.param("displayName eq 'O''Hara'", ["1"], id="doubled quote"),
        pytest.param("enabled eq true", ["1"], id="boolean"),
        pytest.param("enabled eq 'true'", [], id="text is no boolean"),
        pytest.param("web/homePageUrl eq null", ["1"], id="nested null"),
        pytest.param("web/homePageUrl eq 'https://a' and enabled eq false", ["2"], id="and"),
        pytest.param("enabled eq true and enabled eq false", [], id="contradiction"),
        pytest.param("identifierUris/any(u:u eq 'api://one')", ["1"], id="any"),
        pytest.param("missing eq 'x'", [], id="unknown property"),
    ],
)
def test_filter(text: str, found: list[str]) -> None:
    assert [one["id"] for one in page(DOCUMENTS, {"$filter": text})] == found


@pytest.mark.parametrize(
    "query",
    [
        {"$filter": ""},
        {"$filter": "displayName"},
        {"$filter": "displayName ne 'a'"},
        {"$filter": "displayName eq 'a' or displayName eq 'b'"},
        {"$filter": "displayName eq 'a'and displayName eq 'b'"},
        {"$filter": "displayName eq 'a' and"},
        {"$filter": "displayName eq 'a"},
        {"$filter": "startswith(displayName,'a')"},
        {"$top": "0"},
        {"$top": "1000"},
        {"$top": "x"},
        {"$expand": "owners"},
    ],
    ids=str,
)
def test_what_is_not_understood_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(GraphError) as refusal:
        page(DOCUMENTS, query)
    assert refusal.value.status == 400


def test_select_and_top() -> None:
    assert page(DOCUMENTS, {"$select": "id, enabled,nothing", "$top": "1"}) == [{"id": "1", "enabled": True}]


@given(st.text(), st.text())
def test_equality_holds_for_a_value_written_as_a_literal_and_for_no_other(value: str, other: str) -> None:
    (comparison,) = parse_filter(f"name eq '{value.replace(chr(39), chr(39) * 2)}'")
    assert comparison.value == value
    assert comparison.holds({"name": value})
    assert comparison.holds({"name": other}) == (value.casefold() == other.casefold())


@given(st.text())
def test_any_text_is_either_understood_or_refused(text: str) -> None:
    with contextlib.suppress(GraphError):
        assert parse_filter(text)
