"""Files that commands write for others to read."""

import os
import tempfile
from pathlib import Path

from lakelatch.errors import CommandError


def write(path: Path, text: str) -> None:
    """Replace a file at once, so that nobody reads half of it.

    Raises:
        CommandError: it cannot be written.

    """
    try:
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as opened:
                opened.write(text)
            Path(beside).chmod(0o644)
            Path(beside).replace(path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CommandError(f"cannot write {str(path)!r}: {error.strerror}") from None
