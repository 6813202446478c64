"""Reading the written pages: their fenced blocks, tables and headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MODEL_TITLE = "stacks/access.yaml"
"""Blocks of this title are lines of an access model."""

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?$")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    title: str
    text: str

    def __str__(self) -> str:
        """Where it stands, for the id of a test."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def written() -> list[Path]:
    """Every page of the site that a person writes."""
    return sorted(page for page in DOCS.rglob("*.md") if page.parent.name != "reference")


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, without the indentation of a list that they stand in."""
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        opened = _FENCE.match(lines[number])
        if opened:
            end = next(index for index in range(number + 1, len(lines)) if lines[index].strip() == "```")
            body = [line.removeprefix(opened["indent"]) for line in lines[number + 1 : end]]
            yield Block(page, number + 1, opened["language"], opened["title"] or "", "\n".join(body) + "\n")
            number = end
        number += 1


def tables(page: Path) -> Iterator[tuple[int, list[list[str]]]]:
    """The tables of a page with the line that they begin in: rows of cells, the heading first, without its rule."""
    rows: list[list[str]] = []
    for number, line in enumerate([*page.read_text(encoding="utf-8").splitlines(), ""], start=1):
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            yield (
                number - len(rows),
                [row for row in rows if not all(set(cell) <= set("-: ") for cell in row) or row == [""]],
            )
            rows = []


def literals(cell: str) -> list[str]:
    """What stands in backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def headings(page: Path) -> list[str]:
    """The headings of the second level."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^## (.+)$", text, re.MULTILINE)
