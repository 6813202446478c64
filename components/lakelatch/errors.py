"""The one exception tree of Lakelatch.

    LakelatchError            everything that a user can mend; the command line prints it without a traceback
    ├── ModelError            the access model is wrong; carries every finding at once
    ├── CommandError          a command was used in a way that cannot work
    └── (each room adds its own below, in its own errors module)

An error's text never holds a token, a key or a secret: it is printed, logged and posted to pull requests.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class LakelatchError(Exception):
    """Raised when something is wrong that the user can mend.

    `message` says what was wrong and where; `hint`, when there is one, says what would be right.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong in a document: where, what was found, what would be right."""

    path: str
    """Where it stands, written as in `services.nightly-report.roles[0]`; empty for the whole document."""
    found: str
    expected: str
    line: int | None = None
    """Line in the source text, from 1, where it is known."""
    source: str | None = None
    """The file it stands in, where that is not the document's own."""

    def __str__(self) -> str:
        """One line that a person can act on."""
        place = self.path or "the document"
        line = None if self.line is None else f"line {self.line}"
        if where := " ".join(part for part in (self.source, line) if part):
            place = f"{place} ({where})"
        return f"{place}: {self.found}; {self.expected}"


class ModelError(LakelatchError):
    """Raised when an access model or a gateway configuration does not hold; has every finding, in document order."""

    def __init__(self, source: str, findings: Sequence[Finding]) -> None:
        self.source = source
        self.findings = tuple(findings)
        count = len(self.findings)
        head = f"{source}: {count} problem{'s' if count != 1 else ''}"
        super().__init__("\n".join([head, *(f"  {finding}" for finding in self.findings)]))


class CommandError(LakelatchError):
    """Raised when a command was used in a way that cannot work, before anything was changed."""
