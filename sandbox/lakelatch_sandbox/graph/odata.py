"""OData `$filter` expressions, read into predicates. Pure.

OData 4.01 URL conventions §5.1.1, as far as Graph's callers use it: `eq`, `ne`, `in`, `startsWith`, `endsWith`,
`any`, `not`, `and`, `or` and parentheses. Everything else is refused: a filter that is not understood must not find
everything.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lakelatch_sandbox.graph.errors import GraphError, bad_request

Predicate = Callable[[Mapping[str, Any]], bool]
Literal = str | bool | int | None

DEEPEST = 20
"""Nesting of parentheses and `not`; Graph refuses filters of more than a few clauses, and recursion ends somewhere."""

_LONGEST_NUMBER = 18
"""Digits of an Edm.Int64 that are always valid; Python refuses to read thousands of digits."""

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<word>-?\d+(?![\w-])|[\w-]+(?:/[\w-]+)*/?)|(?P<sign>[(),:]))")
_PATH = re.compile(r"[A-Za-z]\w*(?:/[A-Za-z]\w*)*")
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_KEYWORDS: Mapping[str, Literal] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True)
class Filter:
    """A filter that was understood."""

    holds: Predicate
    advanced: bool
    """Whether directory objects answer it only under `ConsistencyLevel: eventual` with `$count=true`: `ne`, `not` and
    `endsWith` (learn.microsoft.com/graph/aad-advanced-queries)."""


def parse_filter(text: str) -> Filter:
    """The filter that a text says; raises `GraphError` (400) where it is not understood."""
    reader = _Reader(text)
    holds = reader.disjunction(0)
    if reader.token is not None:
        raise reader.refusal()
    return Filter(holds, reader.advanced)


class _Reader:
    """Recursive descent over the tokens, one ahead."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.advanced = False
        self.position = 0
        self._tokens = self._scan()
        self.token: str | None = None
        self._ahead()

    def _scan(self) -> Iterator[str]:
        at = 0
        while self.text[at:].strip():
            matched = _TOKEN.match(self.text, at)
            if matched is None:
                self.position = at
                raise self.refusal()
            self.position = matched.start(matched.lastgroup or 0)
            at = matched.end()
            yield matched[matched.lastgroup or 0]

    def _ahead(self) -> str | None:
        """The token under the eye; the next one comes under it."""
        found, self.token = self.token, next(self._tokens, None)
        if self.token is None:
            self.position = len(self.text)
        return found

    def refusal(self) -> GraphError:
        return bad_request(f"Invalid filter clause: unsupported syntax at position {self.position} in '{self.text}'.")

    def _take(self, wanted: str) -> bool:
        if self.token is None or self.token.lower() != wanted:
            return False
        self._ahead()
        return True

    def _need(self, wanted: str) -> None:
        if not self._take(wanted):
            raise self.refusal()

    def disjunction(self, depth: int) -> Predicate:
        return self._joined("or", any, lambda: self._joined("and", all, lambda: self._clause(depth)))

    def _joined(
        self, word: str, together: Callable[[Iterator[bool]], bool], read: Callable[[], Predicate]
    ) -> Predicate:
        clauses = [read()]
        while self._take(word):
            clauses.append(read())
        return lambda document: together(one(document) for one in clauses)

    def _clause(self, depth: int) -> Predicate:
        if depth > DEEPEST:
            raise self.refusal()
        if self._take("not"):
            self.advanced = True
            negated = self._clause(depth + 1)
            return lambda document: not negated(document)
        if self._take("("):
            inner = self.disjunction(depth + 1)
            self._need(")")
            return inner
        word = (self.token or "").lower()
        if word in ("startswith", "endswith"):
            return self._function()
        return self._any(depth) if word.endswith("/any") else self._comparison(self._path())

    def _function(self) -> Predicate:
        name = (self._ahead() or "").lower()
        self.advanced |= name == "endswith"
        self._need("(")
        path = self._path()
        self._need(",")
        wanted = self._literal()
        self._need(")")
        if not isinstance(wanted, str):
            raise self.refusal()
        test = str.startswith if name == "startswith" else str.endswith
        return lambda document: test(str(value_at(document, path) or "").casefold(), wanted.casefold())

    def _any(self, depth: int) -> Predicate:
        """`path/any(x:x eq 'a')` over texts, `path/any(x:x/member eq 'a')` over objects, `path/any()` over either."""
        path = tuple((self._ahead() or "").split("/")[:-1])
        self._need("(")
        if self._take(")"):
            return lambda document: bool(_items(document, path))
        name = self._ahead() or ""
        self._need(":")
        if not _PATH.fullmatch(name) or not path:
            raise self.refusal()
        inner = self.disjunction(depth + 1)
        self._need(")")
        return lambda document: any(inner({name: item}) for item in _items(document, path))

    def _comparison(self, path: tuple[str, ...]) -> Predicate:
        if self._take("eq"):
            equal = self._literal()
            return lambda document: same(value_at(document, path), equal)
        if self._take("ne"):
            self.advanced = True
            other = self._literal()
            return lambda document: not same(value_at(document, path), other)
        self._need("in")
        self._need("(")
        wanted = [self._literal()]
        while self._take(","):
            wanted.append(self._literal())
        self._need(")")
        return lambda document: any(same(value_at(document, path), one) for one in wanted)

    def _path(self) -> tuple[str, ...]:
        if self.token is None or not _PATH.fullmatch(self.token):
            raise self.refusal()
        return tuple((self._ahead() or "").split("/"))

    def _literal(self) -> Literal:
        word = self.token or ""
        if word.startswith("'"):
            value: Literal = word[1:-1].replace("''", "'")
        elif word in _KEYWORDS:
            value = _KEYWORDS[word]
        elif word.lstrip("-").isdecimal():
            value = int(word[:_LONGEST_NUMBER])
        elif _GUID.fullmatch(word):
            value = word
        else:
            raise self.refusal()
        self._ahead()
        return value


def value_at(document: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """The value that a path leads to; None where there is nothing."""
    found: Any = document
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _items(document: Mapping[str, Any], path: tuple[str, ...]) -> list[Any]:
    found = value_at(document, path)
    return found if isinstance(found, list) else []


def same(found: Any, wanted: Literal) -> bool:
    """Whether two values are equal; the directory compares text without regard to case."""
    if isinstance(found, str) and isinstance(wanted, str):
        return found.casefold() == wanted.casefold()
    return type(found) is type(wanted) and bool(found == wanted)
