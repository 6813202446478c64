"""The gateway's log: one JSON object per line on standard error. Tokens, keys and secrets never get here."""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from lakelatch_gateway.audit.events import Event, timestamp

Record = Callable[[Event, Mapping[str, Any]], None]


class Log:
    """Writes lines; the stream and the clock are handed in. What is an audit event goes to `record` as well."""

    def __init__(
        self,
        stream: TextIO | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        record: Record | None = None,
    ) -> None:
        self._stream = stream or sys.stderr
        self._now, self._record = now, record

    def info(self, message: str, *, event: Event | None = None, **fields: Any) -> None:
        """Tell what happens in the normal course."""
        self._write("info", message, event, fields)

    def warning(self, message: str, *, event: Event | None = None, **fields: Any) -> None:
        """Tell what went wrong but is being handled."""
        self._write("warning", message, event, fields)

    def error(self, message: str, *, event: Event | None = None, **fields: Any) -> None:
        """Tell what somebody has to mend."""
        self._write("error", message, event, fields)

    def _write(self, level: str, message: str, event: Event | None, fields: dict[str, Any]) -> None:
        # The trail first: a standard error that nobody reads must not keep an event from it.
        if event is not None and self._record is not None:
            self._record(event, fields)
        line = {"time": timestamp(self._now()), "level": level, "message": message, **fields}
        print(json.dumps(line), file=self._stream, flush=True)
