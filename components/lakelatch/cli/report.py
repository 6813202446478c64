"""`lakelatch access report`: who can do what and why, as a page to search."""

from pathlib import Path

import click

from lakelatch.access.report.data import data
from lakelatch.access.report.page import page
from lakelatch.cli import files, model_files
from lakelatch.cli.model_files import MODEL


@click.command()
@click.argument("path", metavar="[FILE_OR_FOLDER]", type=MODEL, default=model_files.DEFAULT)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("access-report.html"),
    show_default=True,
    help="The page.",
)
def report(path: Path, output: Path) -> None:
    """Write who can do what by the model, and why, as one HTML page to search.

    The page needs no network and no server, and runs nothing but its own script. The model is that in
    stacks/access.yaml unless FILE_OR_FOLDER names another.
    """
    found = model_files.find(path)
    text = page(data(found.model(), found.source))
    files.write(output, text)
    click.echo(f"{output}: {len(text.encode()) / 1e6:.1f} MB")
