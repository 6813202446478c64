"""Where a model's text is: one file, and the fragments beside it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from lakelatch.access import fragments
from lakelatch.access.model import AccessModel
from lakelatch.access.validation import Location
from lakelatch.errors import CommandError

MAIN = "access.yaml"
"""The model's file in a folder."""
DEFAULT = Path("stacks") / MAIN
"""Where a project has its model."""


@dataclass(frozen=True)
class ModelFiles:
    """A model's text as it stands in files."""

    source: str
    text: str
    parts: dict[str, str] = field(default_factory=dict)
    """File to text of each fragment, in the order of their names."""

    def model(self, overlay: dict[str, Any] | None = None) -> AccessModel:
        """The model.

        Raises:
            ModelError: with everything that is wrong in any of the files.

        """
        return AccessModel.read(self.text, self.source, overlay, self.parts)

    def place(self, location: Location) -> str:
        """File and line of a value, for people."""
        line, source = fragments.read(self.text, self.source, self.parts).place(location)
        where = source or self.source
        return where if line is None else f"{where} line {line}"


def find(path: Path) -> ModelFiles:
    """The model in a file, or in a folder's `access.yaml`; fragments are in a folder `access.d` beside it (`*.yaml`).

    Raises:
        CommandError: for a file that is not there or is no text.

    """
    main = path / MAIN if path.is_dir() else path
    beside = sorted(main.with_suffix(".d").glob("*.yaml"))
    return ModelFiles(str(main), text_of(main), {str(file): text_of(file) for file in beside})


MODEL = click.Path(path_type=Path)
"""The argument FILE_OR_FOLDER of commands."""


def text_of(file: Path) -> str:
    """A file's text.

    Raises:
        CommandError: it is not there, or is no text.

    """
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"cannot read {str(file)!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandError(f"{str(file)!r} is not UTF-8 text") from None
