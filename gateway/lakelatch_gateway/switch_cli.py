"""`lakelatch maintenance` and `lakelatch revoke`: what operators switch, in force in about a second, not deployed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click

from lakelatch.errors import CommandError

ENVIRONMENT: Final = "LAKELATCH_GATEWAY_STATE"
_STATE_DIR = click.option(
    "--state-dir",
    envvar=ENVIRONMENT,
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help=f"The gateway's state folder; {ENVIRONMENT} names it as well (`lakelatch env` sets it for the local stack).",
)


@click.group()
def maintenance() -> None:
    """Close the gateway, or a part of it, for a while: callers get 503 and when to come again."""


@maintenance.command()
@click.option("--scope", default="all", show_default=True, help="all, service=NAME, action=NAME or environment=NAME.")
@click.option("--reason", default="", help="Told to operators and the audit trail.")
@click.option(
    "--until", help="When it opens by itself: a time such as 2026-12-01T06:00:00Z, or a while such as 30m, 2h."
)
@_STATE_DIR
def on(scope: str, reason: str, until: str | None, state_dir: Path) -> None:
    """Close a scope."""
    from lakelatch.access.switches import Maintenance

    now = datetime.now(UTC)
    made = _made(
        lambda: Maintenance(scope=scope, reason=reason, since=now, until=None if until is None else _when(until, now))
    )
    _change(state_dir, lambda switches: switches.closing(made))
    click.echo(f"closed: {scope}{_until(made.until)}")


@maintenance.command()
@click.option("--scope", help="What to open again; without it everything.")
@_STATE_DIR
def off(scope: str | None, state_dir: Path) -> None:
    """Open a scope, or everything."""
    _change(state_dir, lambda switches: switches.opening(scope))
    click.echo(f"open: {scope or 'everything'}")


@maintenance.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@_STATE_DIR
def status(as_json: bool, state_dir: Path) -> None:
    """Show what is closed and what is revoked."""
    from lakelatch_gateway.switchboard import Switchboard

    switches = Switchboard(state_dir).read()
    if as_json:
        click.echo(switches.text(), nl=False)
        return
    now = datetime.now(UTC)
    for one in switches.closed(now):
        click.echo(f"closed: {one.scope}{_until(one.until)}{_because(one.reason)}")
    for revoked in switches.revocations:
        click.echo(f"revoked: {revoked.kind} {revoked.value}{_because(revoked.reason)}")
    if not switches.closed(now) and not switches.revocations:
        click.echo("everything is open, nothing is revoked")


@click.command()
@click.option("--key", "kid", help="The `kid` of a signing key: nothing it signed is taken.")
@click.option("--subject", help="A subject claim, to the letter: none of its tokens is taken.")
@click.option("--jti", help="The `jti` of one token.")
@click.option("--reason", default="", help="Told to operators and the audit trail.")
@click.option("--undo", is_flag=True, help="Take it again.")
@_STATE_DIR
def revoke(kid: str | None, subject: str | None, jti: str | None, reason: str, undo: bool, state_dir: Path) -> None:
    """Stop taking tokens whose signature and times are right: of a key, of a subject, or a single one."""
    from lakelatch.access.switches import Revocation

    named = {kind: value for kind, value in (("key", kid), ("subject", subject), ("jti", jti)) if value is not None}
    if len(named) != 1:
        raise CommandError("say exactly one of --key, --subject and --jti")
    [(kind, value)] = named.items()
    if undo:
        _change(state_dir, lambda switches: switches.restoring(kind, value))
        click.echo(f"taken again: {kind} {value}")
        return
    made = _made(
        lambda: Revocation.model_validate({"kind": kind, "value": value, "reason": reason, "since": datetime.now(UTC)})
    )
    _change(state_dir, lambda switches: switches.revoking(made))
    click.echo(f"revoked: {kind} {value}")


def _change(state_dir: Path, to: Callable[[Any], Any]) -> None:
    from lakelatch_gateway.switchboard import Switchboard

    Switchboard(state_dir).change(to)


def _made(make: Callable[[], Any]) -> Any:
    from pydantic import ValidationError

    try:
        return make()
    except ValidationError as error:
        [first, *_] = error.errors(include_url=False, include_input=False)
        option = str(first["loc"][0])
        right = "all, service=NAME, action=NAME or environment=NAME" if option == "scope" else "something shorter"
        raise CommandError(f"--{option} cannot be that; it must be {right}") from None


_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _when(text: str, now: datetime) -> datetime:
    """A moment, or a while from now."""
    number, unit = text[:-1], text[-1:]
    if unit in _UNITS and number.isascii() and number.isdecimal() and len(number) < 7:
        return now + timedelta(seconds=int(number) * _UNITS[unit])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--until is no time: {text!r}; write 2026-12-01T06:00:00Z, or 30m, 2h, 1d") from None
    if moment.tzinfo is None:
        raise CommandError("--until has no time zone; end it in Z or +01:00")
    if moment <= now:
        raise CommandError("--until has passed already")
    return moment


def _until(moment: datetime | None) -> str:
    return "" if moment is None else f" until {moment.isoformat(timespec='seconds')}"


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""
