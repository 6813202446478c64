"""Files that others read, or that hold a secret: created with their mode, replaced whole."""

import os
from pathlib import Path


def write_secret(path: Path, content: bytes) -> None:
    """Write beside and rename; the file has mode 0600 from its first byte on."""
    _replace(path, content, 0o600)


def write_public(path: Path, content: bytes) -> None:
    """Write beside and rename; everyone may read the file."""
    _replace(path, content, 0o644)


def _replace(path: Path, content: bytes, mode: int) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
