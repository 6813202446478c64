"""Proves that a model's text becomes plain data and nothing else, and that anything else is told with its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelatch.access import document
from lakelatch.errors import ModelError


def findings(text: str) -> list[tuple[str, str, int | None]]:
    """Path, what was found and line of everything that a text is refused for."""
    with pytest.raises(ModelError) as caught:
        document.read(text, "model.yaml")
    return [(finding.path, finding.found, finding.line) for finding in caught.value.findings]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        pytest.param("a: 1", {"a": 1}, id="number"),
        pytest.param("a: yes", {"a": True}, id="YAML 1.1 boolean"),
        pytest.param('a: "1"', {"a": "1"}, id="quoted number"),
        pytest.param("a: 2026-01-01", {"a": "2026-01-01"}, id="a date stays text"),
        pytest.param("a:\n- {b: null}", {"a": [{"b": None}]}, id="nested"),
        pytest.param("1: x", {"1": "x"}, id="a key is text"),
    ],
)
def test_plain_data(text: str, data: dict[str, object]) -> None:
    assert document.read(text, "model.yaml").data == data


@pytest.mark.parametrize(
    ("text", "path", "says", "line"),
    [
        pytest.param("", "", "empty", None, id="empty"),
        pytest.param("# only a comment\n", "", "empty", None, id="comment only"),
        pytest.param("- a\n", "", "not a mapping", None, id="a list"),
        pytest.param("a: [1\n", "", "not YAML", 2, id="syntax"),
        pytest.param("a: 1\n---\nb: 2\n", "", "not YAML", 2, id="two documents"),
        pytest.param("a: \x00\n", "", "not YAML", None, id="a character that YAML refuses"),
        pytest.param("a: 1\nb: 2\na: 3\n", "a", "second time", 3, id="duplicate key"),
        pytest.param("a:\n  b: 1\n  b: 2\n", "a.b", "second time", 3, id="duplicate key below"),
        pytest.param("a: &x 1\nb: *x\n", "b", "alias", 2, id="alias"),
        pytest.param("a: &x 1\nb: [*x]\n", "b[0]", "alias", 2, id="alias in a list"),
        pytest.param("a: &x [*x]\n", "a[0]", "alias", 1, id="cycle"),
        pytest.param("a: !!python/object:os.system {}\n", "a", "tag", 1, id="python object"),
        pytest.param("a: !custom x\n", "a", "tag", 1, id="custom tag"),
        pytest.param("? [a]\n: 1\n", "", "key that is not plain text", 1, id="a list for a key"),
        pytest.param("<<: {a: 1}\n", "", "key that is not plain text", 1, id="merge key"),
        pytest.param("a: " + "[" * 30 + "]" * 30, "a" + "[0]" * 20, "nested", 1, id="too deep"),
    ],
)
def test_refusals(text: str, path: str, says: str, line: int | None) -> None:
    found = findings(text)
    assert any(where == path and says in what and (line is None or at == line) for where, what, at in found), found


def test_a_bomb_is_refused_at_its_first_alias() -> None:
    """Nine levels of nine aliases would stand for 387 million values; refusing must not expand them."""
    levels = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    levels += [
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    assert any("alias" in what for _, what, _ in findings("\n".join(levels)))


def test_a_large_file_is_refused_by_its_size() -> None:
    [(_, says, _)] = findings("a: " + "x" * (document.MAX_BYTES + 1))
    assert "larger than 4 MiB" in says


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
@pytest.mark.parametrize("closed", [True, False])
def test_what_is_nested_beyond_the_parsers_stack_is_refused(opening: str, closed: bool) -> None:
    """A fault of the parser would end the process without a word."""
    closing = {"[": "]", "{a: ": "}"}.get(opening, "")
    found = findings(opening * 60_000 + (closing * 60_000 if closed else ""))
    assert found == [("", "it is nested more than 1000 levels deep", 1)]


def test_every_finding_is_told_at_once() -> None:
    assert len(findings("a: !x 1\nb: !y 2\na: 3\n")) == 3


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_clearly(text: str) -> None:
    read: dict[str, object] | None = None
    refused: tuple[object, ...] = ()
    try:
        read = document.read(text, "model.yaml").data
    except ModelError as error:
        refused = error.findings
    assert (read is None) is bool(refused)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5), lambda inner: st.dictionaries(st.text(max_size=3), inner)
    )
)
def test_merging_with_nothing_changes_nothing(value: object) -> None:
    base = {"a": value}
    assert document.merge(base, {}) == base
    assert document.merge(base, base) == base


def test_an_overlay_wins_key_by_key_and_leaves_the_base_alone() -> None:
    base = {"a": {"b": 1, "c": [1]}, "d": 2}
    assert document.merge(base, {"a": {"c": [2], "e": 3}}) == {"a": {"b": 1, "c": [2], "e": 3}, "d": 2}
    assert base == {"a": {"b": 1, "c": [1]}, "d": 2}
