"""A difference for a terminal: readable without colour."""

from collections.abc import Iterator
from typing import Final

from lakelatch.access.diff.difference import Difference
from lakelatch.access.diff.effects import Effect
from lakelatch.access.diff.words import plain, sections, verdict

SIGNS: Final[dict[Effect, str]] = {"more": "+", "other": "~", "less": "-"}
"""More access, other access, less access."""


def text(found: Difference) -> Iterator[str]:
    """The lines."""
    yield verdict(found)
    for section in sections(found):
        yield from ("", section.title)
        for sentence in section.sentences:
            risk = "" if sentence.effect == "less" else f"  [{sentence.risk} risk]"
            yield f"  {SIGNS[sentence.effect]} {plain(sentence.pieces)}{risk}"
            yield from (f"      {plain(detail)}" for detail in sentence.details)
    if found.unseen:
        yield ""
        yield from (f"not seen: {plain((one,))}" for one in found.unseen)
