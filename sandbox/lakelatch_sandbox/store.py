"""What the doubles remember: JSON documents in one SQLite file, so that a restart forgets nothing."""

import json
import os
import sqlite3
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Document = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (sequence INTEGER PRIMARY KEY, log TEXT NOT NULL, body TEXT NOT NULL);
"""

KEPT_ENTRIES = 50_000
"""Of each log, the newest: a load test must not fill the machine's memory."""


class Store:
    """Documents by kind and id, in the order in which they were made.

    A kind is `<double>/<collection>`, for example `databricks/service_principals`; kinds that begin with `_` hold the
    doubles' own matter (keys, addresses) and are no objects of a user. Members of a document whose names begin with
    `_` are secret or internal: the control double leaves them out of its dump.

    One process, one thread: the doubles share an event loop. Everything is read into memory once, so that reading
    costs no SQL; each write is committed before it returns and survives a kill of the process.
    """

    def __init__(self, path: Path) -> None:
        # keys and secrets are in it: created with its mode, which SQLite gives to the files beside it too
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)
        self._documents: dict[str, dict[str, str]] = {}
        self._last = 0
        for kind, id, body, sequence in self._db.execute("SELECT * FROM documents ORDER BY sequence"):
            self._documents.setdefault(kind, {})[id] = body
            self._last = sequence
        self._logs: dict[str, deque[str]] = {}
        for log, body in self._db.execute("SELECT log, body FROM entries ORDER BY sequence"):
            self._log(log).append(body)

    def close(self) -> None:
        """Close the file; the store is of no use afterwards."""
        self._db.close()

    def put(self, kind: str, id: str, body: Document) -> Document:
        """Create or replace a document; it keeps its place in the order. Returns the body."""
        text = json.dumps(body)
        self._last += 1
        self._db.execute(
            "INSERT INTO documents VALUES (?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            (kind, id, text, self._last),
        )
        self._documents.setdefault(kind, {})[id] = text
        return body

    def get(self, kind: str, id: str) -> Document | None:
        """The document, or None; what is returned is a copy."""
        text = self._documents.get(kind, {}).get(id)
        return None if text is None else json.loads(text)

    def delete(self, kind: str, id: str) -> bool:
        """Remove a document; False when there was none."""
        self._db.execute("DELETE FROM documents WHERE kind = ? AND id = ?", (kind, id))
        return self._documents.get(kind, {}).pop(id, None) is not None

    def all(self, kind: str) -> Iterator[Document]:
        """Every document of a kind, oldest first; later changes do not disturb the iteration."""
        return (json.loads(text) for text in tuple(self._documents.get(kind, {}).values()))

    def count(self, kind: str) -> int:
        """How many documents of a kind there are."""
        return len(self._documents.get(kind, {}))

    def kinds(self) -> tuple[str, ...]:
        """Every kind that holds a user's object now, sorted."""
        return tuple(sorted(kind for kind, held in self._documents.items() if held and not kind.startswith("_")))

    def append(self, log: str, entry: Document) -> None:
        """Add an entry to the end of a log; the oldest beyond `KEPT_ENTRIES` go."""
        text = json.dumps(entry)
        entries = self._log(log)
        full = len(entries) == KEPT_ENTRIES
        entries.append(text)
        added = self._db.execute("INSERT INTO entries (log, body) VALUES (?, ?)", (log, text)).lastrowid
        # in parts, so that not every entry of a full log costs a second statement
        if full and added is not None and added % 1000 == 0:
            self._db.execute(
                "DELETE FROM entries WHERE log = ?1 AND sequence <= "
                "(SELECT sequence FROM entries WHERE log = ?1 ORDER BY sequence DESC LIMIT 1 OFFSET ?2)",
                (log, KEPT_ENTRIES),
            )

    def entries(self, log: str) -> list[str]:
        """The JSON texts of a log's entries, oldest first. The only method that other threads may call."""
        return list(self._log(log).copy())

    def _log(self, log: str) -> deque[str]:
        return self._logs.setdefault(log, deque(maxlen=KEPT_ENTRIES))

    def next(self, counter: str, start: int = 1) -> int:
        """The next value of a named counter, which never goes back."""
        row = self._db.execute(
            "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            (counter, start),
        ).fetchone()
        return int(row[0])
