"""`lakelatch access`: questions to an access model that need no cloud."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from lakelatch.access import summary
from lakelatch.access.expectations import Expectations, Outcome, outcomes
from lakelatch.access.model import AccessModel
from lakelatch.access.model_policy import issuers_of_people, policy_of
from lakelatch.access.remedies import window
from lakelatch.access.rules import Rule
from lakelatch.access.summary import Right, Trusted
from lakelatch.cli import explaining, model_files
from lakelatch.cli.diff import diff
from lakelatch.cli.model_files import MODEL
from lakelatch.cli.observed import observed
from lakelatch.cli.report import report
from lakelatch.cli.table import table
from lakelatch.errors import CommandError

WIDTH: Final = 120
"""Of a table that goes to a file or a pipe; on a terminal it is the terminal's, or `COLUMNS`."""

LATER: Final = "(known after `pulumi up`)"


@click.group()
def access() -> None:
    """Check an access model, and ask who can do what."""


access.add_command(observed)
access.add_command(diff)
access.add_command(report)


@access.command()
@click.argument("path", metavar="FILE_OR_FOLDER", type=MODEL)
@click.option("--against", type=MODEL, help="A file of expected decisions, to compare with what the model decides.")
def check(path: Path, against: Path | None) -> int:
    """Read the model in FILE_OR_FOLDER and report everything that is wrong with it at once.

    A folder stands for the `access.yaml` in it. Fragments are read from `access.d/*.yaml` beside the file.

    Exit code 1 when anything is wrong, or is decided otherwise than expected.
    """
    files = model_files.find(path)
    model = files.model()
    counts = [_count(len(rows), noun) for rows, noun in ((model.services, "service"), (model.roles, "role"))]
    counts += [_count(len(model.people), "group of people", "groups of people")] if model.people else []
    counts += [f"in {len(files.parts) + 1} files"] if files.parts else []
    click.echo(f"{files.source}: {', '.join(counts)}; nothing wrong")
    return 0 if against is None else _compared(model, against)


def _compared(model: AccessModel, against: Path) -> int:
    wanted = Expectations.read(model_files.text_of(against), str(against))
    found = outcomes(policy_of(model), wanted, str(against), issuers_of_people(model))
    others = [one for one in found if not one.as_expected]
    if not others:
        click.echo(f"{against}: {_count(len(found), 'decision')}, all as expected")
        return 0
    headings = ("WHO", "ACTION", "WITH", "EXPECTED", "IS", "BECAUSE")
    width = shutil.get_terminal_size((WIDTH, 24)).columns
    click.echo(f"{against}: {len(others)} of {_count(len(found), 'decision')} not as expected\n")
    click.echo("\n".join(table(headings, [_difference(one) for one in others], width)))
    return 1


def _difference(one: Outcome) -> tuple[str, ...]:
    wanted, found = one.expectation, one.explanation
    told = "\n".join(f"{name}={value}" for name, value in wanted.attributes.items())
    expected = "\n".join(filter(None, (wanted.expect, wanted.rule)))
    verdict = {"allowed": "allow", "denied": "deny"}.get(found.verdict, found.verdict)
    is_ = f"{verdict}\n{found.decision.rule}"
    steps = [f"{step.state}: {step.asked}" for step in found.steps if step.state != "met"]
    return wanted.who, wanted.action, told, expected, is_, "\n".join(steps)


@access.command()
@click.argument("path", metavar="FILE_OR_FOLDER", type=MODEL)
@click.option("--who", multiple=True, help="A service or group of people, to see only this one; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON, with every action one by one.")
def show(path: Path, who: tuple[str, ...], as_json: bool) -> None:
    """Show who can do what by the model in FILE_OR_FOLDER, and whose tokens are trusted for it.

    The table is as wide as the terminal, or as `COLUMNS` says.
    """
    model = model_files.find(path).model()
    if unknown := [name for name in who if name not in model.services and name not in model.people]:
        hint = f"`lakelatch access show {path}` lists all of them"
        raise CommandError(f"the model has neither a service nor people called {unknown[0]!r}", hint=hint)
    if as_json:
        said = summary.plain(model)
        for section in ("rights", "trusts"):
            said[section] = [row for row in said[section] if _is(row["who"], who)]
        said["ways_round"] = [name for name in said["ways_round"] if _is(name, who)]
        said["observed"] = [name for name in said["observed"] if _is(name, who)]
        said["rules"] = [row for row in said["rules"] if not who or {*row["services"], *row["people"]} & set(who)]
        click.echo(json.dumps(said, indent=2))
    else:
        width = shutil.get_terminal_size((WIDTH, 24)).columns
        click.echo("\n".join(_report(model, who, width)))


