"""Proves what the local stack writes for the engine: a configuration that keeps the engine's salt, and shell text that
a shell reads back to the letter."""

import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lakelatch_sandbox.errors import SandboxError
from lakelatch_sandbox.local import engine
from lakelatch_sandbox.local.layout import Layout
from lakelatch_sandbox.local.stack import _exports


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / "Pulumi.yaml").write_text("name: x\n")
    made = Layout.find(tmp_path)
    made.make()
    return made


def test_the_project_is_found_from_below(layout: Layout) -> None:
    below = layout.project / "a" / "b"
    below.mkdir(parents=True)
    assert Layout.find(below) == layout


def test_outside_a_project_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"no `Pulumi.yaml`"):
        Layout.find(tmp_path)


def test_the_state_is_private(layout: Layout) -> None:
    assert layout.state.stat().st_mode & 0o077 == 0


def test_configuration_is_replaced_and_the_engines_salt_stays(layout: Layout) -> None:
    engine.configure(layout, {"account": {"host": "https://one"}})
    document = yaml.safe_load(layout.stack_file.read_text())
    layout.stack_file.write_text(yaml.safe_dump({"encryptionsalt": "v1:salt", **document}))
    engine.configure(layout, {"account": {"host": "https://two"}})
    document = yaml.safe_load(layout.stack_file.read_text())
    assert document["encryptionsalt"] == "v1:salt"
    assert document["config"]["lakelatch:overlay"] == {"account": {"host": "https://two"}}


def test_the_salt_of_another_passphrase_is_dropped(layout: Layout) -> None:
    """A stack file that outlived its state would lock the new stack."""
    layout.stack_file.parent.mkdir()
    layout.stack_file.write_text("encryptionsalt: v1:old\n")
    engine.configure(layout, {})
    assert "encryptionsalt" not in yaml.safe_load(layout.stack_file.read_text())


def test_the_passphrase_is_private_and_stays(layout: Layout) -> None:
    engine.configure(layout, {})
    passphrase = layout.state / "passphrase"
    before = passphrase.read_text()
    assert passphrase.stat().st_mode & 0o077 == 0
    engine.configure(layout, {})
    assert passphrase.read_text() == before


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40))
def test_a_shell_reads_an_export_back_to_the_letter(value: str) -> None:
    script = _exports({"VALUE": value}) + 'printf %s "$VALUE"'
    said = subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout
    assert said.decode() == value
