"""The trail of a running gateway tells when it cannot be written: whatever fails, the gate hears of it."""

import asyncio
import io
import json
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lakelatch_gateway.audit.folder import Folder
from lakelatch_gateway.audit.sealer import Sealer
from lakelatch_gateway.audit.trail import STALLED_SECONDS, Trail
from lakelatch_gateway.log import Log
from lakelatch_gateway.tasks import cancel

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


class Envoy:
    """Answers with these counters."""

    def __init__(self) -> None:
        self.told: dict[str, int] | None = {}
        self.reopened = 0

    async def counters(self, names: Iterable[str]) -> Mapping[str, int] | None:
        return self.told

    async def reopen_logs(self) -> bool:
        self.reopened += 1
        return self.reopened > 1


class Setting:
    """A trail whose clock and sleep are the test's."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.sealer = Sealer(Folder(folder / "audit"), now=lambda: NOW, trail=lambda: "a-trail", **options)
        self.stream, self.envoy, self.time = io.StringIO(), Envoy(), 0.0
        log = Log(self.stream, lambda: NOW, self.sealer.events.record)
        self.trail = Trail(self.sealer, log, sleep=self._sleep, clock=lambda: self.time)
        self.failures: asyncio.Queue[str | None] = asyncio.Queue()

    async def _sleep(self, seconds: float) -> None:
        self.time += seconds
        await asyncio.sleep(0)

    async def failure(self) -> str | None:
        """What the gate is told next."""
        watch = asyncio.create_task(self.trail.watch(self.envoy, self.failures.put_nowait, deny=True))
        async with asyncio.timeout(20):
            told = await self.failures.get()
        await cancel(watch)
        return told

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"filesystem.write_failed": 1}, "Envoy could not write"),
        ({"filesystem.reopen_failed": 1}, "restart the gateway"),
        ({"filesystem.write_total_buffered": 5 << 20}, "Envoy holds more than"),
    ],
    ids=["writes", "opening", "backlog"],
)
async def test_gate_hears_what_envoy_counts(setting: Setting, told: dict[str, int], reason: str) -> None:
    async with setting.trail.kept():
        setting.envoy.told = told
        assert reason in (await setting.failure() or "")


async def test_gate_hears_of_seals_that_cannot_be_written(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    async with setting.trail.kept():
        monkeypatch.setattr(setting.sealer, "step", fail)
        assert await setting.failure() == "the gateway cannot write the audit trail (No space left on device)"
        monkeypatch.undo()


async def test_gate_hears_of_a_disk_that_does_not_answer(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    async with setting.trail.kept():
        monkeypatch.setattr(setting.sealer, "step", released.wait)
        try:
            assert await setting.failure() == "the disk of the audit trail does not answer"
            assert setting.time > STALLED_SECONDS
        finally:
            released.set()
            monkeypatch.undo()


async def test_gate_hears_of_a_sealer_that_ended(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    def defect() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(setting.sealer, "step", defect)
    with pytest.raises(ZeroDivisionError):
        async with setting.trail.kept():
            assert await setting.failure() == "nobody seals the audit trail: this is a defect"


async def test_gate_hears_when_all_is_well_again(setting: Setting) -> None:
    async with setting.trail.kept():
        setting.envoy.told = {"filesystem.write_failed": 1}
        watch = asyncio.create_task(setting.trail.watch(setting.envoy, setting.failures.put_nowait, deny=True))
        async with asyncio.timeout(20):
            assert await setting.failures.get()
            assert await setting.failures.get() is None
        await cancel(watch)
    assert not list((setting.sealer.file.parent).glob(".probe"))


async def test_envoy_is_told_of_a_new_segment_until_it_heard(tmp_path: Path) -> None:
    setting = Setting(tmp_path, segment_bytes=500)
    async with setting.trail.kept():
        watch = asyncio.create_task(setting.trail.watch(setting.envoy, setting.failures.put_nowait, deny=True))
        with setting.sealer.file.open("ab") as file:
            file.write(b"{}\n" * 500)
        async with asyncio.timeout(20):
            while setting.envoy.reopened < 2:
                await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0)
        await cancel(watch)
    assert setting.envoy.reopened == 2


async def test_log_tells_the_head_when_it_has_moved(setting: Setting) -> None:
    async with setting.trail.kept():
        pass
    anchors = [line["anchor"] for line in setting.log if line["message"] == "audit anchor"]
    assert anchors[-1] == str(setting.sealer.head)
    assert len(set(anchors)) == len(anchors)
