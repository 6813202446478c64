"""`lakelatch access diff`: what a change does to who can do what."""

import json
import shutil
from pathlib import Path

import click

from lakelatch.access.diff.as_json import as_json
from lakelatch.access.diff.difference import difference
from lakelatch.access.diff.markdown import markdown
from lakelatch.access.diff.picture import picture
from lakelatch.access.diff.text import text
from lakelatch.cli import files, model_files
from lakelatch.cli.model_files import MODEL
from lakelatch.cli.sides import read

WIDTH = 120
"""Of lines that go to a file or a pipe; on a terminal it is the terminal's, or `COLUMNS`."""

NOTHING, LESS, MORE = 0, 3, 4
"""Exit codes with `--exit-code`; 1 and 2 are those of errors and wrong usage."""


@click.command()
@click.option("--from", "old", metavar="OLD", help="What was before; unset means what was committed last (HEAD).")
@click.option("--to", "new", metavar="NEW", help="What is then; unset means the model's file as it is now.")
@click.option("--model", type=MODEL, default=model_files.DEFAULT, help="[stacks/access.yaml]")
@click.option("--markdown", "as_markdown", is_flag=True, help="Write Markdown, for a comment to a pull request.")
@click.option("--json", "json_", is_flag=True, help="Write JSON, with every action one by one.")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="A file for a picture of the trusts.")
@click.option("--exit-code", is_flag=True, help="End with 3 for less access alone, with 4 for more or other access.")
def diff(
    old: str | None,
    new: str | None,
    model: Path,
    as_markdown: bool,
    json_: bool,
    svg: Path | None,
    exit_code: bool,
) -> int:
    """Tell who gains or loses what between OLD and NEW, what is at stake first.

    OLD and NEW are revisions of git (of the file that --model names, and its fragments), files or folders of models, or
    files that `pulumi stack export` and `pulumi preview --json` wrote; one preview as NEW has both sides. A file comes
    before a revision of its name; `git:NAME` is always a revision.
    """
    found = difference(*(sides := read(old, new, model)))
    if svg is not None:
        files.write(svg, picture(*sides))
    if json_:
        click.echo(json.dumps(as_json(found), indent=2))
    elif as_markdown:
        click.echo(markdown(found), nl=False)
    else:
        click.echo("\n".join(text(found, shutil.get_terminal_size((WIDTH, 24)).columns)))
    if not exit_code or not found.changes:
        return NOTHING
    return MORE if found.grows else LESS
