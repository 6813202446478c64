"""Follows the lines of a trail and seals them, segment after segment. All of it blocks: it belongs in a thread."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from lakelatch_gateway.audit import seals
from lakelatch_gateway.audit.events import Event, Events, timestamp
from lakelatch_gateway.audit.folder import EVENTS, REQUESTS, SEALS, Folder, last_byte, lines, read, size
from lakelatch_gateway.audit.seals import ORIGIN, Head

SEAL_BYTES: Final = 1 << 20
"""Most that one seal covers: a change is then found in about 2,000 lines at worst, in a few at usual load."""
SEGMENT_BYTES: Final = 256 << 20
"""A segment ends when one of its files is this long: about 400,000 requests. It can then be moved elsewhere."""

_LAST_BYTES: Final = 4096
"""The line of a stop is shorter."""


class Sealer:
    """Seals one trail. Everything that touches chance and clocks is handed in."""

    def __init__(
        self,
        folder: Folder,
        *,
        now: Callable[[], datetime],
        trail: Callable[[], str],
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        """Go on with the trail of a folder, or begin one. No Envoy may write to it yet.

        Raises:
            OSError: the folder cannot be read or written.

        """
        self._folder, self._now, self._limit = folder, now, segment_bytes
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = folder.segments(SEALS)
        self._segment = known[-1] if known else max(folder.segments(REQUESTS) + folder.segments(EVENTS), default=0) + 1
        self._offsets: dict[str, int] = {}
        self._shortened: set[str] = set()
        self._turning = self._reopened = False
        self.head = ORIGIN
        for segment in known:
            self._learn(folder.file(SEALS, segment))
        self.ended_well = not known or _stopped(folder.file(EVENTS, self._segment))
        """Whether the gateway before was stopped, or there was none."""
        self.events = Events(folder.begin(EVENTS, self._segment), now)
        folder.begin(SEALS, self._segment)
        if self.head == ORIGIN:
            self._append(seals.genesis(trail(), timestamp(now())))
        for kind in (REQUESTS, EVENTS):
            self._end_torn_line(folder.file(kind, self._segment))
        if self._segment + 1 in folder.segments(REQUESTS):
            self._advance()
        folder.begin(REQUESTS, self._segment)
        self.step()

    @property
    def file(self) -> Path:
        """What Envoy writes to: a link, which it opens again when a segment begins."""
        return self._folder.link(REQUESTS)

    @property
    def reopen(self) -> bool:
        """Whether Envoy still has to be told to open its file again."""
        return self._turning and not self._reopened

    def reopened(self) -> None:
        """Envoy was told."""
        self._reopened = True

    def step(self) -> None:
        """Seal what is new.

        Raises:
            OSError: it cannot be sealed now; nothing is lost, the next step tries again.

        """
        for kind in (REQUESTS, EVENTS):
            self._seal_new(kind)
        if self._turning:
            # Envoy closes a file before it writes to the next: then this one is whole.
            if size(self._folder.file(REQUESTS, self._segment + 1)):
                self._advance()
                # Not by the next step: there is none when this one closes the trail.
                self.step()
        elif self._full():
            self._folder.begin(REQUESTS, self._segment + 1)
            self._turning, self._reopened = True, False

    def end_torn_lines(self) -> None:
        """End what an Envoy that is dead did not finish, so that the next line stands on its own."""
        for segment in (self._segment, self._segment + 1):
            self._end_torn_line(self._folder.file(REQUESTS, segment))

    def close(self) -> None:
        """Seal the rest; nobody writes any more."""
        try:
            self.end_torn_lines()
            self.step()
        finally:
            self.events.close()

    def _learn(self, file: Path) -> None:
        """Take head and offsets from the seals that are there."""
        self._offsets = {}
        whole = 0
        for line in lines(file):
            record = seals.parse(line) if line.endswith(b"\n") else None
            whole += len(line) if line.endswith(b"\n") else 0
            if record is not None:
                self.head = Head(record["seq"], record["chain"])
                if "file" in record:
                    self._offsets[record["file"]] = record["offset"] + record["bytes"]
        if whole < size(file):
            # A seal that was not finished covers nothing: what it would have covered is sealed again.
            os.truncate(file, whole)

    def _seal_new(self, kind: str) -> None:
        file = self._folder.file(kind, self._segment)
        offset = self._offsets.get(file.name, 0)
        if size(file) < offset:
            self._note_shortened(file, offset)
            return
        while data := _whole_lines(file, offset):
            _sync(file)
            self._append(seals.covering(file.name, offset, data, timestamp(self._now())))
            offset += len(data)
            self._offsets[file.name] = offset

    def _note_shortened(self, file: Path, offset: int) -> None:
        if file.name not in self._shortened:
            self._shortened.add(file.name)
            reason = f"{file.name} is shorter than what was sealed of it; a new segment begins"
            self.events.record(Event.GAP, {"reason": reason, "bytes": size(file), "sealed_bytes": offset})

    def _full(self) -> bool:
        files = [self._folder.file(kind, self._segment) for kind in (REQUESTS, EVENTS, SEALS)]
        return bool(self._shortened) or any(size(file) >= self._limit for file in files)

    def _advance(self) -> None:
        """Seal the rest of this segment, whose requests are whole, and go on with the next."""
        following = self._segment + 1
        self._end_torn_line(self._folder.file(REQUESTS, self._segment))
        self._seal_new(REQUESTS)
        self.events.record(Event.SEGMENT, {"segment": following})
        self.events.switch(self._folder.begin(EVENTS, following))
        self._seal_new(EVENTS)
        self._folder.begin(SEALS, following)
        self._segment, self._offsets, self._turning = following, {}, False
        self._shortened.clear()

    def _end_torn_line(self, file: Path) -> None:
        if last_byte(file) not in (b"", b"\n"):
            with file.open("ab") as opened:
                opened.write(b"\n")
            self.events.record(Event.TORN_LINE, {"file": file.name, "offset": size(file)})

    def _append(self, content: dict[str, Any]) -> None:
        head, line = seals.linked(self.head, content)
        _append(self._folder.file(SEALS, self._segment), line)
        self.head = head


def _stopped(events: Path) -> bool:
    tail = read(events, max(size(events) - _LAST_BYTES, 0), _LAST_BYTES)
    record = seals.json_object(tail.splitlines()[-1]) if tail.endswith(b"\n") else None
    return record is not None and record.get("event") == Event.STOPPED


def _whole_lines(file: Path, offset: int) -> bytes:
    """Whole lines at an offset, about a seal's worth; more when one line alone is longer."""
    length = SEAL_BYTES
    while True:
        data = read(file, offset, length)
        if (found := seals.whole_lines(data)) or len(data) < length:
            return found
        length *= 2


def _sync(file: Path) -> None:
    """Put what anybody wrote to a file on the disk, so that no seal outlives its lines when the power goes."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _append(file: Path, line: bytes) -> None:
    """Append a line and put it on the disk: all of it or nothing."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND)
    try:
        before = os.fstat(descriptor).st_size
        try:
            if os.write(descriptor, line) < len(line):
                raise OSError(0, "written in part only")
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, before)
            raise
    finally:
        os.close(descriptor)
