"""Seals show every change to a trail: proves it for any byte, line and seal, and that the place is named."""

import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakelatch_gateway.audit import seals
from lakelatch_gateway.audit.folder import file_name, segment_of
from lakelatch_gateway.audit.seals import ORIGIN, Head
from lakelatch_gateway.audit.verification import verify
from lakelatch_gateway.errors import AuditError

TIME = "2026-07-01T12:00:00.000Z"
REQUESTS, EVENTS, SEALS = (file_name(kind, 1) for kind in ("requests", "events", "seals"))


class Memory(dict[str, bytes]):
    """A trail as file name to content."""

    def segments(self, kind: str) -> Sequence[int]:
        return sorted(found[1] for name in self if (found := segment_of(name)) and found[0] == kind)

    def lines(self, name: str) -> Iterable[bytes]:
        return self.get(name, b"").splitlines(keepends=True)

    def read(self, name: str, offset: int, length: int) -> bytes:
        return self.get(name, b"")[offset : offset + length]

    def size(self, name: str) -> int:
        return len(self.get(name, b""))


def line(number: int) -> bytes:
    return json.dumps({"number": number, "time": TIME}).encode() + b"\n"


def trail(*batches: tuple[str, Sequence[bytes]], into: str = SEALS) -> tuple[Memory, list[Head]]:
    """A trail with one seal for each batch of lines, and the heads after each seal, the genesis first."""
    head, content = seals.linked(ORIGIN, seals.genesis("a-trail", TIME))
    made, heads = Memory({into: content}), [head]
    for name, batch in batches:
        before, data = made.get(name, b""), b"".join(batch)
        head, content = seals.linked(head, seals.covering(name, len(before), data, TIME))
        made[name], made[into] = before + data, made[into] + content
        heads.append(head)
    return made, heads


def numbered(counts: Sequence[int], name: str = REQUESTS) -> tuple[Memory, list[Head]]:
    numbers = iter(range(sum(counts)))
    return trail(*((name, [line(next(numbers)) for _ in range(count)]) for count in counts))


COUNTS = st.lists(st.integers(1, 5), min_size=1, max_size=6)


@given(COUNTS)
def test_a_trail_that_nobody_touched_holds(counts: list[int]) -> None:
    made, heads = numbered(counts)
    verdict = verify(made, heads)
    assert (verdict.findings, verdict.notes, verdict.lines) == ([], [], sum(counts))
    assert verdict.head == heads[-1]


@given(COUNTS, st.data())
def test_any_changed_byte_is_found(counts: list[int], data: st.DataObject) -> None:
    made, _ = numbered(counts)
    name = data.draw(st.sampled_from(sorted(made)))
    at = data.draw(st.integers(0, len(made[name]) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda one: one != made[name][at]))
    made[name] = made[name][:at] + bytes([other]) + made[name][at + 1 :]
    assert verify(made).findings


@given(COUNTS, st.data())
def test_any_line_that_is_removed_repeated_or_swapped_is_found_in_its_seal(
    counts: list[int], data: st.DataObject
) -> None:
    made, _ = numbered(counts)
    lines = made[REQUESTS].splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    change = data.draw(st.sampled_from(["remove", "repeat", "put in", "swap"]))
    if change == "remove":
        del lines[at]
    elif change == "swap":
        other = data.draw(st.integers(0, len(lines) - 1).filter(lambda one: one != at)) if len(lines) > 1 else None
        if other is None:
            return
        lines[at], lines[other] = lines[other], lines[at]
    else:
        lines.insert(at, lines[at] if change == "repeat" else line(1000))
    made[REQUESTS] = b"".join(lines)
    verdict = verify(made)
    if change in ("repeat", "put in") and not verdict.findings:
        # Behind the last seal, where lines stand that have none yet.
        assert at == len(lines) - 2
        assert verdict.notes
        return
    assert verdict.findings
    # Seals count from the genesis, so the seal of a line is the number of batches up to it.
    ends = [sum(counts[: index + 1]) for index in range(len(counts))]
    seal = next(index for index, end in enumerate(ends, 1) if at < end)
    near = {seal - 1, seal, seal + 1} if change != "swap" else set(range(len(counts) + 1))
    assert any(f"seal {one})" in finding or f"seals {one} " in finding for one in near for finding in verdict.findings)


@given(COUNTS, st.data())
def test_any_seal_that_is_removed_repeated_or_swapped_is_found(counts: list[int], data: st.DataObject) -> None:
    made, heads = numbered(counts)
    lines = made[SEALS].splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    change = data.draw(st.sampled_from(["remove", "repeat", "swap"]))
    if change == "remove":
        del lines[at]
    elif change == "repeat":
        lines.insert(at, lines[at])
    else:
        other = data.draw(st.integers(0, len(lines) - 1).filter(lambda one: one != at))
        lines[at], lines[other] = lines[other], lines[at]
    made[SEALS] = b"".join(lines)
    # The last seal can go unseen without an anchor; with one, nothing can.
    assert verify(made, [heads[-1]]).findings
    assert verify(made).findings or (change == "remove" and at == len(lines))


@given(COUNTS)
def test_a_trail_that_is_written_anew_is_found_by_an_anchor_alone(counts: list[int]) -> None:
    made, heads = numbered(counts)
    other, _ = numbered([*counts[:-1], counts[-1] + 1])
    assert not verify(other).findings
    assert verify(other, [heads[-1]]).findings
    assert not verify(made, [heads[-1]]).findings


