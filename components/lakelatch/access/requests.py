"""What a request looks like: a method and a path template, with the pattern that says the same to Envoy.

A template has constant segments and variables, and ends in at most one `{name...}`:

- `{name}` is one segment.
- `{name}:verb` is one segment that ends in `:verb` (custom methods, as Google's AIP-136 calls them).
- `{name...}` is one or more segments, with or without a slash at the end: the path of a file or folder.
"""

import re
from typing import Final, Literal, NamedTuple

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

_ESCAPE: Final = "%(?:2[0-9A-Da-d]|[34689A-Fa-f][0-9A-Fa-f]|5[0-9ABD-Fabd-f]|7[0-9A-Ea-e])"
"""RFC 3986 §2.1, without control characters, slash and backslash, which servers take for path separators, and without
the dot, which nobody needs to escape (§2.3) and which would hide `..`."""
_NOT_DOT: Final = f"(?:[A-Za-z0-9_~!$&'()*+,=:@-]|{_ESCAPE})"
CHARACTER: Final = f"(?:[A-Za-z0-9._~!$&'()*+,=:@-]|{_ESCAPE})"
"""One character of a segment: `pchar` of RFC 3986 §3.3 without `;`, which starts parameters that servers cut off."""
SEGMENT: Final = f"(?:\\.{{0,2}}{_NOT_DOT}|\\.{{3}}){CHARACTER}*"
"""One segment: not empty, and neither `.` nor `..`."""
LEGAL_PATH: Final = f"(?:/{SEGMENT})+/?"
"""Every path that any request can match."""

_VARIABLE: Final = re.compile(r"\{([a-z_]+)(\.\.\.)?\}")
_LEGAL: Final = re.compile(f"(?:[A-Za-z0-9._~!$&'()*+,=:@/-]++|{_ESCAPE})++")
_DOTS_ALONE: Final = re.compile(r"/\.\.?(?:/|$)")


class Request(NamedTuple):
    """One method and path template."""

    method: Method
    path: str

    @property
    def prefix(self) -> str:
        """The constant part of the path before its first variable."""
        return self.path.partition("{")[0]

    @property
    def path_pattern(self) -> str | None:
        """RE2 pattern for the whole path, exact by itself, or None when the path has no variable.

        Of about 60 instructions a variable and below 400 in all, where Envoy's limit is 100
        (`re2.max_program_size.error_level`) unless its runtime says more.
        """
        return self._pattern(SEGMENT, f"{CHARACTER}+")

    @property
    def short_pattern(self) -> str | None:
        """RE2 pattern for the whole path of a few instructions, right for paths that match `LEGAL_PATH`."""
        return self._pattern("[^/]+", "[^/]+")

    def _pattern(self, segment: str, before_verb: str) -> str | None:
        if "{" not in self.path:
            return None
        parts: list[str] = []
        for one in self.path.split("/")[1:]:
            variable = _VARIABLE.match(one)
            if variable is None:
                parts.append("/" + re.escape(one))
            elif variable[2]:
                parts.append(f"(?:/{segment})+/?")
            elif variable.end() == len(one):
                parts.append("/" + segment)
            else:
                parts.append("/" + before_verb + re.escape(one[variable.end() :]))
        return "".join(parts)

    @property
    def specificity(self) -> tuple[tuple[int, str], ...]:
        """What orders requests so that the first that matches is the right one; the same for no two that overlap.

        Segment by segment from the left: constant, variable with a verb, variable, several segments.
        """
        return tuple(_rank(one) for one in self.path.split("/")[1:])


def _rank(segment: str) -> tuple[int, str]:
    variable = _VARIABLE.match(segment)
    if variable is None:
        return 0, segment
    if variable[2]:
        return 3, ""
    return (2, "") if variable.end() == len(segment) else (1, segment[variable.end() :])


def is_legal(path: str) -> bool:
    """Whether a path matches `LEGAL_PATH`; the same in less time."""
    if _LEGAL.fullmatch(path) is None or path[0] != "/" or "//" in path or len(path) == 1:
        return False
    return "/." not in path or _DOTS_ALONE.search(path) is None
