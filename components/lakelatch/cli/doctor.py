"""`lakelatch doctor`: why something does not work, in words that can be acted on."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from lakelatch.access import tokens, verifiers
from lakelatch.access.diagnosis import Verdict, Verifier, diagnose, quoted
from lakelatch.access.tokens import Token
from lakelatch.cli import model_files, stack_state
from lakelatch.cli.model_files import MODEL, ModelFiles
from lakelatch.errors import CommandError

DEFAULT_MODEL: Final = model_files.DEFAULT
TIMES: Final = ("exp", "nbf", "iat")
SHOWN: Final = ("iss", "aud", "sub", *TIMES)
"""Claims whose value is always shown; of the others only those that somebody compares: they may be private."""


@click.group()
def doctor() -> None:
    """Find out why something does not work."""


@doctor.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--model", "model_path", type=MODEL, help="The access model: a file or a folder.  [stacks/access.yaml]")
@click.option("--state", type=click.Path(path_type=Path), help="A file that `pulumi stack export` wrote.")
@click.option("--stack", help="The Pulumi stack to compare with, instead of the selected one.")
@click.option("--json", "as_json", is_flag=True, help="Write the verdicts as JSON.")
def token(file: Path, model_path: Path | None, state: Path | None, stack: str | None, as_json: bool) -> int:
    """Say who would take the token in FILE (`-` for standard input), and why the others would not.

    Compares it with every federation policy of the stack, with what the gateway accepts and with what Entra takes
    instead of a secret. Without a stack the model says what they would be. The token is read, not verified; neither it
    nor its signature is printed.

    Exit code 1 when nobody would take it.
    """
    if state and stack:
        raise click.UsageError("--state and --stack exclude each other: the file is a stack's already")
    found = tokens.parse(_token_text(file))
    files = _model_files(model_path)
    compared_with, known = _verifiers(files, state, stack)
    now = time.time()
    verdicts = diagnose(found, known, now)
    if as_json:
        click.echo(json.dumps([_row(verdict, files) for verdict in verdicts], indent=2))
    else:
        click.echo("\n".join([*_told(found, known, now), "", f"compared with {compared_with}"]))
        click.echo("\n".join(_sections(verdicts, files)))
    return 0 if any(verdict.difference is None for verdict in verdicts) else 1


def _token_text(file: Path) -> str:
    try:
        read = sys.stdin.read(tokens.MAX_BYTES + 1) if str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"cannot read {str(file)!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandError(f"{str(file)!r} is not UTF-8 text") from None
    return read


def _model_files(path: Path | None) -> ModelFiles | None:
    if path is None and not DEFAULT_MODEL.exists():
        return None
    return model_files.find(path or DEFAULT_MODEL)


def _verifiers(files: ModelFiles | None, state: Path | None, stack: str | None) -> tuple[str, list[Verifier]]:
    """What the token is compared with, in words, and everybody there."""
    # The gateway's leeway is the compiler's; imported late, so that the command starts quickly.
    from lakelatch.envoy.authentication import CLOCK_SKEW_SECONDS

    model = files.model() if files else None
    exported = stack_state.from_file(state) if state else stack_state.from_engine(stack)
    if exported is not None:
        try:
            made = list(verifiers.of_state(exported, model, gateway_leeway_seconds=CLOCK_SKEW_SECONDS))
        except ValueError as error:
            raise CommandError(f"the state cannot be read: {error}") from None
        if made:
            return f"what the stack has made: {len(made)} that might take it", made
    if model is None or files is None:
        hint = f"name the model with `--model`, or run it where {DEFAULT_MODEL} is"
        raise CommandError("there is neither a stack nor an access model to compare the token with", hint=hint)
    planned = list(verifiers.of_model(model, gateway_leeway_seconds=CLOCK_SKEW_SECONDS))
    why = "the stack has made none yet" if exported is not None else "no stack was found"
    return f"{files.source}, as {why}: {len(planned)} that might take it", planned


def _told(found: Token, known: list[Verifier], now: float) -> Iterator[str]:
    """The token, for people."""
    yield f"token: alg {quoted(found.header.get('alg'))}, kid {quoted(found.header.get('kid'))}; signature not checked"
    compared = {verifier.trust.subject_claim for verifier in known}
    for claim in [*SHOWN, *sorted(compared - set(SHOWN))]:
        if claim in found.claims:
            value = found.claims[claim]
            yield f"  {claim:<4} {quoted(value)}{_ago(value, now) if claim in TIMES else ''}"
    others = sorted(set(found.claims) - set(SHOWN) - compared)
    if others:
        yield f"  other claims, not compared: {quoted(', '.join(others), 2_000)}"


def _ago(value: Any, now: float) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > 1e11:
        return ""
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(value))
    return f"  {moment} UTC, {'in' if value > now else ''} {abs(int(value - now))} s{'' if value > now else ' ago'}"


def _sections(verdicts: list[Verdict], files: ModelFiles | None) -> Iterator[str]:
    takes = [verdict for verdict in verdicts if verdict.matches]
    later = [verdict for verdict in verdicts if verdict.difference is None and verdict.later]
    refuses = [verdict for verdict in verdicts if verdict.difference is not None]
    if takes:
        yield "\nwould take it"
        yield from (f"  {verdict.verifier.name}" for verdict in takes)
    if later:
        yield "\nmight take it: the rest is known after `pulumi up`"
        yield from (f"  {verdict.verifier.name}: {verdict.later}" for verdict in later)
    if refuses:
        yield f"\nwould refuse it{'' if takes or later else ' (nobody would take it)'}"
    for verdict in refuses:
        difference = verdict.difference
        if difference is not None:
            yield f"  {verdict.verifier.name}"
            yield f"    {difference.part}: {difference.found}"
            yield f"    change: {difference.change}"
            if place := _place(verdict, files):
                yield f"    model:  {place}"


def _place(verdict: Verdict, files: ModelFiles | None) -> str | None:
    """Line and path in the model of what decided."""
    location = verdict.difference and verdict.verifier.places.get(verdict.difference.part)
    return f"{files.place(location)}: {'.'.join(map(str, location))}" if location and files else None


def _row(verdict: Verdict, files: ModelFiles | None) -> dict[str, Any]:
    difference = verdict.difference
    return {
        "name": verdict.verifier.name,
        "kind": verdict.verifier.kind,
        "service": verdict.verifier.service,
        "matches": verdict.matches,
        "known_after_up": verdict.later,
        "differs": difference and {"part": difference.part, "found": difference.found, "change": difference.change},
        "model": _place(verdict, files),
    }
