"""What came out of checking a trail."""

from dataclasses import dataclass, field

from lakelatch_gateway.audit.seals import Head


@dataclass(frozen=True)
class Span:
    """Seals that follow each other in one file, and the lines that they cover; both ends included."""

    file: str
    seals: tuple[int, int]
    lines: tuple[int, int]

    def __str__(self) -> str:
        """As a finding names it."""
        (first, last), (top, bottom) = self.seals, self.lines
        which = f"seal {first}" if first == last else f"seals {first} to {last}"
        return f"{self.file} line{f' {top}' if top == bottom else f's {top} to {bottom}'} ({which})"


@dataclass
class Verdict:
    """What came out."""

    findings: list[str] = field(default_factory=list)
    """What is not as it was sealed, in the trail's order. Empty: the trail holds."""
    notes: list[str] = field(default_factory=list)
    """What is worth knowing and no fault."""
    first: Head | None = None
    head: Head | None = None
    lines: int = 0
    """Lines that are what was sealed."""
    _last: tuple[Span, str] | None = None

    def tell(self, span: Span, what: str) -> None:
        """Add a finding about lines; one with the finding before, where it goes on with that."""
        if self._last is not None and self.findings[-1] == f"{self._last[0]}: {what}":
            before = self._last[0]
            if before.file == span.file and before.lines[1] + 1 == span.lines[0]:
                self.findings.pop()
                span = Span(span.file, (before.seals[0], span.seals[1]), (before.lines[0], span.lines[1]))
        self.findings.append(f"{span}: {what}")
        self._last = span, what

    def amend(self, file: str, what: str) -> None:
        """Say more of the last finding about lines, where it is of this file."""
        if self._last is not None and self._last[0].file == file and self.findings[-1] == "{}: {}".format(*self._last):
            self.findings[-1] += f", {what}"
