"""What is sound of a model that has mistakes, so that everything wrong is told at once and nothing wrong twice."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lakelatch.access.fragments import NAMED
from lakelatch.access.validation import Location


@dataclass(frozen=True)
class Remainder:
    """A document without the entries that are broken."""

    data: dict[str, Any]
    left_out: frozenset[str]
    """Names of the entries that were left out: they are there, only not as they should be."""

    def blames(self, words: str) -> bool:
        """Whether a finding about the remainder comes only from what was left out."""
        return any(repr(name) in words for name in self.left_out)


def remainder(data: dict[str, Any], broken: Iterable[Location]) -> Remainder | None:
    """The document without each named entry that has a mistake; None when one stands elsewhere.

    Without a sound `account` or `gateway`, say, nothing certain follows about the rest.
    """
    entries = {location[:2] for location in broken}
    if not all(len(entry) == 2 and entry[0] in NAMED for entry in entries):
        return None
    sections = {
        section: {name: value for name, value in rows.items() if (section, name) not in entries}
        for section, rows in _named(data)
    }
    return Remainder({**data, **sections}, frozenset(str(name) for _, name in entries))


def _named(data: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((section, data[section]) for section in NAMED if isinstance(data.get(section), dict))
