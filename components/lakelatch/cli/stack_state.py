"""What a stack has made, from a file or from the engine."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from lakelatch.errors import CommandError

SECONDS: Final = 60
"""A backend that has not answered by then is not going to."""


def from_file(file: Path) -> Any:
    """The export in a file.

    Raises:
        CommandError: for a file that is not there or holds no JSON.

    """
    try:
        return _parsed(file.read_text(encoding="utf-8"), repr(str(file)))
    except OSError as error:
        raise CommandError(f"cannot read {str(file)!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandError(f"{str(file)!r} is not UTF-8 text") from None


def from_engine(stack: str | None) -> Any:
    """What `pulumi stack export` says of a stack, or of the selected one.

    None when no stack was named and there is none to ask: no `pulumi`, no project, no stack.

    Raises:
        CommandError: when the named stack cannot be read.

    """
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        if stack is None:
            return None
        hint = "install it, or pass `--state` with a file that `pulumi stack export` wrote elsewhere"
        raise CommandError("there is no `pulumi` on the PATH", hint=hint)
    command = [pulumi, "stack", "export", "--non-interactive", *(["--stack", stack] if stack else [])]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise CommandError(f"`pulumi stack export` did not answer within {SECONDS} s") from None
    if said.returncode == 0:
        return _parsed(said.stdout, "what `pulumi stack export` wrote")
    if stack is None:
        return None
    last = said.stderr.strip().splitlines()[-1:] or ["no reason given"]
    raise CommandError(f"`pulumi stack export` failed: {last[0]}")


def _parsed(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise CommandError(f"{what} is no JSON", hint="write it with `pulumi stack export --file state.json`") from None