CASES = {
    "one line changed": (
        lambda made: made | {REQUESTS: made[REQUESTS].replace(b'"number": 3', b'"number": 7')},
        ["requests-000001.jsonl lines 3 to 4 (seal 2): not what was sealed, as long as before"],
    ),
    "one line removed": (
        lambda made: made | {REQUESTS: made[REQUESTS].replace(line(2), b"")},
        [f"requests-000001.jsonl lines 3 to 4 (seal 2): not what was sealed, {len(line(2))} bytes fewer than before"],
    ),
    "a line put in": (
        lambda made: made | {REQUESTS: made[REQUESTS].replace(line(3), line(9) + line(3))},
        [f"requests-000001.jsonl lines 3 to 4 (seal 2): not what was sealed, {len(line(9))} bytes more than before"],
    ),
    "a line put in between two seals": (
        lambda made: made | {REQUESTS: made[REQUESTS].replace(line(2), line(9) + line(2))},
        [
            f"requests-000001.jsonl lines 3 to 4 (seal 2): as it was sealed, but behind {len(line(9))} bytes more than"
            " before"
        ],
    ),
    "the end cut off the lines": (
        lambda made: made | {REQUESTS: b"".join(line(number) for number in range(2))},
        ["requests-000001.jsonl lines 3 to 8 (seals 2 to 4): missing, the file ends before"],
    ),
    "the file removed": (
        lambda made: {name: content for name, content in made.items() if name != REQUESTS},
        ["requests-000001.jsonl lines 1 to 8 (seals 1 to 4): missing, the file ends before"],
    ),
    "a seal changed": (
        lambda made: made | {SEALS: made[SEALS].replace(b'"seq":2,', b'"seq":7,')},
        [
            "seals 2 to 6 missing before seals-000001.jsonl line 3: removed",
            "seal 3 (seals-000001.jsonl line 4) comes after seal 7: put in, repeated or moved",
        ],
    ),
    "a seal removed": (
        lambda made: made | {SEALS: b"".join(made[SEALS].splitlines(keepends=True)[index] for index in (0, 1, 3, 4))},
        [
            "seal 2 missing before seals-000001.jsonl line 3: removed",
            f"requests-000001.jsonl: bytes {2 * len(line(0))} to {4 * len(line(0))} have no seal before seal 3",
        ],
    ),
    "a seal of a file elsewhere": (
        lambda made: made | {SEALS: made[SEALS] + seals.linked(head_of(made), seals.covering("/x", 0, b"", TIME))[1]},
        ["seal 5 is of no file of a trail: put in"],
    ),
    "all seals removed": (
        lambda made: {REQUESTS: made[REQUESTS]},
        ["there are no seals"],
    ),
}  # fmt: skip


def head_of(made: Any) -> Head:
    record = json.loads(made[SEALS].splitlines()[-1])
    return Head(record["seq"], record["chain"])


@pytest.mark.parametrize(("change", "findings"), CASES.values(), ids=CASES.keys())
def test_finding_names_seal_and_lines(change: Any, findings: list[str]) -> None:
    made, _ = numbered([2, 2, 2, 2])
    assert verify(Memory(change(made))).findings == findings


def test_lines_without_a_seal_yet_and_a_seal_in_the_making_are_no_fault() -> None:
    made, _ = numbered([2])
    made[REQUESTS] += line(9)
    made[SEALS] += b'{"bytes":7'
    verdict = verify(made)
    assert verdict.findings == []
    assert verdict.notes == [
        "seals-000001.jsonl: the last seal is not finished",
        f"requests-000001.jsonl: the last {len(line(9))} bytes have no seal yet",
    ]


def test_older_segments_may_be_elsewhere_when_an_anchor_says_where_they_ended() -> None:
    made, heads = numbered([2, 2])
    later, name = Memory(), file_name("requests", 2)
    head, content = seals.linked(heads[-1], seals.covering(name, 0, line(5), TIME))
    later[file_name("seals", 2)], later[name] = content, line(5)
    assert not verify(Memory({**made, **later}), [head]).findings
    assert not verify(later, [heads[-1]]).findings
    assert "begins with seal 3" in verify(later).findings[0]
    assert "does not follow" in verify(later, [Head(2, "0" * 64)]).findings[0]
    gap = Memory({**made, **later, file_name("seals", 3): later[file_name("seals", 2)]})
    del gap[file_name("seals", 2)]
    assert "segments 2 to 2 are missing" in verify(gap).findings


@pytest.mark.parametrize("text", ["", "1", "1:", "x:" + "0" * 64, "1:" + "G" * 64, "-1:" + "0" * 64])
def test_what_is_no_anchor_is_refused(text: str) -> None:
    with pytest.raises(AuditError, match="is no anchor"):
        Head.parse(text)


def test_anchor_is_read_as_it_is_written() -> None:
    head = Head(12, hashlib.sha256(b"").hexdigest())
    assert Head.parse(f" {head}\n") == head


@given(st.binary(max_size=60))
@settings(max_examples=50)
def test_any_garbage_in_place_of_seals_is_told_and_raises_nothing(content: bytes) -> None:
    made, _ = numbered([1])
    made[SEALS] = content
    verdict = verify(made)
    assert verdict.findings or verdict.notes


def test_a_hundred_thousand_lines_are_checked_in_one_pass() -> None:
    """Proved by what is read, not by a clock: every byte once, while nothing is wrong."""
    made, _ = numbered([500] * 200)
    read = 0

    class Counting(Memory):
        def read(self, name: str, offset: int, length: int) -> bytes:
            nonlocal read
            data = super().read(name, offset, length)
            read += len(data)
            return data

    began = time.perf_counter()
    assert verify(Counting(made)).lines == 100_000
    assert read == len(made[REQUESTS])
    print(f"100,000 lines checked in {time.perf_counter() - began:.2f} s")
