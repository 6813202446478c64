"""The `lakelatch` command. Its verbs come from the rooms that are installed: entry point group `lakelatch.commands`."""

import sys
from importlib.metadata import entry_points
from typing import Any

import click

from lakelatch.errors import LakelatchError

GROUP = "lakelatch.commands"


class _Rooms(click.Group):
    """A group whose commands are loaded from their rooms when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *entry_points(group=GROUP).names})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for entry in entry_points(group=GROUP, name=cmd_name):
            command = entry.load()
            if not isinstance(command, click.Command):
                raise TypeError(f"{entry.value} is not a command")
            return command
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Rooms, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lakelatch", message="%(package)s %(version)s")
def lakelatch() -> None:
    """Short-lived, audited, secret-less access to Databricks."""


def main(argv: list[str] | None = None) -> None:
    """Run the command line; a LakelatchError is told without a traceback and ends with exit code 1."""
    sys.exit(run(argv))


def run(argv: list[str] | None = None, **extra: Any) -> int:
    """Run the command line and return its exit code: 0 done, 1 refused, 2 wrong usage, 130 interrupted."""
    try:
        result = lakelatch.main(argv, prog_name="lakelatch", standalone_mode=False, **extra)
    except LakelatchError as error:
        click.echo(f"error: {error}", err=True)
        if error.hint:
            click.echo(f"hint: {error.hint}", err=True)
        return 1
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return result if isinstance(result, int) else 0
