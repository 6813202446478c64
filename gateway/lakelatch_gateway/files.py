"""Files that other processes read: replaced whole, private from their first byte."""

import os
import tempfile
from pathlib import Path


def replace(path: str | Path, content: str, *, mode: int = 0o600) -> None:
    """Write a file beside and rename it over the old one: a reader sees the old or the new, and Envoy sees a move.

    Raises:
        OSError: nothing was replaced.

    """
    beside = Path(f"{path}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    os.replace(beside, path)


def set_aside(path: str | Path, content: str) -> None:
    """Keep a content that `use_aside` may have to bring to a path when the disk is full.

    Raises:
        OSError: it could not be kept.

    """
    replace(f"{path}.aside", content)


def use_aside(path: str | Path) -> None:
    """Bring what was set aside to its path. It takes no room on the disk: the file gets a second name.

    Raises:
        OSError: nothing was replaced.

    """
    beside = Path(f"{path}.new")
    beside.unlink(missing_ok=True)
    os.link(f"{path}.aside", beside)
    os.replace(beside, path)


def create(path: Path, content: bytes) -> bool:
    """Create a private file that must last, whole or not at all; False when another was there first.

    Raises:
        OSError: it could not be created.

    """
    # Made with mode 0600 and a name that nobody else has: tempfile.mkstemp.
    descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            # Unlike a rename, a link never replaces what another process made in the meantime.
            os.link(beside, path)
        except FileExistsError:
            return False
    finally:
        os.unlink(beside)
    return True
