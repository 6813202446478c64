"""`lakelatch up`, `down`, `status` and `env`: the local stack from the command line."""

import json
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from lakelatch_sandbox.local.stack import LocalStack

_STEP = re.compile(r"^ *[+~-]+ +(?P<type>[\w.:/-]+) +(?P<name>\S+) +(?P<done>created|updated|deleted|replaced)\b")


def _stack() -> "LocalStack":
    from lakelatch_sandbox.local.layout import Layout
    from lakelatch_sandbox.local.stack import LocalStack

    return LocalStack(Layout.find(Path.cwd()))


@click.command()
@click.option("--verbose", is_flag=True, help="Show everything the engine says.")
def up(verbose: bool) -> None:
    """Bring the whole stack up on this machine: doubles, Pulumi stack, gateway, and a first query through it.

    A second run finds everything in place and changes nothing.
    """
    began = time.monotonic()

    def progress(text: str) -> None:
        click.echo(f"[{time.monotonic() - began:4.0f} s] {text}")

    def detail(line: str) -> None:
        if verbose:
            click.echo(f"         {line}")
        elif match := _STEP.match(line):
            kind = match["type"].rpartition(":")[2]
            click.echo(f"         {match['done']} {kind} {match['name']}")

    stack = _stack()
    result = stack.up(progress, detail)
    click.echo("")
    _summary(stack, result)


def _summary(stack: "LocalStack", result: dict[str, Any]) -> None:
    status = stack.status()
    model = stack.model()
    click.echo(f"Gateway    {status['gateway_host']}   (services call it instead of Databricks)")
    click.echo(f"Workspace  {status['workspace_host']}   (double)")
    click.echo("")
    for row in status["services"]:
        click.echo(f"{row['name']} is service principal {row['application_id']} in Databricks and holds no secret")
        for role, actions in model.actions(row["name"]).items():
            click.echo(f"  as {role} it may: {', '.join(actions)}")
    if "answer" in result:
        answer = result["answer"]
        click.echo("")
        click.echo(f"{result['service']} asked through the gateway; Databricks saw {answer['user_name']}:")
        for line in _table(answer["columns"], answer["rows"]):
            click.echo(f"  {line}")
    click.echo("")
    click.echo("Try:")
    click.echo(f'  eval "$({_typed()} env)" && pulumi preview --stack local --policy-pack policies')
    click.echo(f"  {_typed()} status")


def _typed() -> str:
    """The `lakelatch` command as it can be typed here: an environment that is not active is named."""
    beside = Path(sys.executable).parent / "lakelatch"
    found = shutil.which("lakelatch")
    return "lakelatch" if found and Path(found).samefile(beside) else os.path.relpath(beside)


def _table(columns: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(len(str(cell)) for cell in column) for column in zip(columns, *rows, strict=True)]
    return [
        "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (columns, *rows)
    ]


@click.command()
def down() -> None:
    """Stop the local stack's processes and remove everything it made."""
    ended = _stack().down()
    click.echo(f"removed: {', '.join(ended)}" if ended else "there was nothing to remove")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
def status(as_json: bool) -> None:
    """What runs, and where. Exit code 1 when the stack is not healthy."""
    found = _stack().status()
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        for name, running in found["processes"].items():
            click.echo(f"{name:8} {'runs' if running else 'does not run'}")
        for key in ("gateway_host", "workspace_host", "account_host", "ca_file"):
            click.echo(f"{key:15} {found[key] or '-'}")
        for row in found["services"]:
            click.echo(f"service {row['name']}: service principal {row['application_id']}")
        click.echo("healthy" if found["healthy"] else "not healthy: `lakelatch up` mends it")
    if not found["healthy"]:
        raise click.exceptions.Exit(1)


@click.command()
def env() -> None:
    """Shell text for `eval "$(lakelatch env)"`: afterwards `pulumi` works on the local stack by hand."""
    click.echo(_stack().environment(), nl=False)


@click.command()
@click.option("--service", required=True, help="Name of the service in the access model.")
def token(service: str) -> None:
    """Print a token that SERVICE would show to the gateway: a real one of the sandbox's Entra, for an hour."""
    click.echo(_stack().token(service))
