"""`lakelatch access observed`: what an observing gateway would have refused, and the change after which not."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from lakelatch.access.model import AccessModel
from lakelatch.access.observed import LINE_CHARACTERS, Trail, Use, proposals, read, yaml_of
from lakelatch.cli import model_files
from lakelatch.cli.model_files import MODEL
from lakelatch.cli.table import table
from lakelatch.errors import CommandError

WIDTH: Final = 120
ENVIRONMENT: Final = "LAKELATCH_GATEWAY_STATE"
"""Names the gateway's state folder, also to `lakelatch maintenance`."""
AUDIT_FILES: Final = ("audit/requests.jsonl", "audit.jsonl")
"""Where a gateway writes its audit trail, below its state folder; the first that is there."""


@click.command()
@click.argument("files", metavar="[AUDIT_FILES]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--service", help="Only this one.")
@click.option("--model", "model_path", type=MODEL, default=model_files.DEFAULT, help="[stacks/access.yaml]")
@click.option(
    "--state-dir",
    envvar=ENVIRONMENT,
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".lakelatch/gateway/state"),
    show_default=True,
    help=f"The gateway's, when no AUDIT_FILES are named; {ENVIRONMENT} names it as well.",
)
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON.")
def observed(files: tuple[Path, ...], service: str | None, model_path: Path, state_dir: Path, as_json: bool) -> None:
    """Tell what services used that would be refused, were nothing observed, and propose the smallest change.

    Reads the audit trail of a gateway with `mode: observe`, as JSON lines. The proposal adds to a service a role that
    is there and has what it used, or a new role with exactly that; paste it into the model. What a rule would refuse,
    or is no action of the catalogue, is told and left to you.
    """
    model = model_files.find(model_path).model()
    if service is not None and service not in model.services:
        raise CommandError(f"the model has no service {service!r}", hint="`lakelatch access show` lists all of them")
    trail = read(_lines(files or (_default(state_dir),)))
    uses = trail.of(service)
    if as_json:
        rows = [asdict(row) for row in proposals(model, uses)]
        told = {"lines": trail.lines, "passed_over": trail.passed_over, "observed": trail.observed}
        click.echo(json.dumps({**told, "uses": [asdict(use) for use in uses], "proposals": rows}, indent=2))
    else:
        click.echo("\n".join(_report(model, trail, uses)))


def _default(state_dir: Path) -> Path:
    there = [state_dir / name for name in AUDIT_FILES if (state_dir / name).exists()]
    if not there:
        raise CommandError(
            f"no audit trail at {str(state_dir / AUDIT_FILES[0])!r}", hint="name its files, or the --state-dir"
        )
    return there[0]


def _lines(files: tuple[Path, ...]) -> Iterator[str]:
    """The lines of files one by one; a line that is too long comes as pieces, which are no JSON."""
    for file in files:
        try:
            with contextlib.closing(file.open(encoding="utf-8", errors="replace")) as opened:
                yield from iter(lambda opened=opened: opened.readline(LINE_CHARACTERS + 1), "")  # type: ignore[misc]
        except OSError as error:
            raise CommandError(f"cannot read {str(file)!r}: {error.strerror}") from None


def _report(model: AccessModel, trail: Trail, uses: list[Use]) -> Iterator[str]:
    """Everything but the proposal is a comment, so that all of it can be pasted."""
    yield f"# {trail.observed} requests were observed, in {trail.lines} lines ({trail.passed_over} of another kind)"
    if not uses:
        yield "# nothing would have been refused"
        return
    yield "#"
    width = shutil.get_terminal_size((WIDTH, 24)).columns - 2
    rows = [(use.service, use.rule, use.action, str(use.count), use.first, use.last) for use in uses]
    for line in table(("SERVICE", "BY", "ACTION", "COUNT", "FIRST", "LAST"), rows, width):
        yield f"# {line}".rstrip()
    if strangers := sorted({use.service for use in uses} - set(model.services)):
        yield f"#\n# no service of the model: {', '.join(map(repr, strangers))}"
    if any(use.rule.startswith("rule:") for use in uses):
        yield "#\n# what a rule would refuse is not proposed: change the rule, or the client"
    yield from yaml_of(model, proposals(model, uses))
