"""Checks a trail against its seals: which lines are not what was sealed, which seals are not what was chained.

Reads through a `Source`, so that it can check a trail wherever it is kept. A change is told once, where it is: after
lines that were removed or put in, the seals that follow are looked for where their lines went.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lakelatch_gateway.audit import seals
from lakelatch_gateway.audit.folder import EVENTS, REQUESTS, SEALS, file_name, segment_of
from lakelatch_gateway.audit.seals import ORIGIN, Head, Record
from lakelatch_gateway.audit.source import Source
from lakelatch_gateway.audit.verdict import Span, Verdict

LOOK_ROUND_BYTES: Final = 256 * 1024
"""How far from where it was the rest is looked for, when lines were removed or put in."""

MAX_LOST: Final = 8
"""After so many seals in a row whose lines are nowhere near, the rest of the file is taken to be another."""


@dataclass
class _Place:
    """How far the seals of one file have come."""

    expected: int = 0
    """Where the next seal's bytes were when they were sealed."""
    actual: int = 0
    """Where they are now."""
    line: int = 1
    """Number of the next line as it was sealed."""
    lost: int = 0
    """Seals in a row whose lines were not found."""


def verify(source: Source, anchors: Sequence[Head] = ()) -> Verdict:
    """Check everything, against anchors as well; the last seal before the first one here may be an anchor."""
    verdict, places = Verdict(), dict[str, _Place]()
    chains = {head.seq: head.chain for head in anchors}
    for record in _chained(source, verdict, chains):
        if "file" in record and segment_of(record["file"]) is None:
            verdict.findings.append(f"seal {record['seq']} is of no file of a trail: put in")
        elif "file" in record:
            _check_lines(source, record, places.setdefault(record["file"], _Place()), verdict)
    _check_anchors(verdict, anchors)
    _check_rest(source, places, verdict)
    return verdict


def _chained(source: Source, verdict: Verdict, chains: Mapping[int, str]) -> Iterator[Record]:
    """The seals; tells of those that are not chained as they were."""
    head: Head | None = None
    segments = source.segments(SEALS)
    for before, segment in zip([None, *segments], segments, strict=False):
        if before is not None and segment != before + 1:
            verdict.findings.append(f"segments {before + 1} to {segment - 1} are missing")
        name = file_name(SEALS, segment)
        for number, line in enumerate(source.lines(name), 1):
            record = seals.parse(line) if line.endswith(b"\n") else None
            if record is None and segment == segments[-1] and not line.endswith(b"\n") and b"}" not in line:
                verdict.notes.append(f"{name}: the last seal is not finished")
                continue
            if record is None:
                verdict.findings.append(f"{name} line {number} is no seal: it was changed, or its writing broke off")
                continue
            seq = record["seq"]
            if head is None:
                head = _start(seq, chains, verdict)
                verdict.first = Head(seq, record["chain"])
            verdict.findings += _link(name, number, head, record)
            if record["chain"] != chains.get(seq, record["chain"]):
                verdict.findings.append(f"seal {seq} ({name} line {number}) is not the one that the anchor names")
            head = verdict.head = Head(seq, record["chain"])
            yield record
    if head is None:
        verdict.findings.append("there are no seals")


def _start(seq: int, chains: Mapping[int, str], verdict: Verdict) -> Head:
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


def _check_lines(source: Source, record: Record, place: _Place, verdict: Verdict) -> None:
    name, seq, length = record["file"], record["seq"], record["bytes"]
    if record["offset"] != place.expected:
        verdict.findings.append(f"{name}: bytes {place.expected} to {record['offset']} have no seal before seal {seq}")
        place.actual += record["offset"] - place.expected
    span = Span(name, (seq, seq), (place.line, place.line + record["lines"] - 1))
    place.expected = record["offset"] + length
    place.line += record["lines"]
    data = source.read(name, place.actual, length)
    found = place.actual if _matches(record, data) else _somewhere_near(source, record, place)
    if found is None:
        verdict.tell(span, "not what was sealed" if data else "missing, the file ends before")
        place.actual, place.lost = place.actual + length, place.lost + 1
        return
    moved = found - place.actual
    if place.lost:
        verdict.amend(name, f"{_bytes(moved)} than before" if moved else "as long as before")
    elif moved:
        verdict.tell(span, f"as it was sealed, but behind {_bytes(moved)} than before")
    place.actual, place.lost = found + length, 0
    verdict.lines += record["lines"]


def _bytes(moved: int) -> str:
    return f"{abs(moved)} bytes {'more' if moved > 0 else 'fewer'}"


def _matches(record: Record, data: bytes) -> bool:
    return len(data) == record["bytes"] and hashlib.sha256(data).hexdigest() == str(record["sha256"])


def _somewhere_near(source: Source, record: Record, place: _Place) -> int | None:
    """Where the lines of a seal stand, had lines before them gone or come: at the beginning of some line."""
    if place.lost > MAX_LOST:
        return None
    start, length = max(place.actual - LOOK_ROUND_BYTES, 0), record["bytes"]
    data = source.read(record["file"], start, 2 * LOOK_ROUND_BYTES + length)
    position = 0
    while length and len(data) - position >= length:
        end = position + length
        if data[end - 1 : end] == b"\n" and _matches(record, data[position:end]):
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
            verdict.findings.append(
                f"the trail ends with seal {last}, before the anchor {anchor.seq}: its end was cut off"
            )
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
