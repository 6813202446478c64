"""Proves that the guides about the model's commands show what the commands really say."""

import re
import time
from pathlib import Path

import jwt
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from support.pages import DOCS, MODEL_TITLE, ROOT, blocks

from lakelatch.access.document import merge
from lakelatch.cli import run

GUIDES = DOCS / "guides"


def shown(page: str, start: str) -> list[str]:
    """The lines of the output that a page shows, without those left out; line numbers of files are not compared."""
    [block] = [one for one in blocks(GUIDES / page) if one.language == "text" and one.text.startswith(start)]
    return [_unnumbered(line) for line in block.text.splitlines() if line.strip() != "…"]


def _unnumbered(line: str) -> str:
    return re.sub(r"line \d+", "line N", line.rstrip())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the base model, in which commands are typed; without a `pulumi` to ask."""
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "access.yaml").write_bytes((ROOT / "stacks" / "access.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def lay_over(folder: Path, *pages: str) -> None:
    """Put the lines that pages show into the project's model."""
    model = folder / "stacks" / "access.yaml"
    merged = yaml.safe_load(model.read_text(encoding="utf-8"))
    for page in pages:
        for block in blocks(DOCS / page):
            if block.title == MODEL_TITLE:
                merged = merge(merged, yaml.safe_load(block.text))
    model.write_text(yaml.safe_dump(merged, sort_keys=False), encoding="utf-8")


def in_order(wanted: list[str], said: str) -> None:
    """Every line is said, in this order."""
    lines = iter([_unnumbered(line) for line in said.splitlines()])
    for line in wanted:
        assert line in lines, f"not said, or not in this place: {line}"


def test_the_doctor_says_what_the_guide_shows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lay_over(folder, "guides/issuers/github-actions.md")
    wanted = shown("refused-tokens.md", "token: ")
    claims = dict(re.findall(r"^  (iss|aud|sub)  \"(.+)\"$", "\n".join(wanted), re.MULTILINE))
    now = int(time.time())
    signed = jwt.encode({**claims, "iat": now, "exp": now + 300}, ec.generate_private_key(ec.SECP256R1()), "ES256")
    (folder / "token.jwt").write_text(f"{_header()}.{signed.partition('.')[2]}", encoding="utf-8")
    assert run(["doctor", "token", "token.jwt"]) == 1
    in_order(wanted, capsys.readouterr().out)


def test_the_table_of_who_can_do_what_is_the_real_one(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    lay_over(folder, "concepts/access-model.md", "guides/issuers/github-actions.md")
    assert run(["access", "show", "stacks/access.yaml"]) == 0
    said = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert said == shown("who-can-do-what.md", "WHO ")


def test_the_difference_that_the_guide_shows_is_the_real_one(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    (folder / "before.yaml").write_bytes((folder / "stacks" / "access.yaml").read_bytes())
    lay_over(folder, "guides/access-diff.md")
    assert run(["access", "diff", "--from", "before.yaml"]) == 0
    said = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert said == shown("access-diff.md", "3 changes")


def _header() -> str:
    """The header of the guide's token: the doctor reads it and verifies nothing."""
    return jwt.utils.base64url_encode(b'{"alg":"RS256","kid":"cc413527-173f"}').decode()


def test_a_conflict_between_fragments_is_told_as_the_guide_shows(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [fragment] = [one for one in blocks(GUIDES / "fragments.md") if one.title == "stacks/access.d/etl.yaml"]
    parts = folder / "stacks" / "access.d"
    parts.mkdir()
    (parts / "etl.yaml").write_text(fragment.text, encoding="utf-8")
    assert run(["access", "check", "stacks"]) == 0
    assert "nothing wrong" in capsys.readouterr().out
    (parts / "reports.yaml").write_text("roles:\n  etl-writer: {actions: [current_user.me]}\n", encoding="utf-8")
    assert run(["access", "check", "stacks"]) == 1
    assert [_unnumbered(line) for line in capsys.readouterr().err.splitlines()] == shown("fragments.md", "error: ")
