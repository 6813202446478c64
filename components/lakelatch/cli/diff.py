"""`lakelatch access diff`: what a change does to who can do what."""

import json
from pathlib import Path

import click

from lakelatch.access.diff.as_json import as_json
from lakelatch.access.diff.difference import difference
from lakelatch.access.diff.markdown import markdown
from lakelatch.access.diff.snapshot import Snapshot
from lakelatch.access.diff.text import text
from lakelatch.cli import model_files, sides
from lakelatch.cli.model_files import MODEL

NOTHING, LESS, MORE = 0, 3, 4
"""Exit codes with `--exit-code`; 1 and 2 are those of errors and wrong usage."""


@click.command()
@click.option("--from", "old", metavar="OLD", default="HEAD", show_default=True, help="What was before.")
@click.option("--to", "new", metavar="NEW", help="What is then; unset means the model's file as it is now.")
@click.option("--model", type=MODEL, default=model_files.DEFAULT, help="[stacks/access.yaml]")
@click.option("--markdown", "as_markdown", is_flag=True, help="Write Markdown, for a comment to a pull request.")
@click.option("--json", "json_", is_flag=True, help="Write JSON, with every action one by one.")
@click.option("--exit-code", is_flag=True, help="0: no change. 3: only less access. 4: more or other access.")
def diff(old: str, new: str | None, model: Path, as_markdown: bool, json_: bool, exit_code: bool) -> int:
    """Tell who gains or loses what between OLD and NEW, what is at stake first.

    OLD and NEW are revisions of git (the file is what --model names, with the fragments beside it), models' files or
    folders. A file or folder of that name comes first; `git:NAME` is always a revision.
    """
    found = difference(_side(old, model), _side(new or str(model), model))
    if json_:
        click.echo(json.dumps(as_json(found), indent=2))
    elif as_markdown:
        click.echo(markdown(found), nl=False)
    else:
        click.echo("\n".join(text(found)))
    if not exit_code or not found.changes:
        return NOTHING
    return MORE if found.grows else LESS


def _side(name: str, model: Path) -> Snapshot:
    return sides.read(name, model)
