"""The gate closes whatever else is going on, and no delivery that was under way opens it again."""

import asyncio
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from lakelatch.envoy.compiler import closed_gate
from lakelatch.envoy.runtime import Files
from lakelatch_gateway.errors import GatewayError
from lakelatch_gateway.gate import Gate


class Setting:
    """A gate, what it told, and the file that it closes."""

    def __init__(self, folder: Path, *, deny: bool = True) -> None:
        paths = Files(PurePosixPath(folder))
        self.file, self.changes = Path(paths.gate), 0
        self.defeats: list[GatewayError] = []
        self.file.write_text("open")
        self.gate = Gate(paths, changed=self.changed, defeated=self.defeats.append, deny=deny)

    def changed(self) -> None:
        self.changes += 1

    async def deliver(self) -> None:
        """What a delivery does that was compiled while the gate was open."""
        await asyncio.sleep(0)
        self.file.write_text("open")


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_it_closes_at_once_and_opens_by_the_next_delivery(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    setting.gate.audit_failed("disk full")
    await settle()
    assert (setting.file.read_text(), setting.changes) == (closed_gate(), 0)
    setting.gate.audit_failed(None)
    await settle()
    assert (setting.gate.closed, setting.changes) == (False, 1)


async def test_a_delivery_under_way_ends_before_it_closes(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    under_way = asyncio.create_task(setting.gate.deliver(False, setting.deliver))
    await asyncio.sleep(0)
    setting.gate.audit_failed("disk full")
    await under_way
    await settle()
    assert setting.file.read_text() == closed_gate()


async def test_what_was_compiled_before_it_closed_is_not_delivered_after(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    setting.gate.audit_failed("disk full")
    await setting.gate.deliver(False, setting.deliver)
    await settle()
    assert (setting.file.read_text(), setting.changes) == (closed_gate(), 1)


async def test_it_closes_without_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = Setting(tmp_path)

    def full(*_: Any, **__: Any) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.write", full)
        patched.setattr("builtins.open", full)
        patched.setattr("os.fdopen", full)
        setting.gate.audit_failed("disk full")
        await settle()
    assert setting.file.read_text() == closed_gate()
    assert setting.defeats == []


async def test_that_it_cannot_close_is_told(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    Path(f"{setting.file}.aside").unlink()
    setting.gate.audit_failed("disk full")
    await settle()
    assert "cannot be closed" in str(setting.defeats[0])


async def test_it_stays_open_where_that_was_chosen(tmp_path: Path) -> None:
    setting = Setting(tmp_path, deny=False)
    setting.gate.audit_failed("disk full")
    await settle()
    assert (setting.gate.closed, setting.file.read_text()) == (False, "open")
