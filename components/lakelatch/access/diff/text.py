"""A difference for a terminal: readable without colour."""

import textwrap
from collections.abc import Iterator
from typing import Final

from lakelatch.access.diff.difference import Difference
from lakelatch.access.diff.effects import Effect
from lakelatch.access.diff.pieces import Piece, plain
from lakelatch.access.diff.words import sections, verdict

SIGNS: Final[dict[Effect, str]] = {"more": "+", "other": "~", "less": "-"}
"""More access, other access, less access."""


def text(found: Difference, width: int) -> Iterator[str]:
    """The lines; lists of names are at most `width` wide, whatever else is to be copied is never broken."""
    yield verdict(found)
    for section in sections(found):
        yield from ("", section.title)
        for sentence in section.sentences:
            risk = "" if sentence.effect == "less" else f"  [{sentence.risk} risk]"
            yield f"  {SIGNS[sentence.effect]} {plain(sentence.pieces)}{risk}"
            for detail in sentence.details:
                yield from _lines(detail, width)
    if found.unseen:
        yield ""
        yield from (f"not seen: {plain((one,))}" for one in found.unseen)


def _lines(detail: tuple[Piece, ...], width: int) -> list[str]:
    line = f"{_INDENT}{plain(detail)}"
    if ", " not in detail:
        return [line]
    return textwrap.wrap(line, width, subsequent_indent=_INDENT + "  ", break_long_words=False, break_on_hyphens=False)


_INDENT: Final = " " * 6
