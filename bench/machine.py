"""One core for what is measured and one for what measures it; what a process has used of its core."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def pinned(core: int) -> list[str]:
    """What to write before a command so that it stays on a core; nothing on a machine with a single one."""
    two_cores = len(os.sched_getaffinity(0)) > 1 and shutil.which("taskset") is not None
    return ["taskset", "-c", str(core)] if two_cores else []


@contextmanager
def staying_on(core: int) -> Iterator[None]:
    """This process on one core, where there are two; afterwards where it was."""
    before = os.sched_getaffinity(0)
    if len(before) > 1:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
