"""Time as the doubles see it: the real time, shifted by as much as a test asks for."""

import time
from collections.abc import Callable


class Clock:
    """Seconds since the epoch, with an offset that a test can set to age every token at once."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self.offset_seconds = 0.0

    def now(self) -> int:
        """The current second."""
        return int(self._source() + self.offset_seconds)
