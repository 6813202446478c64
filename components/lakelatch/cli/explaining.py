"""What the commands that explain a decision share: their options, and how an explanation reads."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import click

from lakelatch.access.actions import ACTIONS, ALIASES, action_of
from lakelatch.access.asked import Asked
from lakelatch.access.attributes import path_attributes
from lakelatch.access.explanation import Explanation, explain
from lakelatch.access.persons import SOMEBODY, Person, people_of_issuer
from lakelatch.access.policy import Policy
from lakelatch.cli.table import table
from lakelatch.errors import CommandError

WIDTH: Final = 120


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that explains."""
    for option in reversed(
        [
            click.option("--service", help="The service that asks."),
            click.option(
                "--group",
                "groups",
                multiple=True,
                help="Instead of --service: a group of the person who asks, as their token names it; repeat it for all"
                " of them.",
            ),
            click.option("--user", help="Instead of --service, or with --group: the person's Databricks user name."),
            click.option("--issuer", help="Who signs the person's tokens, where people of several issuers may call."),
            click.option("--action", help="What it asks for, as in the action reference."),
            click.option("--method", help="Instead of --action, with --path: the request's method."),
            click.option("--path", "url_path", help="Instead of --action, with --method: the request's path."),
            click.option(
                "--attr",
                "attributes",
                multiple=True,
                metavar="NAME=VALUE",
                help="What is known of the request, as in `body.row_limit=5000` or `client.address=10.1.2.3`; may be"
                " repeated. What is not said is not known.",
            ),
            click.option("--complete", is_flag=True, help="The request has no other claim, header or body than said."),
            click.option("--json", "as_json", is_flag=True, help="Write it as JSON."),
        ]
    ):
        command = option(command)
    return command


def explained(
    policy: Policy,
    roles: Mapping[str, Iterable[str]],
    issuers: Mapping[str, str],
    *,
    service: str | None,
    groups: tuple[str, ...],
    user: str | None,
    issuer: str | None,
    action: str | None,
    method: str | None,
    url_path: str | None,
    attributes: tuple[str, ...],
    complete: bool,
    as_json: bool,
) -> int:
    """Write an explanation; returns the command's exit code. `issuers` has the `iss` of each name.

    Raises:
        CommandError: there is no such service, issuer or action, or an attribute is none.

    """
    if (action is None) == (method is None or url_path is None):
        raise click.UsageError("name an --action, or a request by --method and --path")
    who = _who(policy, issuers, service, groups, user, issuer)
    told = dict(_pair(one) for one in attributes)
    if method is not None and url_path is not None:
        path = urlsplit(url_path).path
        found = action_of(method.upper(), path)
        action = found.name if found else None
        if found:
            of_path = {f"path.{name}": value for name, value in path_attributes(found.name, path).items()}
            told = {**of_path, "request.method": method, **told}
    elif action not in ACTIONS and action not in ALIASES:
        raise CommandError(f"the catalogue has no action {action!r}", hint="docs/reference/actions.md has all of them")
    try:
        explanation = explain(policy, who, action, Asked(told, complete), roles)
    except ValueError as error:
        raise CommandError(str(error)) from None
    if as_json:
        click.echo(json.dumps(explanation.plain(), indent=2))
    else:
        click.echo("\n".join(lines(explanation, shutil.get_terminal_size((WIDTH, 24)).columns)))
    return 0 if explanation.verdict == "allowed" else 1


def _who(
    policy: Policy,
    issuers: Mapping[str, str],
    service: str | None,
    groups: tuple[str, ...],
    user: str | None,
    issuer: str | None,
) -> str | Person:
    of_person = bool(groups) or user is not None
    if of_person == (service is not None) or (issuer is not None and not of_person):
        raise click.UsageError("name a --service, or a person by --group, --user or both")
    if service is None:
        try:
            return Person(people_of_issuer(policy, issuers, issuer), groups, user)
        except ValueError as error:
            wrong, _, right = str(error).partition("; ")
            raise CommandError(wrong, hint=right) from None
    if service not in policy.subjects:
        near = ", ".join(sorted(policy.subjects)[:12]) or "none"
        raise CommandError(f"no service {service!r} calls the gateway", hint=f"there is {near}")
    return service


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise CommandError("an attribute is no `name=value`", hint="write it as in `--attr body.row_limit=5000`")
    return name.strip(), value


def lines(explanation: Explanation, width: int) -> Iterator[str]:
    """An explanation as text."""
    decision = explanation.decision
    person = explanation.person
    name = f"service '{explanation.service}'" if person is None else f"user '{person.user or SOMEBODY}'"
    what = f"{name}, {explanation.action or 'a request that is no action'}"
    match explanation.verdict:
        case "allowed":
            yield f"allowed: {what} (by {decision.rule})"
        case "denied":
            yield f"denied: {what} (by {decision.rule})"
        case _:
            yield f"not known: {what} (depends on {', '.join(explanation.unknown)}; denied by {decision.rule} without)"
    if decision.observed:
        yield f"observed: were it enforced, {decision.observed} would refuse it"
    yield ""
    rows = [
        (f"{step.of}{' (observed)' if step.observed else ''}", step.state, step.asked, step.told)
        for step in explanation.steps
    ]
    yield from table(("ASKED BY", "IS", "WHAT", ""), rows, width)
    if explanation.changes:
        yield ""
        yield "What would let it through" if explanation.verdict == "denied" else "What decides it"
        yield from (f"  - {change}" for change in explanation.changes)
