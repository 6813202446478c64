"""Proves that a table fits its window, loses no word and breaks none."""

from hypothesis import given
from hypothesis import strategies as st

from lakelatch.cli.table import table

HEADINGS = ("WHO", "WHAT", "WHERE")
ROWS = [
    ("ann", "reads tables\nwrites reports", "here"),
    ("ann", "deletes", "here"),
    ("ben", "reads tables", "there"),
]


def lines(width: int, rows: list[tuple[str, ...]] | None = None) -> list[str]:
    """The lines of a table."""
    return list(table(HEADINGS, ROWS if rows is None else rows, width))


def test_columns_are_as_wide_as_they_need() -> None:
    assert lines(80) == [
        "WHO  WHAT            WHERE",
        "---  --------------  -----",
        "ann  reads tables    here",
        "     writes reports",
        "     deletes         here",
        "",
        "ben  reads tables    there",
    ]


def test_a_narrow_window_breaks_between_words() -> None:
    assert lines(19) == [
        "WHO  WHAT     WHERE",
        "---  -------  -----",
        "ann  reads    here",
        "     tables",
        "     writes",
        "     reports",
        "     deletes  here",
        "",
        "ben  reads    there",
        "     tables",
    ]


def test_where_words_do_not_fit_rows_become_blocks() -> None:
    assert lines(17, [("ann", "reads tables", "here"), ("ben", "", "there")]) == [
        "WHO    ann",
        "WHAT   reads",
        "       tables",
        "WHERE  here",
        "",
        "WHO    ben",
        "WHERE  there",
    ]


def test_columns_without_anything_are_left_out() -> None:
    assert lines(80, [("ann", "", "here")]) == ["WHO  WHERE", "---  -----", "ann  here"]


WORD = st.text(alphabet="abc-", min_size=1, max_size=9)
CELL = st.lists(WORD, max_size=4).map(" ".join)


@given(st.lists(st.tuples(WORD, CELL, CELL), min_size=1, max_size=4), st.integers(1, 60))
def test_no_word_is_lost_or_broken(rows: list[tuple[str, ...]], width: int) -> None:
    """Only what the row above says as well may be missing, and a line is wider than the window for one word at most."""
    shown = lines(width, rows)
    words = [word for line in shown for word in line.split()]
    assert {word for row in rows for cell in row for word in cell.split()} <= set(words)
    assert all(len(line) <= width or len(line.split()) <= 2 for line in shown)
