"""Proves what `lakelatch engine` prints and how it ends."""

import json
from pathlib import Path

import pytest

from lakelatch.cli import run


@pytest.fixture
def lone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with one `pulumi` of the official shape."""
    for name, text in (("pulumi", "#!/bin/sh\necho v3.260.1\n"), ("pulumi-language-python", "#!/bin/sh\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("LAKELATCH_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_install_is_idempotent_and_says_what_it_found(lone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert run(["engine", "install"]) == 0
        assert capsys.readouterr().out == f"pulumi 3.260.1 (found on PATH): {lone}/pulumi\n"
    assert not (lone / "cache").exists()


def test_path_is_for_machines_too(lone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["engine", "path"]) == 0
    assert capsys.readouterr().out == f"{lone}/pulumi\n"
    assert run(["engine", "path", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == {"path": f"{lone}/pulumi", "version": "3.260.1", "origin": "path"}


def test_path_without_an_engine_says_how_to_get_one(lone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (lone / "pulumi").write_text("#!/bin/sh\necho v3.1.0\n")
    assert run(["engine", "path"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "it is 3.1.0, and 3.249.0 or newer is needed" in printed.err
    assert "hint: run `lakelatch engine install`" in printed.err


@pytest.mark.parametrize("words", [["engine"], ["engine", "install"], ["engine", "path"]], ids=" ".join)
def test_help_is_there(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*words, "--help"]) == 0
    assert "engine" in capsys.readouterr().out
