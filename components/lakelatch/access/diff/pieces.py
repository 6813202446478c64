"""What sentences are made of: words of our own, and pieces to the letter, which every form shows as such."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple


class Exact(NamedTuple):
    """A piece that is shown to the letter: a name, a subject, a condition."""

    text: str


Piece = str | Exact


NAMES: Final = 40
"""So many are named one by one; the JSON has all."""


def joined(names: Iterable[str]) -> tuple[Piece, ...]:
    """Names with commas between them, each once."""
    rows = list(dict.fromkeys(names))
    pieces: list[Piece] = []
    for name in rows[:NAMES]:
        pieces += [", ", Exact(name)] if pieces else [Exact(name)]
    return (*pieces, f" and {len(rows) - NAMES} more") if len(rows) > NAMES else tuple(pieces)


_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What could move a terminal's cursor, or show a text in another order than it is read in."""


def printable(text: str) -> str:
    """A text on one line, of which nothing steers a terminal."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def plain(pieces: Iterable[Piece]) -> str:
    """Pieces for a terminal."""
    return "".join(printable(piece if isinstance(piece, str) else piece.text) for piece in pieces)
