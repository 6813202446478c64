"""Finds what a request stands for among more than a thousand templates, in about a microsecond.

The templates that a path may match by its method and number of segments are sorted by where their constants stand.
Those with constants in the same places lie in one dictionary, so a path costs one look-up for each set of places.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, Final, Generic, TypeVar

from lakelatch.access.requests import Request, is_legal

T = TypeVar("T")
_CONSTANT, _VERB, _SEVERAL = 0, 1, 3
"""Ranks of `Request.specificity`."""


class RequestIndex(Generic[T]):
    """Requests, each with what it stands for; no two of them are the same but for the names of their variables."""

    def __init__(self, entries: Iterable[tuple[Request, T]]) -> None:
        rows = list(entries)
        self._constant: Final[dict[tuple[str, str], T]] = {
            (row.method, row.path): found for row, found in rows if "{" not in row.path
        }
        variable = [(row.method, row.specificity, found) for row, found in rows if "{" in row.path]
        several = [row for row in variable if row[1][-1][0] == _SEVERAL]
        self._longest: Final = 1 + max((len(ranks) for _, ranks, _ in variable), default=0)
        self._tables: Final = _tables(variable, self._longest)
        self._before_slash: Final = _tables(several, self._longest)

    def find(self, method: str, path: str) -> T | None:
        """What the most specific request with this method and path stands for."""
        constant = self._constant.get((method, path))
        if constant is not None:
            return constant
        if not is_legal(path):
            return None
        segments = path.split("/")
        tables = self._tables
        if segments[-1] == "":
            segments.pop()
            tables = self._before_slash
        before, colon, verb = segments[-1].rpartition(":")
        length = min(len(segments) - 1, self._longest)
        segments.append(colon + verb if before else "")
        for constants, table in tables.get((method, length), ()):
            found = table.get(constants(segments))
            if found is not None:
                return found
        return None


def _tables(
    rows: Sequence[tuple[str, tuple[tuple[int, str], ...], T]], longest: int
) -> dict[tuple[str, int], list[tuple[Callable[[list[str]], Any], dict[Any, T]]]]:
    """Method and number of segments to tables, the most specific first; `longest` stands for everything above it too.

    A table is what takes the constants out of a split path, and what they stand for.
    """
    shapes: dict[tuple[str, tuple[int, ...]], list[tuple[list[str], T]]] = defaultdict(list)
    for method, ranks, found in rows:
        kinds = tuple(kind for kind, _ in ranks)
        # As `find` splits a path: an empty text before the first slash, and the verb after the last segment.
        split = ["", *(text for _, text in ranks), ranks[-1][1]]
        shapes[method, kinds].append((split, found))
        if kinds[-1] == _SEVERAL:
            for more in range(1, longest - len(kinds) + 1):
                shapes[method, (*kinds, *[_SEVERAL] * more)].append((split, found))
    tables: dict[tuple[str, int], list[tuple[Callable[[list[str]], Any], dict[Any, T]]]] = defaultdict(list)
    for (method, kinds), same in sorted(shapes.items(), key=lambda shape: shape[0]):
        places = [place for place, kind in enumerate(kinds, start=1) if kind == _CONSTANT]
        constants = itemgetter(*places, *([len(kinds) + 1] if kinds[-1] == _VERB else []))
        tables[method, len(kinds)].append((constants, {constants(split): found for split, found in same}))
    return dict(tables)
