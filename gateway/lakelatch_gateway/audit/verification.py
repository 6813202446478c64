"""Checks a trail against its seals: which lines are not what was sealed, which seals are not what was chained.

Reads through a `Source`, so that it can check a trail wherever it is kept. A change is told once, where it is: after
lines that were removed or put in, the seals that follow are looked for where their lines went.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from lakelatch_gateway.audit import folder, seals
from lakelatch_gateway.audit.folder import EVENTS, REQUESTS, SEALS, file_name
from lakelatch_gateway.audit.seals import ORIGIN, Head, Record

LOOK_ROUND_BYTES: Final = 256 * 1024
"""How far from where it was the rest is looked for, when lines were removed or put in."""


class Source(Protocol):
    """Where a trail is kept."""

    def segments(self, kind: str) -> Sequence[int]:
        """The numbers of the segments that are there, in order."""

    def lines(self, name: str) -> Iterable[bytes]:
        """The lines of a file, each with its line break; the last may be without."""

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Part of a file."""

    def size(self, name: str) -> int:
        """Bytes of a file; 0 when it is not there."""


@dataclass(frozen=True)
class FolderSource:
    """A trail in a folder."""

    path: Path

    def segments(self, kind: str) -> Sequence[int]:
        """The numbers of the segments that are there, in order."""
        return folder.Folder(self.path).segments(kind)

    def lines(self, name: str) -> Iterable[bytes]:
        """The lines of a file, each with its line break; the last may be without."""
        return folder.lines(self.path / name)

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Part of a file."""
        return folder.read(self.path / name, offset, length)

    def size(self, name: str) -> int:
        """Bytes of a file; 0 when it is not there."""
        return folder.size(self.path / name)


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


@dataclass
class _Place:
    """How far the seals of one file have come."""

    expected: int = 0
    """Where the next seal's bytes were when they were sealed."""
    actual: int = 0
    """Where they are now."""
    line: int = 1
    """Number of the next line as it was sealed."""


def verify(source: Source, anchors: Sequence[Head] = ()) -> Verdict:
    """Check everything, against anchors as well; the last seal before the first one here may be an anchor."""
    verdict, places = Verdict(), dict[str, _Place]()
    chains = {head.seq: head.chain for head in anchors}
    for number, record in _chained(source, verdict, chains):
        if "file" in record:
            _check_lines(source, number, record, places.setdefault(record["file"], _Place()), verdict)
    _check_anchors(verdict, anchors)
    _check_rest(source, places, verdict)
    return verdict


def _chained(source: Source, verdict: Verdict, chains: Mapping[int, str]) -> Iterator[tuple[int, Record]]:
    """The seals, each with its number; tells of those that are not chained as they were."""
    head: Head | None = None
    segments = source.segments(SEALS)
    for before, segment in zip([None, *segments], segments, strict=False):
        if before is not None and segment != before + 1:
            verdict.findings.append(f"segments {before + 1} to {segment - 1} are missing")
        name = file_name(SEALS, segment)
        for number, line in enumerate(source.lines(name), 1):
            record = seals.parse(line) if line.endswith(b"\n") else None
            if record is None:
                verdict.findings.append(f"{name} line {number} is no seal: it was changed, or its writing broke off")
                continue
            seq = record["seq"]
            if head is None:
                head = _start(seq, record, chains, verdict)
                verdict.first = Head(seq, record["chain"])
            verdict.findings += _link(name, number, head, record)
            if record["chain"] != chains.get(seq, record["chain"]):
                verdict.findings.append(f"seal {seq} ({name} line {number}) is not the one that the anchor names")
            head = verdict.head = Head(seq, record["chain"])
            yield seq, record
    if head is None:
        verdict.findings.append("there are no seals")


def _start(seq: int, record: Record, chains: Mapping[int, str], verdict: Verdict) -> Head:
    """What the first seal here has to follow."""
    if seq == 0:
        return ORIGIN
    if seq - 1 in chains:
        return Head(seq - 1, chains[seq - 1])
    verdict.findings.append(
        f"the trail begins with seal {seq}: what was before is not here. If it is kept elsewhere, name the anchor of"
        f" seal {seq - 1}"
    )
    return Head(seq - 1, "")


