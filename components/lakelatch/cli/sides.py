"""What a side of a comparison names: a revision of git, or a model's file."""

from pathlib import Path
from typing import Final

from lakelatch.access.diff.of_model import of_model
from lakelatch.access.diff.snapshot import Snapshot
from lakelatch.cli import model_files, revisions

REVISION: Final = "git:"


def read(name: str, model: Path) -> Snapshot:
    """The snapshot that a name stands for; `model` is the path of the model in a revision.

    Raises:
        CommandError: the name stands for nothing that can be read.
        ModelError: with everything that is wrong in the model.

    """
    path = Path(name)
    if not name.startswith(REVISION) and path.exists():
        return of_model(model_files.find(path).model())
    revision = name.removeprefix(REVISION)
    files = revisions.find(revision, model)
    if files is None:
        return Snapshot(unseen=(f"{revision} has no model at {model}: everything counts as new",))
    return of_model(files.model())
