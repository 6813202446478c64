"""Sessions of users on warehouses, and the operations in them. They live in memory: the vendor's outlive nothing."""

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Final

from lakelatch_sandbox.databricks.sql_query import Result
from lakelatch_sandbox.databricks.statements import Statement, Statements

HOLD_SECONDS: Final = 5.0
"""How long a call about an unfinished operation is held back: drivers ask again without a pause."""

MAX_SESSIONS: Final = 500
MAX_OPERATIONS: Final = 100
"""Of one session."""


@dataclass
class Operation:
    """A statement, or a metadata call whose result is there at once, and how far it has been fetched."""

    id: bytes
    kind: str
    """A name of `TOperationType`."""
    statement: Statement | None = None
    ready: Result | None = None
    position: int = 0

    @property
    def result(self) -> Result | None:
        """The rows, once they are there."""
        return self.ready if self.statement is None else self.statement.result

    async def held(self) -> None:
        """Wait for its end, but not longer than a call may be held back."""
        if self.statement is not None:
            try:
                await asyncio.wait_for(self.statement.ended.wait(), HOLD_SECONDS)
            except TimeoutError:
                return


@dataclass
class Session:
    """One open session of a user on a warehouse."""

    owner: str
    catalog: str | None
    schema: str | None
    id: bytes = field(default_factory=lambda: uuid.uuid4().bytes)
    operations: dict[bytes, Operation] = field(default_factory=dict)


class Sessions:
    """Every session; each is known to its owner only."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._sessions: dict[bytes, Session] = {}

    def open(self, session: Session) -> None:
        """Keep a session; the oldest beyond the bound goes, with its operations."""
        while len(self._sessions) >= MAX_SESSIONS:
            self.close(next(iter(self._sessions.values())))
        self._sessions[session.id] = session

    def find(self, id: bytes, owner: str) -> Session | None:
        """The session of this owner."""
        found = self._sessions.get(id)
        return found if found is not None and found.owner == owner else None

    def close(self, session: Session) -> None:
        """Forget a session, and end what runs in it."""
        del self._sessions[session.id]
        for operation in session.operations.values():
            self._end(operation)

    def begin(self, session: Session, operation: Operation) -> None:
        """Keep an operation; the oldest of the session beyond the bound goes."""
        if len(session.operations) >= MAX_OPERATIONS:
            self._end(session.operations.pop(next(iter(session.operations))))
        session.operations[operation.id] = operation

    def operation(self, id: bytes, owner: str) -> Operation | None:
        """The operation of this owner, in whichever session."""
        mine = (one.operations.get(id) for one in self._sessions.values() if one.owner == owner)
        return next((one for one in mine if one is not None), None)

    def drop(self, operation: Operation) -> None:
        """Forget an operation, and end it if it runs."""
        for session in self._sessions.values():
            session.operations.pop(operation.id, None)
        self._end(operation)

    def _end(self, operation: Operation) -> None:
        if operation.statement is not None:
            self._statements.forget(operation.statement)
