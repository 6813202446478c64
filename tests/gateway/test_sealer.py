"""The sealer loses no line: across restarts, torn lines, segments and disks that fail."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lakelatch_gateway.audit.events import MAX_TEXT, MAX_WAITING, Event, Events
from lakelatch_gateway.audit.folder import Folder, lines_backwards
from lakelatch_gateway.audit.sealer import Sealer
from lakelatch_gateway.audit.source import FolderSource
from lakelatch_gateway.audit.verification import verify

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
LINE = b'{"decision":"allow"}\n'


@pytest.fixture
def open_sealer(tmp_path: Path) -> Callable[..., Sealer]:
    def make(**options: Any) -> Sealer:
        return Sealer(Folder(tmp_path / "audit"), now=lambda: NOW, trail=lambda: "a-trail", **options)

    return make


def write(sealer: Sealer, content: bytes) -> None:
    """Write as Envoy does that has just opened its file."""
    with sealer.file.open("ab") as file:
        file.write(content)


def events(folder: Path) -> list[dict[str, Any]]:
    files = sorted((folder / "audit").glob("events-*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def holds(folder: Path, *anchors: Any) -> int:
    """The number of lines that are as they were sealed; nothing is without a seal."""
    verdict = verify(FolderSource(folder / "audit"), anchors)
    assert (verdict.findings, verdict.notes) == ([], [])
    return verdict.lines


def test_whole_lines_are_sealed_and_a_line_in_the_making_waits(tmp_path: Path, open_sealer: Any) -> None:
    sealer = open_sealer()
    write(sealer, LINE + LINE + LINE[:5])
    sealer.step()
    assert verify(FolderSource(tmp_path / "audit")).lines == 2
    head = sealer.head
    sealer.step()
    assert sealer.head == head
    write(sealer, LINE[5:])
    sealer.step()
    assert sealer.head.seq == head.seq + 1
    assert holds(tmp_path) == 3


def test_files_are_private(tmp_path: Path, open_sealer: Any) -> None:
    open_sealer()
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "audit").iterdir()} == {0o600}
    assert (tmp_path / "audit").stat().st_mode & 0o777 == 0o700


def test_restart_goes_on_with_the_chain(tmp_path: Path, open_sealer: Any) -> None:
    first = open_sealer()
    write(first, LINE)
    first.events.record(Event.STOPPED, {})
    first.close()
    anchor = first.head
    second = open_sealer()
    assert second.ended_well
    write(second, LINE)
    second.events.record(Event.STARTED, {})
    second.close()
    assert second.head.seq > anchor.seq
    assert holds(tmp_path, anchor, second.head) == 4


def test_what_was_not_sealed_when_the_gateway_was_killed_is_sealed_at_the_next_start(
    tmp_path: Path, open_sealer: Any
) -> None:
    first = open_sealer()
    write(first, LINE + LINE)
    first.events.record(Event.STARTED, {})
    second = open_sealer()
    assert not second.ended_well
    assert holds(tmp_path) == 3


def test_line_that_a_crash_tore_is_kept_told_and_stands_alone(tmp_path: Path, open_sealer: Any) -> None:
    first = open_sealer()
    write(first, LINE + LINE[:7])
    second = open_sealer()
    write(second, LINE)
    second.step()
    assert (tmp_path / "audit" / "requests.jsonl").read_bytes() == LINE + LINE[:7] + b"\n" + LINE
    [torn] = events(tmp_path)
    assert (torn["event"], torn["file"], torn["offset"]) == ("audit.torn_line", "requests-000001.jsonl", 21 + 7 + 1)
    assert holds(tmp_path) == 4


def test_seal_that_a_crash_tore_is_made_again(tmp_path: Path, open_sealer: Any) -> None:
    first = open_sealer()
    write(first, LINE)
    first.step()
    file = tmp_path / "audit" / "seals-000001.jsonl"
    os.truncate(file, file.stat().st_size - 9)
    second = open_sealer()
    assert second.head == first.head
    assert holds(tmp_path) == 1


def test_segment_ends_when_it_is_full_and_every_line_is_sealed_once(tmp_path: Path, open_sealer: Any) -> None:
    sealer = open_sealer(segment_bytes=1000)
    with (tmp_path / "audit" / "requests.jsonl").open("ab") as envoy:
        envoy.write(LINE * 50)
        envoy.flush()
        sealer.step()
        assert sealer.reopen
        # Envoy still writes to the file that it has open; it is told, and closes it only then.
        envoy.write(LINE)
    sealer.reopened()
    assert not sealer.reopen
    sealer.step()
    write(sealer, LINE)
    sealer.step()
    sealer.step()
    assert [record["segment"] for record in events(tmp_path)] == [2]
    assert (tmp_path / "audit" / "requests-000002.jsonl").read_bytes() == LINE
    assert os.readlink(tmp_path / "audit" / "seals.jsonl") == "seals-000002.jsonl"
    assert holds(tmp_path) == 53
    second = open_sealer(segment_bytes=1000)
    assert second.head == sealer.head


def test_gateway_that_is_stopped_between_two_segments_seals_both(tmp_path: Path, open_sealer: Any) -> None:
    sealer = open_sealer(segment_bytes=1000)
    write(sealer, LINE * 50)
    sealer.step()
    write(sealer, LINE)
    sealer.close()
    assert holds(tmp_path) == 52


def test_gateway_that_is_killed_between_two_segments_goes_on_with_the_next(tmp_path: Path, open_sealer: Any) -> None:
    first = open_sealer(segment_bytes=1000)
    write(first, LINE * 50)
    first.step()
    write(first, LINE)
    second = open_sealer(segment_bytes=1000)
    assert os.readlink(second.file) == "requests-000002.jsonl"
    assert holds(tmp_path) == 52


@pytest.mark.parametrize("harm", ["truncated", "removed"])
def test_file_that_is_shorter_than_its_seals_is_told_and_left_behind(
    tmp_path: Path, open_sealer: Any, harm: str
) -> None:
    sealer = open_sealer()
    write(sealer, LINE * 3)
    sealer.step()
    file = tmp_path / "audit" / "requests-000001.jsonl"
    if harm == "removed":
        file.unlink()
    else:
        os.truncate(file, len(LINE))
    sealer.step()
    assert sealer.reopen
    write(sealer, LINE)
    sealer.step()
    sealer.step()
    [gap, _] = events(tmp_path)
    assert (gap["event"], gap["sealed_bytes"]) == ("audit.gap", 3 * len(LINE))
    [finding] = verify(FolderSource(tmp_path / "audit")).findings
    assert finding.startswith("requests-000001.jsonl lines 1 to 3 (seal 1)")


def test_seal_that_cannot_be_written_leaves_nothing_behind_and_comes_later(
    tmp_path: Path, open_sealer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealer = open_sealer()
    write(sealer, LINE)
    with monkeypatch.context() as patched:
        written = os.write
        patched.setattr(os, "write", lambda descriptor, data: written(descriptor, data[:10]))
        with pytest.raises(OSError, match="in part only"):
            sealer.step()
    assert verify(FolderSource(tmp_path / "audit")).lines == 0
    sealer.step()
    assert holds(tmp_path) == 1


def test_a_long_backlog_is_sealed_in_pieces(tmp_path: Path, open_sealer: Any) -> None:
    sealer = open_sealer()
    long = b'{"a":"' + b"x" * (3 << 20) + b'"}\n'
    write(sealer, LINE * 100_000 + long + LINE)
    sealer.step()
    assert sealer.head.seq >= 3
    assert holds(tmp_path) == 100_002


def test_events_wait_while_they_cannot_be_written_and_none_is_lost_silently(tmp_path: Path) -> None:
    file = tmp_path / "events"
    file.symlink_to("/dev/full")
    made = Events(file, lambda: NOW)
    for number in range(MAX_WAITING + 5):
        made.record(Event.KEYS_CHANGED, {"number": number})
    assert made.failure == "No space left on device"
    made.switch(tmp_path / "other")
    made.flush()
    made.close()
    assert made.failure is None
    told = [json.loads(line) for line in (tmp_path / "other").read_bytes().splitlines()]
    assert [line.get("number") for line in told] == [*range(MAX_WAITING), None]
    assert (told[-1]["event"], told[-1]["lines"]) == ("audit.gap", 5)


def test_event_that_was_written_in_part_is_written_again_on_a_line_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Events(tmp_path / "events", lambda: NOW)
    with monkeypatch.context() as patched:
        written = os.write
        patched.setattr(os, "write", lambda descriptor, data: written(descriptor, data[:10]))
        made.record(Event.STARTED, {})
    made.flush()
    torn, whole = (tmp_path / "events").read_bytes().splitlines()
    assert torn == whole[:10]
    assert json.loads(whole)["event"] == "gateway.started"


def test_event_line_says_decision_and_rule_and_stays_short_and_on_one_line(tmp_path: Path) -> None:
    made = Events(tmp_path / "events", lambda: NOW)
    made.record(Event.TOKEN_REFUSED, {"service": "nightly", "reason": "a\nb" + "x" * 9000, "issuer": None})
    [line] = [json.loads(line) for line in (tmp_path / "events").read_bytes().splitlines()]
    assert (line.pop("reason"), line) == (
        ("a\nb" + "x" * 9000)[:MAX_TEXT],
        {
            "time": "2026-07-01T12:00:00.000Z",
            "event": "token.refused",
            "decision": "deny",
            "rule": "databricks-token",
            "service": "nightly",
        },
    )


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", []),
        (b"torn", []),
        (b"a\n", [b"a"]),
        (b"a\nb\ntorn", [b"b", b"a"]),
        (b"x" * 70_000 + b"\nb\n" + b"y" * 140_000 + b"\n", [b"y" * 140_000, b"b", b"x" * 70_000]),
        (b"a\n" + b"t" * 140_000, [b"a"]),
    ],
    ids=["empty", "no whole line", "one", "two and a torn one", "longer than a block", "torn and longer than a block"],
)
def test_lines_are_read_from_the_end(tmp_path: Path, content: bytes, found: list[bytes]) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    assert list(lines_backwards(file)) == found
