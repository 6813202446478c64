"""Where a trail is read from: a folder, or anything else that keeps its files."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lakelatch_gateway.audit import folder


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
