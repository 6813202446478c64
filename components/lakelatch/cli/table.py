"""Tables for terminals: columns as wide as they need, lines broken between words where the window is narrower."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

GAP: Final = "  "


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """The lines of a table at most `width` wide; of a list of blocks, where not even single words would fit.

    A cell may have several lines. Columns without anything are left out, and so are cells at the left that repeat those
    of the row above; an empty line goes before each row whose first cell is another.
    """
    filled = [column for column in range(len(headings)) if any(row[column] for row in rows)]
    headings, rows = [headings[column] for column in filled], [[row[column] for column in filled] for row in rows]
    widths = _widths(headings, rows, width)
    if widths is None:
        yield from _blocks(headings, rows, width)
        return
    yield _line(headings, widths)
    yield GAP.join("-" * one for one in widths)
    above: Sequence[str] = ()
    for row in rows:
        same = _repeated(above, row)
        if above and not same:
            yield ""
        shown = ["" if index < same else cell for index, cell in enumerate(row)]
        cells = [_wrapped(cell, one) for cell, one in zip(shown, widths, strict=True)]
        for number in range(max(len(cell) for cell in cells)):
            yield _line([cell[number] if number < len(cell) else "" for cell in cells], widths)
        above = row


def _widths(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[int] | None:
    """What each column gets: the widest give way first, down to their longest word; None when that is not enough."""
    columns = [[heading, *(row[index] for row in rows)] for index, heading in enumerate(headings)]
    wanted = [max(len(line) for cell in column for line in cell.splitlines()) for column in columns]
    least = [max(len(word) for cell in column for word in cell.split()) for column in columns]
    room = width - len(GAP) * (len(headings) - 1)
    if sum(least) > room:
        return None
    while sum(wanted) > room:
        spare = [one - other for one, other in zip(wanted, least, strict=True)]
        widest = max(range(len(wanted)), key=lambda column: (spare[column] > 0, wanted[column]))
        wanted[widest] -= 1
    return wanted


def _repeated(above: Sequence[str], row: Sequence[str]) -> int:
    """How many cells at the left are those of the row above."""
    for index, cell in enumerate(row):
        if index >= len(above) or above[index] != cell:
            return index
    return len(row)


def _wrapped(cell: str, width: int) -> list[str]:
    lines = [textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) for line in cell.splitlines()]
    return [piece for line in lines for piece in line] or [""]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(cell.ljust(one) for cell, one in zip(cells, widths, strict=True)).rstrip()


def _blocks(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    label = max(len(heading) for heading in headings)
    room = max(width - label - len(GAP), 1)
    for number, row in enumerate(rows):
        if number:
            yield ""
        for heading, cell in zip(headings, row, strict=True):
            for index, line in enumerate(_wrapped(cell, room) if cell else []):
                yield f"{(heading if index == 0 else '').ljust(label)}{GAP}{line}"
