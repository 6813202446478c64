"""Proves that `lakelatch access report` writes one page, at once, and says so."""

import os
from pathlib import Path

import pytest
from support.wide import WIDE

from lakelatch.cli import run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "access.yaml").write_text(WIDE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_is_written_and_is_the_same_for_the_same_model(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["access", "report"]) == 0
    assert "access-report.html: 0.2 MB" in capsys.readouterr().out
    first = (folder / "access-report.html").read_text(encoding="utf-8")
    assert run(["access", "report", "stacks", "--output", "other.html"]) == 0
    assert (folder / "other.html").read_text(encoding="utf-8") == first
    assert first.startswith("<!doctype html>")
    assert sorted(os.listdir(folder)) == ["access-report.html", "other.html", "stacks"]


def test_a_folder_that_is_not_there_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["access", "report", "--output", "no/such.html"]) == 1
    assert "cannot write 'no/such.html'" in capsys.readouterr().err
