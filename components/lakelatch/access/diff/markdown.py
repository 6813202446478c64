"""A difference as Markdown, for a comment to a pull request (GitHub, GitLab, Azure DevOps)."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from lakelatch.access.diff.difference import Difference
from lakelatch.access.diff.effects import Effect
from lakelatch.access.diff.pieces import Exact, Piece, printable
from lakelatch.access.diff.words import Sentence, sections, verdict

CHARACTERS: Final = 60_000
"""GitHub takes 65,536 of a comment; whoever posts it puts something round it."""
MARK: Final = "<!-- lakelatch access diff -->"
"""First line, by which a comment is found again to be replaced."""

_SIGNS: Final[dict[Effect, str]] = {"more": "\N{HEAVY PLUS SIGN}", "other": "🔁", "less": "\N{HEAVY MINUS SIGN}"}


def markdown(found: Difference, most: int = CHARACTERS) -> str:
    """The text, at most so many characters long; what does not fit is counted."""
    lines = [MARK, "### Access changes", "", f"**{verdict(found).capitalize()}.**"]
    left = most - sum(len(line) + 1 for line in lines) - _ROOM
    dropped = 0
    for section in sections(found):
        head = ["", f"#### {section.title}", ""]
        for sentence in section.sentences:
            rows = [*head, *_lines(sentence)]
            size = sum(len(row) + 1 for row in rows)
            if size > left:
                dropped += 1
                continue
            lines += rows
            left -= size
            head = []
    if dropped:
        lines += ["", f"{dropped} more did not fit here: run `lakelatch access diff` to see all of them."]
    for one in found.unseen[:_UNSEEN]:
        lines += ["", f"Not seen: {_span(one)}"]
    return "\n".join(lines) + "\n"


_UNSEEN: Final = 5
_ROOM: Final = 2_000
"""Kept for what comes last."""


def _lines(sentence: Sentence) -> Iterator[str]:
    risk = "" if sentence.effect == "less" else f" — {sentence.risk} risk"
    yield f"- {_SIGNS[sentence.effect]} {_inline(sentence.pieces)}{risk}"
    yield from (f"    - {_inline(detail)}" for detail in sentence.details)


def _inline(pieces: Iterable[Piece]) -> str:
    return "".join(_span(piece.text) if isinstance(piece, Exact) else piece for piece in pieces)


def _span(text: str) -> str:
    """A code span that holds any text to the letter (CommonMark §6.1): no mention, link or tag comes to life in it."""
    text = printable(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    edge = " " if text.startswith("`") or text.endswith("`") or not text.strip() else ""
    return f"{fence}{edge}{text}{edge}{fence}"
