"""Read a child's output and errors at the same time, in the order in which they come."""

import subprocess
import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import IO, Literal

Source = Literal["stdout", "stderr"]
CHUNK = 64 * 1024


def follow(process: subprocess.Popen[bytes]) -> Iterator[tuple[Source, bytes]]:
    """What the process writes, as it writes it, until both ends are closed."""
    queue: SimpleQueue[tuple[Source, bytes]] = SimpleQueue()

    def pump(source: Source, pipe: IO[bytes]) -> None:
        with pipe:
            while data := pipe.read1(CHUNK):  # type: ignore[attr-defined]  # pipes are buffered readers
                queue.put((source, data))
        queue.put((source, b""))

    pipes: dict[Source, IO[bytes] | None] = {"stdout": process.stdout, "stderr": process.stderr}
    open_pipes = {source: pipe for source, pipe in pipes.items() if pipe is not None}
    for source, pipe in open_pipes.items():
        threading.Thread(target=pump, args=(source, pipe), daemon=True).start()
    left = len(open_pipes)
    while left:
        source, data = queue.get()
        if data:
            yield source, data
        else:
            left -= 1
