"""Proves that a newcomer who pastes "First steps" from top to bottom gets what the page says.

Real: engine, program, gateway, shell. `make up` and `make down` are what the Makefile runs, since it makes `.venv` too.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support.pages import DOCS, MODEL_TITLE, ROOT, Block, blocks
from support.project import Project, copy_of_project

from lakelatch.access.document import merge

pytestmark = pytest.mark.line

PAGE = DOCS / "guides" / "first-steps.md"
END = "-- end of block --"


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A checkout as a newcomer has it, in a folder whose path is short enough for sockets."""
    with copy_of_project(tmp_path_factory.mktemp("steps")) as copied:
        yield copied


def commands(block: Block) -> str:
    """The commands of a console block as a shell runs them."""
    typed = re.sub(r"^\$ ", "", block.text, flags=re.MULTILINE)
    for target in re.findall(r"^make (\w+)$", typed, re.MULTILINE):
        assert re.search(
            rf"^{target}:.*\n\t@\$\(BIN\)/lakelatch {target}$", (ROOT / "Makefile").read_text(), re.MULTILINE
        )
        typed = typed.replace(f"make {target}", f".venv/bin/lakelatch {target}")
    return typed


def edit(model: Path, block: Block) -> str:
    """A shell command that puts the block's lines into the model."""
    text = yaml.safe_dump(merge(yaml.safe_load(model.read_text(encoding="utf-8")), yaml.safe_load(block.text)))
    model.with_suffix(".edited").write_text(text, encoding="utf-8")
    return f"cp {model.with_suffix('.edited')} {model}"


def test_the_page_works_as_it_is_written(project: Project) -> None:
    model = project.folder / "stacks" / "access.yaml"
    script = ["set -e"]
    for block in blocks(PAGE):
        if block.language == "console":
            script += [commands(block), f"echo; echo '{END}'"]
        elif block.title == MODEL_TITLE:
            script.append(edit(model, block))
    run = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=project.folder,
        env={name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    up, look, refused, preview, again, allowed, audit, down = run.stdout.split(END)[:-1]
    [shown] = [block for block in blocks(PAGE) if block.language == "json"]
    said = re.search(r'"message": "(.*?)…', shown.text)
    assert said
    assert "nightly-report asked through the gateway; Databricks saw" in up
    assert "healthy" in look
    assert said[1] in refused
    assert '"warehouses.start"' in preview
    assert "updated GatewayConfig" in again
    assert "PERMISSION_DENIED" not in allowed
    assert "any" in allowed
    assert "nightly-report" in audit
    assert "configuration.adopted" in audit
    assert "the trail holds" in audit
    assert "eyJ" not in audit
    assert down.strip().startswith("removed: ")