def _link(name: str, number: int, head: Head, record: Record) -> Iterator[str]:
    seq, place = record["seq"], f"{name} line {number}"
    if seq > head.seq + 1:
        last = f" to {seq - 1}" if seq > head.seq + 2 else ""
        yield f"seal{'s' if last else ''} {head.seq + 1}{last} missing before {place}: removed"
    elif seq <= head.seq:
        yield f"seal {seq} ({place}) comes after seal {head.seq}: put in, repeated or moved"
    elif head.chain and not seals.follows(head, record):
        yield f"seal {seq} ({place}) does not follow from seal {head.seq}: one of the two was changed"


def _check_lines(source: Source, seq: int, record: Record, place: _Place, verdict: Verdict) -> None:
    name, offset, length = record["file"], record["offset"], record["bytes"]
    if offset != place.expected:
        verdict.findings.append(f"{name}: bytes {place.expected} to {offset} have no seal before seal {seq}")
        place.actual += offset - place.expected
    span = f"{name} lines {place.line} to {place.line + record['lines'] - 1} (seal {seq})"
    place.expected = offset + length
    place.line += record["lines"]
    if _matches(record, source.read(name, place.actual, length)):
        place.actual += length
        verdict.lines += record["lines"]
        return
    # Had lines before it gone or come, it would stand somewhere near, at the beginning of a line.
    found = _somewhere_near(source, record, place.actual)
    if found is not None:
        moved = found - place.actual
        what = f"{moved} bytes were put in before" if moved > 0 else f"{-moved} bytes are missing before"
        verdict.findings.append(f"{span}: {what}; the lines themselves are as they were sealed")
        place.actual = found + length
        verdict.lines += record["lines"]
        return
    verdict.findings.append(f"{span}: {_difference(source.read(name, place.actual, length), record)}")
    place.actual += length


def _matches(record: Record, data: bytes) -> bool:
    return len(data) == record["bytes"] and hashlib.sha256(data).hexdigest() == record["sha256"]


def _difference(data: bytes, record: Record) -> str:
    if len(data) < record["bytes"]:
        return f"{record['bytes'] - len(data)} bytes are missing at the end of the file"
    if (count := data.count(b"\n")) != record["lines"]:
        return f"not the lines that were sealed: {record['lines']} were, {count} stand there"
    return "not the lines that were sealed: one or more were changed"


def _somewhere_near(source: Source, record: Record, actual: int) -> int | None:
    start = max(actual - LOOK_ROUND_BYTES, 0)
    data = source.read(record["file"], start, 2 * LOOK_ROUND_BYTES + record["bytes"])
    position = 0
    while len(data) - position >= record["bytes"]:
        if _matches(record, data[position : position + record["bytes"]]):
            return start + position
        position = data.find(b"\n", position) + 1
        if position == 0:
            break
    return None


def _check_anchors(verdict: Verdict, anchors: Sequence[Head]) -> None:
    first = verdict.first.seq if verdict.first else 0
    last = verdict.head.seq if verdict.head else -1
    for anchor in anchors:
        if anchor.seq > last:
            verdict.findings.append(f"the trail ends with seal {last}, before the anchor {anchor.seq}: its end was cut off")
        elif anchor.seq < first - 1:
            verdict.notes.append(f"the anchor {anchor.seq} is of a part that is not here")


def _check_rest(source: Source, places: Mapping[str, _Place], verdict: Verdict) -> None:
    """What stands behind the last seal of each file: only the files that are written now may have some."""
    last = max(source.segments(SEALS), default=0)
    for kind in (REQUESTS, EVENTS):
        for segment in source.segments(kind):
            name = file_name(kind, segment)
            actual = places[name].actual if name in places else 0
            rest = source.size(name) - actual
            if rest > 0 and segment < last:
                verdict.findings.append(f"{name}: {rest} bytes from byte {actual} have no seal: put in")
            elif rest > 0:
                verdict.notes.append(f"{name}: the last {rest} bytes have no seal yet")
