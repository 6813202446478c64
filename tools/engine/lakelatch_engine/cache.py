"""Folders in the user's cache: where they are, one maker at a time, and never a half-made one."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def root(environ: Mapping[str, str], home: Path) -> Path:
    """The folder of this room: `$LAKELATCH_CACHE/engine`, else `lakelatch/engine` in the XDG cache folder.

    A relative XDG_CACHE_HOME is ignored, as the XDG base directory specification asks.
    """
    if own := environ.get("LAKELATCH_CACHE"):
        return Path(own).expanduser().absolute() / "engine"
    shared = Path(environ.get("XDG_CACHE_HOME", ""))
    return (shared if shared.is_absolute() else home / ".cache") / "lakelatch" / "engine"


@contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file at `path`; `waiting` is called once when another process has it.

    The kernel lets go of the lock when its holder dies, so a killed build blocks nobody.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def publish(target: Path, make: Callable[[Path], None]) -> None:
    """Let `make` fill a folder beside `target` and rename it into place: `target` is whole or absent.

    Call it under a lock. What an earlier, killed maker of the same target left behind is removed first.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{target.name}.making-"
    for leftover in target.parent.glob(f"{prefix}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    try:
        make(draft)
        draft.chmod(0o755)  # mkdtemp makes it 0700; the cache holds programs, no secrets
        if target.exists():
            shutil.rmtree(target)
        os.rename(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
