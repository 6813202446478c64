"""What is asked of a trail's records: which ones, in which words, how many of each kind. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lakelatch_gateway.audit.events import timestamp
from lakelatch_gateway.audit.seals import Record
from lakelatch_gateway.errors import AuditError

REQUEST: Final = "request"
"""The `event` of Envoy's lines, which do not say it."""
FIELDS: Final = (
    *("event", "decision", "rule", "service", "action", "subject", "issuer", "application_id", "request_id", "status"),
    *("method", "path", "client_address", "user_agent"),
)
"""What records can be counted by."""
HEADINGS: Final = ("TIME", "DECISION", "STATUS", "SERVICE", "ACTION", "RULE", "WHAT")
LEAST_WIDTHS: Final = (24, 8, 6, 16, 20, 16, 0)
"""Columns of lines that are shown as they come, before it is known how wide they will be."""
_AGO: Final = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Filter:
    """Which records are meant: those that pass everything that is said."""

    since: str | None = None
    """First time that counts, as the records write it."""
    until: str | None = None
    """First time that does not count any more."""
    equal: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Field to the values that it may have."""

    def takes(self, record: Record) -> bool:
        """Whether a record is meant."""
        time = str(record.get("time", ""))
        if (self.since is not None and time < self.since) or (self.until is not None and time >= self.until):
            return False
        return all(value(record, name) in allowed for name, allowed in self.equal.items())


def moment(text: str, now: datetime) -> str:
    """A time as records write it, from RFC 3339 (UTC where no zone is named) or from a span back from now: `15m`, `2d`.

    Raises:
        AuditError: it is neither.

    """
    try:
        if match := _AGO.fullmatch(text):
            return timestamp(now - timedelta(**{_UNITS[match[2]]: int(match[1])}))
        parsed = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise AuditError(
            f"'{text}' is no time", hint="write it as in 2026-07-01T12:00:00Z, or as a span back from now: 15m, 2h, 3d"
        ) from None
    return timestamp((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC))


def value(record: Record, name: str) -> str:
    """A field as text; empty when the record has none."""
    found = record.get(name, REQUEST if name == "event" else None)
    return "" if found is None else str(found)


def cells(record: Record) -> tuple[str, ...]:
    """A record in a few words: the columns of `HEADINGS`."""
    event = value(record, "event")
    if event == REQUEST:
        what = f"{value(record, 'method')} {value(record, 'path')}".strip()
    else:
        what = " ".join(part for part in (event, value(record, "issuer"), value(record, "reason")) if part)
    shown = [value(record, name) for name in ("time", "decision", "status", "service", "action", "rule")]
    return tuple(printable(cell) for cell in (*shown, what))


def printable(text: str) -> str:
    """A text that a terminal shows and does not obey: paths and user agents are a stranger's."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def counted(records: Iterable[Record], names: Sequence[str]) -> list[tuple[str, ...]]:
    """How many records have the same values in these fields: the values and the number, most first.

    Raises:
        AuditError: a field that nothing is counted by.

    """
    if unknown := [name for name in names if name not in FIELDS]:
        raise AuditError(f"'{unknown[0]}' is no field to count by", hint=f"fields: {', '.join(FIELDS)}")
    counts = Counter(tuple(printable(value(record, name)) or "-" for name in names) for record in records)
    return [(*values, str(number)) for values, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


def columns(rows: Sequence[Sequence[Any]], least: Sequence[int] = ()) -> Iterator[str]:
    """Lines whose columns are as wide as the widest cell, and at least so wide."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    widths = [max(width, wanted) for width, wanted in zip(widths, [*least, *[0] * len(widths)], strict=False)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
