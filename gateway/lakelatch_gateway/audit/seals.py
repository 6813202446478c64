"""Seals: what makes a removed, changed or inserted audit line show. Pure: bytes in, records out.

A seal is a record over a run of whole lines: which file, from which byte, how many, and their SHA-256. Its `chain` is
the SHA-256 of the chain before it and of the record itself, so no seal can be changed or taken out of the middle. The
chain has no key: who can write every file can make another trail, and only an anchor that is kept elsewhere (sequence
number and chain of one seal) tells the two apart. So does only an anchor show that the end was cut off.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lakelatch_gateway.errors import AuditError

Record = dict[str, Any]
"""One JSON object of the trail."""

MEMBERS: Final = {"file": str, "offset": int, "bytes": int, "lines": int, "sha256": str}
"""What a seal says of the lines that it covers."""
_ANCHOR: Final = re.compile(r"([0-9]{1,15}):([0-9a-f]{64})")


@dataclass(frozen=True)
class Head:
    """The end of a chain: number and chain value of its last record. Kept elsewhere, it is an anchor."""

    seq: int
    chain: str
    """64 hexadecimal digits."""

    def __str__(self) -> str:
        """As `--expect` takes it."""
        return f"{self.seq}:{self.chain}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """Read an anchor.

        Raises:
            AuditError: it is none.

        """
        match = _ANCHOR.fullmatch(text.strip())
        if match is None:
            raise AuditError(f"'{text}' is no anchor", hint="an anchor is SEQ:CHAIN, as the gateway's log tells it")
        return cls(int(match[1]), match[2])


ORIGIN: Final = Head(-1, "0" * 64)
"""What the first record of a trail is linked to."""


def canonical(record: Mapping[str, Any]) -> bytes:
    """The one way to write a record: sorted members, no white space, ASCII (of RFC 8785 what these records need)."""
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode()


def linked(head: Head, content: Mapping[str, Any]) -> tuple[Head, bytes]:
    """The next record after a head: the head that it makes, and its line."""
    record = {**content, "seq": head.seq + 1}
    made = Head(head.seq + 1, _chain(head, record))
    return made, canonical({**record, "chain": made.chain}) + b"\n"


def follows(head: Head, record: Mapping[str, Any]) -> bool:
    """Whether a record is what its chain says, after the chain of this head."""
    return bool(record.get("chain") == _chain(head, {name: record[name] for name in record if name != "chain"}))


def _chain(head: Head, record: Mapping[str, Any]) -> str:
    return hashlib.sha256(bytes.fromhex(head.chain) + canonical(record)).hexdigest()


def genesis(trail: str, time: str) -> Record:
    """What the first record of a trail says; `trail` is random, so that no two trails have a seal in common."""
    return {"trail": trail, "time": time}


def covering(file: str, offset: int, data: bytes, time: str) -> Record:
    """What a seal says of whole lines that stand at an offset of a file."""
    digest = hashlib.sha256(data).hexdigest()
    return {
        "file": file,
        "offset": offset,
        "bytes": len(data),
        "lines": data.count(b"\n"),
        "sha256": digest,
        "time": time,
    }


def whole_lines(data: bytes) -> bytes:
    """The part of it that is whole lines."""
    return data[: data.rfind(b"\n") + 1]


def parse(line: bytes) -> Record | None:
    """A record of the chain; None for a line that is none."""
    record = json_object(line)
    if record is None or not _is(record, {"seq": int, "chain": str, "time": str}):
        return None
    if not re.fullmatch(r"[0-9a-f]{64}", record["chain"]) or canonical(record) != line.rstrip(b"\n"):
        return None
    if "trail" in record:
        return record
    return record if _is(record, MEMBERS) and min(record["offset"], record["bytes"], record["lines"]) >= 0 else None


def json_object(line: bytes) -> Record | None:
    """A JSON object; None for a line that is none, as a line is that was torn."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _is(record: Record, members: Mapping[str, type]) -> bool:
    return all(type(record.get(name)) is kind for name, kind in members.items())