@access.command("explain")
@click.argument("path", metavar="[FILE_OR_FOLDER]", type=MODEL, default=model_files.DEFAULT)
@explaining.options
def explain_(path: Path, **said: Any) -> int:
    """Say whether a service or person may do something by the model, by which rule, and what would change that.

    Shows every check on the way with `met`, `not met`, or `not known` where the request was not told well enough. The
    model is that in stacks/access.yaml unless FILE_OR_FOLDER names another. Maintenance, revocations, and whether
    Databricks knows the person are not asked: they belong to the running gateway.

    Exit code 1 when it is denied, or not known.
    """
    model = model_files.find(path).model()
    roles = {name: model.actions_of((name,))[name] for name in model.roles}
    return explaining.explained(policy_of(model), roles, issuers_of_people(model), **said)


def _report(model: AccessModel, who: tuple[str, ...], width: int) -> Iterator[str]:
    rights = [row for row in summary.rights(model) if _is(row.who, who)]
    if not rights:
        yield "nobody can do anything: the model has neither services nor people"
        return
    yield from table(("WHO", "WHERE", "ROLE", "ACTIONS", "AT DATABRICKS"), [_right(row) for row in rights], width)
    yield ""
    yield "Whose tokens are trusted"
    yield from _trusts([row for row in summary.trusted(model) if _is(row.who, who)])
    rules = [row for row in summary.asked_rules(model) if not who or {*row[2], *row[3]} & set(who)]
    if rules:
        yield from ("", "What must be met beside a role")
        yield from table(("RULE", "MODE", "WHO", "ACTIONS", "ASKS"), [_rule(*row) for row in rules], width)
    if seen := [name for name in summary.observed(model) if _is(name, who)]:
        yield ""
        yield f"Only observed, so that nothing is refused to them: {', '.join(seen)}"
    if round_it := [name for name in summary.ways_round(model) if _is(name, who)]:
        yield ""
        yield f"Round the gateway, so that only the group's rights count: {', '.join(round_it)}"


def _is(row: str, who: tuple[str, ...]) -> bool:
    return not who or bool({part.strip() for part in row.split(",")} & set(who))


def _right(row: Right) -> tuple[str, ...]:
    person = f"{row.who} (people)\n{row.assurance or ''}".strip() if row.kind == "people" else row.who
    via = f"via {row.via}" if row.checked else f"{row.via},\nor via gateway" if row.at_gateway else row.via
    where = f"{row.workspace or ''}\n{via}".strip()
    beside = () if row.checked else ("not checked round it",) if row.at_gateway else ("not checked",)
    actions = "\n".join((*(row.actions if row.at_gateway else ()), *beside))
    group = [f"group {row.group}"] if row.group else []
    return person, where, row.role, actions, "\n".join([*group, *row.entitlements, *row.grants])


def _rule(name: str, rule: Rule, services: list[str], people: list[str]) -> tuple[str, ...]:
    limit = "" if rule.limit is None else ", ".join(f"{key}" for key in sorted(rule.limit.model_fields_set))
    asks = [
        f"only {window(rule)}" if rule.during else "",
        "refuses always" if rule.deny is True else f"deny {rule.deny}" if rule.deny else "",
        f"require {rule.require}" if rule.require else "",
        f"limit {limit}" if limit else "",
        f"networks {', '.join(rule.networks)}" if rule.networks else "",
    ]
    named = [*services, *(f"{one} (people)" for one in people)]
    about = named if rule.for_.services or rule.for_.roles or rule.for_.environments else ["all"]
    return name, rule.mode, "\n".join(about), "\n".join(rule.for_.actions or ("all",)), "\n".join(filter(None, asks))


def _trusts(rows: list[Trusted]) -> Iterator[str]:
    """Addresses and subjects on lines of their own, never broken: they are compared to the letter, and copied."""
    before = None
    for row in rows:
        if row.who != before:
            yield from ("", row.who)
        trust, before = row.trust, row.who
        nobody = "any user" if row.users else LATER
        yield f"  {row.by} takes tokens with"
        yield f"    iss  {trust.issuer}"
        yield f"    aud  {' or '.join(trust.audiences) or LATER}"
        yield f"    {trust.subject_claim:<3}  {trust.subject or nobody}"


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
