"""The gateway's log: one JSON object per line on standard error. Tokens, keys and secrets never get here."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO


class Log:
    """Writes lines; the stream and the clock are handed in."""

    def __init__(self, stream: TextIO | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._stream = stream or sys.stderr
        self._now = now

    def info(self, message: str, **fields: Any) -> None:
        """Tell what happens in the normal course."""
        self._write("info", message, fields)

    def warning(self, message: str, **fields: Any) -> None:
        """Tell what went wrong but is being handled."""
        self._write("warning", message, fields)

    def error(self, message: str, **fields: Any) -> None:
        """Tell what somebody has to mend."""
        self._write("error", message, fields)

    def _write(self, level: str, message: str, fields: dict[str, Any]) -> None:
        time = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        print(json.dumps({"time": time, "level": level, "message": message, **fields}), file=self._stream, flush=True)
