"""The folder of an audit trail. A trail is a row of segments, each with requests, events and the seals over both.

A file never changes its name, so that a seal can name it. `requests.jsonl` and its sisters are links to the files that
are written now; Envoy is told the link, and opens it again when the next segment begins.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

REQUESTS: Final = "requests"
"""Lines that Envoy writes, one for each request."""
EVENTS: Final = "events"
"""Lines that the gateway writes."""
SEALS: Final = "seals"
KINDS: Final = (REQUESTS, EVENTS, SEALS)
BLOCK_BYTES: Final = 64 * 1024
_NAME: Final = re.compile(rf"({'|'.join(KINDS)})-([0-9]{{6,}})\.jsonl")


def segment_of(name: str) -> tuple[str, int] | None:
    """Kind and segment number of a file of the trail; None for any other name."""
    match = _NAME.fullmatch(name)
    return (match[1], int(match[2])) if match else None


def file_name(kind: str, segment: int) -> str:
    """The name of a file of the trail."""
    return f"{kind}-{segment:06}.jsonl"


@dataclass(frozen=True)
class Folder:
    """Where a trail is kept."""

    path: Path

    def file(self, kind: str, segment: int) -> Path:
        """A file of the trail."""
        return self.path / file_name(kind, segment)

    def link(self, kind: str) -> Path:
        """The link to the file that is written now."""
        return self.path / f"{kind}.jsonl"

    def segments(self, kind: str) -> list[int]:
        """The numbers of the segments that are there, in order."""
        names = (segment_of(name) for name in os.listdir(self.path)) if self.path.is_dir() else ()
        return sorted(found[1] for found in names if found is not None and found[0] == kind)

    def begin(self, kind: str, segment: int) -> Path:
        """Make a segment's file, private from its first byte, and have the link lead to it.

        Raises:
            OSError: it cannot be made.

        """
        file, beside = self.file(kind, segment), self.path / f".{kind}.link"
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        beside.unlink(missing_ok=True)
        beside.symlink_to(file.name)
        os.replace(beside, self.link(kind))
        return file


def size(file: Path) -> int:
    """Bytes of a file; 0 when it is not there."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def read(file: Path, offset: int, length: int) -> bytes:
    """Part of a file; nothing when it is not there."""
    try:
        with file.open("rb") as opened:
            opened.seek(offset)
            return opened.read(length)
    except FileNotFoundError:
        return b""


def lines(file: Path) -> Iterator[bytes]:
    """The lines of a file, each with its line break; the last may be without."""
    try:
        with file.open("rb") as opened:
            yield from opened
    except FileNotFoundError:
        return


def end_of_whole_lines(file: Path) -> int:
    """Where the last whole line of a file ends."""
    end = size(file)
    while end:
        start = max(end - BLOCK_BYTES, 0)
        found = read(file, start, end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def lines_backwards(file: Path) -> Iterator[bytes]:
    """The whole lines of a file from its last to its first, each without its line break."""
    position, rest = size(file), b""
    first = True
    while position:
        start = max(position - BLOCK_BYTES, 0)
        pieces = (read(file, start, position - start) + rest).split(b"\n")
        position, rest = start, pieces[0]
        # Behind the last line break stands nothing, or a line that is not finished.
        yield from reversed(pieces[1:-1] if first and len(pieces) > 1 else pieces[1:])
        first = first and len(pieces) == 1
    if not first:
        yield rest


def last_byte(file: Path) -> bytes:
    """The last byte of a file, or nothing."""
    length = size(file)
    return read(file, length - 1, 1) if length else b""
