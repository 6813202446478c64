"""Proves that the programs of "Test against the doubles" do what the page says, against doubles started as it says."""

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.pages import DOCS, blocks

PAGE = DOCS / "guides" / "doubles.md"
PROGRAMS = {block.title: block.text for block in blocks(PAGE) if block.language == "python"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with `doubles/` in it, served for as long as the tests run."""
    here = tmp_path_factory.mktemp("guide")
    command = [sys.executable, "-m", "lakelatch", "sandbox", "run", "--state", "doubles", "--json"]
    with subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, text=True) as doubles:
        assert doubles.stdout is not None
        line = json.loads(doubles.stdout.readline())
        assert line == json.loads((here / "doubles" / "endpoints.json").read_text(encoding="utf-8"))
        yield here
        doubles.terminate()


def run(folder: Path, title: str) -> str:
    """What a program of the page prints."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAMS[title]], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_program_prints_what_the_page_shows(folder: Path) -> None:
    [shown] = [block.text for block in blocks(PAGE) if block.language == "text"]
    assert run(folder, "ask.py") == shown


def test_the_second_program_switches_a_fault_on(folder: Path) -> None:
    assert run(folder, "outage.py").startswith("201\n{")
    here = json.loads((folder / "doubles" / "endpoints.json").read_text(encoding="utf-8"))
    trust = ssl.create_default_context(cafile=here["ca_file"])
    answer = httpx.get(f"{here['workspace_host']}/api/2.0/sql/warehouses", verify=trust)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
