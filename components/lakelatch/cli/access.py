"""`lakelatch access`: questions to an access model that need no cloud."""

from pathlib import Path

import click

from lakelatch.errors import CommandError


@click.group()
def access() -> None:
    """Check an access model."""


@access.command()
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Read the model in FILE and report everything that is wrong with it at once.

    Exit code 1 when there is anything.
    """
    from lakelatch.access.model import AccessModel

    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"cannot read {str(file)!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandError(f"{str(file)!r} is not UTF-8 text") from None
    model = AccessModel.read(text, str(file))
    click.echo(f"{file}: {len(model.services)} service(s), {len(model.roles)} role(s), nothing wrong")
    for name in model.services:
        for role, actions in model.actions(name).items():
            click.echo(f"  {name} may, as {role}: {', '.join(actions)}")
