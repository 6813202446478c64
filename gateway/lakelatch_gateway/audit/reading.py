"""Reads the records of a trail: all of them, the last ones, or the new ones as they come."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lakelatch_gateway.audit import seals
from lakelatch_gateway.audit.folder import EVENTS, REQUESTS, Folder, end_of_whole_lines, lines, lines_backwards, read
from lakelatch_gateway.audit.records import Filter
from lakelatch_gateway.audit.seals import Record
from lakelatch_gateway.errors import AuditError

_KINDS: Final = (REQUESTS, EVENTS)
_CHUNK_BYTES: Final = 1 << 20


class Reader:
    """Reads one trail; `torn` counts the lines that it met and that are no records."""

    def __init__(self, path: Path) -> None:
        """Open the trail of a folder.

        Raises:
            AuditError: there is none.

        """
        self._folder = Folder(path)
        if not any(self._folder.segments(kind) for kind in _KINDS):
            raise AuditError(
                f"there is no audit trail in `{path}`",
                hint="name the gateway's state folder with --state-dir, or the trail's own with --dir",
            )
        self._positions: dict[str, int] = {}
        self.torn = 0

    def all(self, wanted: Filter) -> list[Record]:
        """Every record that is meant, by time."""
        found = [record for kind in _KINDS for record in self._records(kind) if wanted.takes(record)]
        return sorted(found, key=_time)

    def last(self, wanted: Filter, count: int) -> list[Record]:
        """The last records that are meant, by time."""
        found = [record for kind in _KINDS for record in itertools.islice(self._backwards(kind, wanted), count)]
        return sorted(found, key=_time)[-count:] if count else []

    def skip(self) -> None:
        """Take what is there now as known: `new` gives what comes after."""
        for kind in _KINDS:
            for segment in self._folder.segments(kind):
                file = self._folder.file(kind, segment)
                self._positions[file.name] = end_of_whole_lines(file)

    def new(self, wanted: Filter) -> list[Record]:
        """The records that came since the last time, by time."""
        found: list[Record] = []
        for kind in _KINDS:
            for segment in self._folder.segments(kind):
                found += [record for record in self._new(self._folder.file(kind, segment)) if wanted.takes(record)]
        return sorted(found, key=_time)

    def _records(self, kind: str) -> Iterator[Record]:
        for segment in self._folder.segments(kind):
            for line in lines(self._folder.file(kind, segment)):
                # The last line may still be in the making.
                if line.endswith(b"\n") and (record := self._record(line)) is not None:
                    yield record

    def _backwards(self, kind: str, wanted: Filter) -> Iterator[Record]:
        for segment in reversed(self._folder.segments(kind)):
            for line in lines_backwards(self._folder.file(kind, segment)):
                if (record := self._record(line)) is not None and wanted.takes(record):
                    yield record

    def _new(self, file: Path) -> Iterator[Record]:
        position = self._positions.setdefault(file.name, 0)
        while data := seals.whole_lines(read(file, position, _CHUNK_BYTES)):
            position += len(data)
            self._positions[file.name] = position
            yield from filter(None, map(self._record, data.split(b"\n")))

    def _record(self, line: bytes) -> Record | None:
        record = seals.json_object(line)
        self.torn += record is None and bool(line.strip())
        return record


def _time(record: Record) -> str:
    return str(record.get("time", ""))
