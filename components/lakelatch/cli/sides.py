"""What a side of a comparison names: a revision of git, a model's file, or what Pulumi wrote."""

import json
from pathlib import Path
from typing import Any, Final

from lakelatch.access.diff.of_model import of_model
from lakelatch.access.diff.of_resources import is_engine_output, is_preview, of_resources
from lakelatch.access.diff.snapshot import Snapshot
from lakelatch.access.policy import Policy
from lakelatch.cli import model_files, revisions
from lakelatch.errors import CommandError

REVISION: Final = "git:"
"""Before a name that is a revision though a file is called so too."""


def read(old: str | None, new: str | None, model: Path) -> tuple[Snapshot, Snapshot]:
    """The two sides that names stand for; `model` is where the model is, in a revision and now.

    A preview has both sides, so that it needs no `old`; otherwise that is what was committed last.

    Raises:
        CommandError: a name stands for nothing that can be read, or the sides are of two kinds.
        ModelError: with everything that is wrong in a model.

    """
    after = _engine_output(new) if new else None
    if old is None and is_preview(after):
        old = new
    before = _engine_output(old or "HEAD")
    if (before is None) != (after is None):
        hint = "name two revisions or models, or two files that Pulumi wrote; a preview alone has both sides"
        raise CommandError("a model and what Pulumi wrote cannot be compared", hint=hint)
    if before is not None:
        return _resources(before, str(old), after=False), _resources(after, str(new), after=True)
    return _model(old or "HEAD", model), _model(new or str(model), model)


def _engine_output(name: str) -> Any:
    """What Pulumi wrote into a file; None for whatever else a name stands for."""
    path = Path(name)
    if name.startswith(REVISION) or not path.is_file():
        return None
    text = model_files.text_of(path)
    if not text.lstrip().startswith("{"):
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if is_engine_output(data) else None


def _resources(data: Any, name: str, *, after: bool) -> Snapshot:
    try:
        return of_resources(data, _policy, after=after)
    except ValueError as error:
        raise CommandError(f"{name!r} is nothing that Pulumi wrote: {error}") from None


def _policy(config: Any) -> Policy:
    # Protocol buffers and the compiler's parts: loaded where a gateway's configuration is read.
    from lakelatch.envoy.config import GatewayConfig

    return GatewayConfig.parse(config).policy


def _model(name: str, model: Path) -> Snapshot:
    path = Path(name)
    if not name.startswith(REVISION) and path.exists():
        return of_model(model_files.find(path).model())
    revision = name.removeprefix(REVISION)
    files = revisions.find(revision, model)
    if files is None:
        return Snapshot(unseen=(f"a model: {revision} has none at {model}, so that everything counts as new",))
    return of_model(files.model())
