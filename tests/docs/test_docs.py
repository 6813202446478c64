"""Proves that the docs tell the truth: every command in them exists, every link leads somewhere, every model in them
holds, and every word that the product's own errors point at is there.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from lakelatch.cli import lakelatch
from lakelatch_policies.pack import POLICIES

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "bench" / "RESULTS.md"])
WRITTEN = [page for page in PAGES if page.parent.name != "reference"]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
TOOLS = {"aws", "az", "curl", "export", "gcloud", "gh", "kubectl", "pip", "printenv", "pulumi", "tail"}
"""Commands of others that pages name."""


def commands(page: Path) -> Iterator[str]:
    """What a page tells a reader to type: console lines, and commands in the text."""
    text = page.read_text(encoding="utf-8")
    for line in re.findall(r"^ *\$ (.+)$", text, re.MULTILINE):
        yield from line.split(" | ")
    yield from re.findall(r"`((?:lakelatch|make) [^`]+)`", text)


def words(command: str) -> list[str]:
    """The command that matters in a line such as `eval "$(lakelatch env)"`."""
    inner = re.search(r"\$\((.+?)\)", command)
    return shlex.split(inner[1] if inner else command)


TYPED = [(page, command) for page in WRITTEN for command in commands(page)]


@pytest.mark.parametrize(("page", "command"), TYPED, ids=lambda value: value.name if isinstance(value, Path) else value)
def test_a_command_in_the_docs_exists(page: Path, command: str) -> None:
    first, *rest = words(command)
    if first == "make":
        assert rest[0] in TARGETS
    elif first.endswith("lakelatch"):
        _exists(lakelatch, rest)
    elif first == ".":
        assert rest == [".venv/bin/activate"]
    else:
        assert first in TOOLS


def _exists(command: click.Command, rest: list[str]) -> None:
    """Follow the words to a command and check that it takes the options that are named."""
    context = click.Context(command)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(context, rest[0])
        assert found is not None, rest[0]
        command, rest = found, rest[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= known | {"--help"}


def test_commands_were_found() -> None:
    assert len(TYPED) > 15


def _leaves(command: click.Command, path: str) -> Iterator[str]:
    """Every command that does something, as it is typed."""
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        yield from _leaves(below, f"{path} {name}")


@pytest.mark.parametrize("command", list(_leaves(lakelatch, "lakelatch")))
def test_a_page_tells_when_to_use_a_command(command: str) -> None:
    """The reference lists every command by itself; a written page says what it is for."""
    verbs = command.split()[1:]
    typed = {" ".join(words(line)[1 : len(verbs) + 1]) for _, line in TYPED if "lakelatch" in line}
    made = {words(line)[1] for _, line in TYPED if line.startswith("make ")}  # `make up` is `lakelatch up`
    assert " ".join(verbs) in typed | made


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_can_be_read_in_a_terminal(page: Path) -> None:
    long = [
        line for line in page.read_text(encoding="utf-8").splitlines() if len(line) > 150 and not line.startswith("|")
    ]
    assert page.name == "RESULTS.md" or not long


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_a_policys_address_is_a_heading_of_the_reference(policy) -> None:  # type: ignore[no-untyped-def]
    page, _, anchor = policy.url.partition("#")
    assert f"## {anchor}\n" in (ROOT / page).read_text(encoding="utf-8")


def test_every_page_is_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text()
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    assert pages == set(re.findall(r"[\w/-]+\.md", text))


def test_every_room_has_the_one_version_of_all() -> None:
    versions = {
        re.search(r'^version = "(.+)"', file.read_text(), re.MULTILINE)[1]  # type: ignore[index]
        for file in [*ROOT.glob("*/pyproject.toml"), *ROOT.glob("tools/*/pyproject.toml")]
    }
    assert len(versions) == 1
    pinned = {yaml.safe_load((ROOT / "policies" / "PulumiPolicy.yaml").read_text())["version"]}
    assert pinned == versions
