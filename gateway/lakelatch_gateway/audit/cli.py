"""`lakelatch audit`: read the audit trail, count in it, and check that it is what was written."""

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from lakelatch_gateway.audit.reading import Reader
    from lakelatch_gateway.audit.records import Filter
    from lakelatch_gateway.audit.seals import Record

FOLLOW_SECONDS: Final = 0.2
_FILTERS: Final = {
    "service": "Name of a service in the access model.",
    "subject": "Subject (sub) of the caller's token, to the letter.",
    "action": "Action, as in `sql.execute`.",
    "rule": "What decided, as in `role:reader` or `default-deny`.",
    "decision": "`allow` or `deny`.",
    "status": "HTTP status of the answer.",
    "request_id": "Id that the gateway's answer names.",
    "event": "`request`, or an event of the gateway, as in `token.refused`.",
}


def _trail_options(command: Callable[..., None]) -> Callable[..., None]:
    folder = click.Path(file_okay=False, path_type=Path)
    told = "The gateway's state folder. Default: the local stack's, found from here upwards."
    command = click.option("--dir", "folder", type=folder, help="The trail's own folder, or a copy of it.")(command)
    return click.option("--state-dir", type=folder, help=told)(command)


def _filter_options(command: Callable[..., None]) -> Callable[..., None]:
    for name, told in reversed(_FILTERS.items()):
        option = click.option(f"--{name.replace('_', '-')}", name, multiple=True, help=f"{told} Can be repeated.")
        command = option(command)
    command = click.option("--until", help="Up to, but not including this time.")(command)
    return click.option(
        "--since", help="From this time on: 2026-07-01T12:00:00Z, or a span back from now: 15m, 2h, 3d."
    )(command)


@click.group()
def audit() -> None:
    """Read and check the gateway's audit trail."""


@audit.command()
@_trail_options
@_filter_options
@click.option("--lines", type=click.IntRange(0), default=10, show_default=True, help="How many of the last.")
@click.option("--follow", is_flag=True, help="Go on with those that come.")
@click.option("--json", "as_json", is_flag=True, help="Whole records, one JSON object per line.")
def tail(state_dir: Path | None, folder: Path | None, lines: int, follow: bool, as_json: bool, **said: Any) -> None:
    """Show the last records, and with --follow those that come."""
    from lakelatch_gateway.audit.records import LEAST_WIDTHS

    reader, wanted = _reader(state_dir, folder), _filter(said)
    if follow:
        reader.skip()
    _print(reader.last(wanted, lines), as_json, LEAST_WIDTHS)
    while follow:
        _print(reader.new(wanted), as_json, LEAST_WIDTHS)
        time.sleep(FOLLOW_SECONDS)


@audit.command()
@_trail_options
@_filter_options
@click.option("--by", help="Count records instead, by these fields: action,rule")
@click.option("--json", "as_json", is_flag=True, help="Whole records, one JSON object per line.")
def query(state_dir: Path | None, folder: Path | None, by: str | None, as_json: bool, **said: Any) -> None:
    """Show the records that are asked for, or how many there are."""
    from lakelatch_gateway.audit import records

    reader = _reader(state_dir, folder)
    found = reader.all(_filter(said))
    if by is not None:
        names = [name.strip().replace("-", "_") for name in by.split(",")]
        rows = records.counted(found, names)
        if as_json:
            for row in rows:
                click.echo(json.dumps({**dict(zip(names, row, strict=False)), "count": int(row[-1])}))
        else:
            click.echo("\n".join(records.columns([[*(name.upper() for name in names), "COUNT"], *rows])))
    elif found or as_json:
        _print(found, as_json, (), records.HEADINGS)
    else:
        click.echo("no record is as you ask")
    if reader.torn:
        click.echo(f"lines that are no records, because their writing broke off: {reader.torn}", err=True)


@audit.command()
@_trail_options
@click.option(
    "--expect", multiple=True, metavar="SEQ:CHAIN", help="An anchor that was kept elsewhere. Can be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
def verify(state_dir: Path | None, folder: Path | None, expect: Sequence[str], as_json: bool) -> None:
    """Check the trail against its seals. Exit code 1 when it is not what was sealed.

    That its end was cut off, or that all of it was written anew, only an anchor tells: the gateway's log has one every
    five minutes (`audit anchor`).
    """
    from lakelatch_gateway.audit.seals import Head
    from lakelatch_gateway.audit.source import FolderSource
    from lakelatch_gateway.audit.verification import verify as check

    anchors = [Head.parse(one) for one in expect]
    _reader(state_dir, folder)
    verdict = check(FolderSource(_folder(state_dir, folder)), anchors)
    if as_json:
        head = None if verdict.head is None else str(verdict.head)
        told = {"holds": not verdict.findings, "findings": verdict.findings, "notes": verdict.notes}
        click.echo(json.dumps({**told, "head": head, "lines": verdict.lines}, indent=2))
    else:
        for line in (*verdict.findings, *(f"note: {note}" for note in verdict.notes)):
            click.echo(line)
        if verdict.head is not None:
            holds = "the trail holds" if not verdict.findings else "the trail does not hold"
            click.echo(f"{holds}: {verdict.lines} lines are as they were sealed; its head is {verdict.head}")
    if verdict.findings:
        raise click.exceptions.Exit(1)


def _folder(state_dir: Path | None, folder: Path | None) -> Path:
    from lakelatch.errors import CommandError
    from lakelatch_gateway.audit.trail import FOLDER

    if folder is not None:
        return folder
    if state_dir is not None:
        return state_dir / FOLDER
    here = Path.cwd()
    project = next((one for one in (here, *here.parents) if (one / "Pulumi.yaml").is_file()), None)
    if project is None:
        raise CommandError(
            "no trail was named, and there is no `Pulumi.yaml` here or above", hint="name one with --state-dir or --dir"
        )
    return project / ".lakelatch" / "gateway" / "state" / FOLDER


def _reader(state_dir: Path | None, folder: Path | None) -> "Reader":
    from lakelatch_gateway.audit.reading import Reader

    return Reader(_folder(state_dir, folder))


def _filter(said: dict[str, Any]) -> "Filter":
    from lakelatch_gateway.audit.records import Filter, moment

    now = datetime.now(UTC)
    since, until = (moment(said[name], now) if said[name] else None for name in ("since", "until"))
    return Filter(since, until, {name: frozenset(said[name]) for name in _FILTERS if said[name]})


def _print(found: "list[Record]", as_json: bool, least: Sequence[int], headings: Sequence[str] | None = None) -> None:
    from lakelatch_gateway.audit.records import cells, columns

    if as_json:
        lines = [json.dumps(record, sort_keys=True) for record in found]
    else:
        rows = [cells(record) for record in found]
        lines = list(columns([headings, *rows] if headings else rows, least))
    if lines:
        click.echo("\n".join(lines))
