"""A helper for asyncio tasks."""

import asyncio
import contextlib
from typing import Any

from lakelatch.errors import LakelatchError


async def cancel(task: "asyncio.Task[Any]") -> None:
    """End a task and wait for it; that it could not do its work does not matter any more."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, LakelatchError):
        await task
