"""Proves that the command line tells mistakes without a traceback, and that every room's verbs are there."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from lakelatch.cli import lakelatch, run

MODEL = Path(__file__).parents[2] / "stacks" / "access.yaml"


def commands(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command below one, with the words that lead to it."""
    if not isinstance(command, click.Group):
        return [path]
    context = click.Context(command)
    found = [path]
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        found += commands(below, (*path, name))
    return found


def test_every_verb_is_there() -> None:
    assert {
        ("access", "check"),
        ("access", "show"),
        ("doctor", "token"),
        ("down",),
        ("engine", "install"),
        ("engine", "path"),
        ("env",),
        ("gateway", "check"),
        ("gateway", "run"),
        ("sandbox", "certificate"),
        ("sandbox", "run"),
        ("sandbox", "token"),
        ("status",),
        ("up",),
    } <= set(commands(lakelatch))


@pytest.mark.parametrize("path", commands(lakelatch), ids=" ".join)
def test_every_verb_explains_itself(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*path, "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Usage: lakelatch")
    assert len(said.splitlines()) > 4


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        pytest.param(MODEL.read_bytes(), 0, "nothing wrong", id="a good model"),
        pytest.param(b"account: {}\n", 1, "account.id (line 1): is missing; add it", id="a bad model"),
        pytest.param(b"\xff\xfe", 1, "is not UTF-8 text", id="no text"),
        pytest.param(b"", 1, "it is empty", id="an empty file"),
        pytest.param(None, 1, "cannot read", id="no file"),
    ],
)
def test_access_check(
    text: bytes | None, code: int, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "access.yaml"
    if text is not None:
        file.write_bytes(text)
    assert run(["access", "check", str(file)]) == code
    said = capsys.readouterr()
    assert says in said.out + said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        pytest.param(["nothing"], 2, "No such command", id="unknown verb"),
        pytest.param(["access", "check"], 2, "Missing argument", id="no file named"),
        pytest.param(["status"], 1, "no `Pulumi.yaml`", id="outside a project"),
        pytest.param(["gateway", "check", "--config-dir", "."], 1, "gateway.json", id="an empty configuration folder"),
    ],
)
def test_mistakes(
    arguments: list[str],
    code: int,
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == code
    assert says in capsys.readouterr().err


def test_the_module_is_the_command() -> None:
    said = subprocess.run([sys.executable, "-m", "lakelatch", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("lakelatch ")


def test_the_model_needs_no_pulumi() -> None:
    """The model and the command line start quickly because nothing of Pulumi is imported before it is named."""
    code = (
        "import sys, lakelatch, lakelatch.access.model, lakelatch.envoy.resolve, lakelatch.cli.access;"
        "print([name for name in sys.modules if name.startswith(('pulumi', 'grpc', 'google'))])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_components_import_no_provider_before_it_is_used() -> None:
    code = (
        "import sys; from lakelatch import DatabricksAccess;"
        "print([name for name in sys.modules if name.startswith(('pulumi_databricks', 'pulumi_azuread'))])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    import lakelatch as package

    with pytest.raises(AttributeError, match="Nothing"):
        _ = package.Nothing
