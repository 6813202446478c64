"""The gateway's own audit lines: what it did or refused beside the requests, in the same words as Envoy's lines."""

import errno
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from lakelatch.access.decisions import RULE_AUDIT, RULE_AUTHENTICATION, RULE_NO_TOKEN
from lakelatch_gateway.audit.seals import canonical

MAX_TEXT: Final = 2048
"""Characters of one value. Reasons are ours and shorter; this keeps a stranger's text from filling the disk."""

MAX_WAITING: Final = 1000
"""Lines that wait while they cannot be written, each of at most a few KiB."""


class Event(StrEnum):
    """What can be told. The name is the line's `event`."""

    STARTED = "gateway.started"
    STOPPED = "gateway.stopped"
    CONFIGURATION_ADOPTED = "configuration.adopted"
    CONFIGURATION_REFUSED = "configuration.refused"
    SWITCHED = "switches.changed"
    """Operators closed, opened, revoked or restored something."""
    SWITCHES_REFUSED = "switches.refused"
    """What is switched cannot be read: what was in force stays so."""
    TOKEN_FETCHED = "token.fetched"  # noqa: S105 - the name of an event
    """Databricks gave a token for a service."""
    TOKEN_REFUSED = "token.refused"  # noqa: S105 - the name of an event
    """Databricks gave none, or could not be asked."""
    EXCHANGE_REFUSED = "exchange.refused"
    """A token that a client showed at `/oidc/v1/token` was refused."""
    KEYS_CHANGED = "keys.changed"
    """An issuer's keys are others than before."""
    KEYS_REFUSED = "keys.refused"
    """An issuer's keys could not be fetched, or were not usable."""
    ENVOY_ENDED = "envoy.ended"
    """Envoy ended by itself and is started again."""
    GAP = "audit.gap"
    """Lines are missing, or may be; `reason` says which."""
    TORN_LINE = "audit.torn_line"
    """A line that its writer did not finish: it is kept, and ended with a line break."""
    SEGMENT = "audit.segment"
    """The last line of a segment's events."""
    AUDIT_FAILED = "audit.failed"
    """Audit lines cannot be written; `decision` says whether requests are refused meanwhile."""
    AUDIT_RECOVERED = "audit.recovered"


_DECIDED: Final[Mapping[Event, tuple[str, str]]] = {
    Event.TOKEN_FETCHED: ("allow", RULE_NO_TOKEN),
    Event.TOKEN_REFUSED: ("deny", RULE_NO_TOKEN),
    Event.EXCHANGE_REFUSED: ("deny", RULE_AUTHENTICATION),
    Event.AUDIT_FAILED: ("deny", RULE_AUDIT),
}
"""Decision and rule of the events that decide something."""


def timestamp(moment: datetime) -> str:
    """A time as every line has it: RFC 3339, UTC, milliseconds, as Envoy writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def line(event: Event, moment: datetime, fields: Mapping[str, Any]) -> bytes:
    """The line of an event; `fields` hold no token, key or secret."""
    decision, rule = _DECIDED.get(event, (None, None))
    told = {"time": timestamp(moment), "event": str(event), "decision": decision, "rule": rule, **fields}
    return canonical({name: _short(value) for name, value in told.items() if value is not None}) + b"\n"


def _short(value: Any) -> Any:
    return value[:MAX_TEXT] if isinstance(value, str) else value


class Events:
    """Appends event lines to a file. A failure stops nothing: the lines wait, as far as there is room."""

    def __init__(self, file: Path, now: Callable[[], datetime]) -> None:
        self._now, self._lock = now, threading.Lock()
        self._descriptor = _open(file)
        self._waiting: deque[bytes] = deque()
        self._dropped, self._torn = 0, False
        self.failure: str | None = None
        """Why lines wait; None while none does."""

    def record(self, event: Event, fields: Mapping[str, Any]) -> None:
        """Write the line of an event, from any thread."""
        with self._lock:
            if len(self._waiting) < MAX_WAITING:
                self._waiting.append(line(event, self._now(), fields))
            else:
                self._dropped += 1
            self._write()

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            self._write()

    def _write(self) -> None:
        try:
            while self._waiting:
                self._write_line(self._waiting[0])
                self._waiting.popleft()
                if self._dropped and not self._waiting:
                    reason = "more events than could wait while they could not be written"
                    self._waiting.append(line(Event.GAP, self._now(), {"reason": reason, "lines": self._dropped}))
                    self._dropped = 0
            self.failure = None
        except OSError as error:
            self.failure = error.strerror or type(error).__name__

    def _write_line(self, content: bytes) -> None:
        # One write for one line; after one that stopped short, the line break that ends what is there of it.
        content = b"\n" + content if self._torn else content
        written = os.write(self._descriptor, content)
        if written < len(content):
            self._torn = self._torn or written > 0
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._torn = False

    def switch(self, file: Path) -> None:
        """Write to another file from now on.

        Raises:
            OSError: it cannot be opened; the file before stays.

        """
        with self._lock:
            descriptor = _open(file)
            os.close(self._descriptor)
            self._descriptor, self._torn = descriptor, False

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            os.close(self._descriptor)


def _open(file: Path) -> int:
    return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
