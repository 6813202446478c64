"""`lakelatch audit` shows what is asked for, counts it, follows it, and says whether the trail holds."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lakelatch.errors import CommandError, LakelatchError
from lakelatch_gateway.audit.cli import audit
from lakelatch_gateway.audit.events import Event
from lakelatch_gateway.audit.folder import Folder
from lakelatch_gateway.audit.reading import Reader
from lakelatch_gateway.audit.records import Filter, moment, printable
from lakelatch_gateway.audit.sealer import Sealer
from lakelatch_gateway.errors import AuditError

NOW = datetime(2026, 7, 1, 12, 0, 2, tzinfo=UTC)


def request(second: int, **fields: Any) -> dict[str, Any]:
    common = {"method": "GET", "path": "/api/2.0/sql/warehouses", "status": 200, "decision": "allow"}
    return {"time": f"2026-07-01T12:00:{second:02}.000Z", "request_id": f"id-{second}", **common, **fields}


REQUESTS = [
    request(0, service="nightly", action="warehouses.list", rule="role:reader", subject="s-1"),
    request(1, service="nightly", action="warehouses.start", rule="default-deny", decision="deny", status=403),
    request(3, service="etl", action="warehouses.list", rule="role:reader", subject="s-2"),
    request(4, rule="authentication", decision="deny", status=401, path="/x\x1b[31m"),
]


def write(folder: Path, *records: dict[str, Any]) -> None:
    with (folder / "audit" / "requests.jsonl").open("a") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    """A trail with four requests and, between them, one event."""
    made = Sealer(Folder(tmp_path / "audit"), now=lambda: NOW, trail=lambda: "a-trail")
    write(tmp_path, *REQUESTS)
    made.events.record(Event.TOKEN_REFUSED, {"service": "etl", "reason": "no federation policy"})
    made.step()
    return made


@pytest.fixture
def say(tmp_path: Path, sealer: Sealer) -> Callable[..., Result]:
    def run(*arguments: str) -> Result:
        command = [*arguments, "--state-dir", str(tmp_path)]
        return CliRunner().invoke(audit, command, catch_exceptions=False)

    return run


def test_query_shows_requests_and_events_by_time(say: Any) -> None:
    result = say("query")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "TIME                      DECISION  STATUS  SERVICE  ACTION            RULE              WHAT",
        "2026-07-01T12:00:00.000Z  allow     200     nightly  warehouses.list   role:reader       GET"
        " /api/2.0/sql/warehouses",
        "2026-07-01T12:00:01.000Z  deny      403     nightly  warehouses.start  default-deny      GET"
        " /api/2.0/sql/warehouses",
        "2026-07-01T12:00:02.000Z  deny              etl                        databricks-token  token.refused"
        " no federation policy",
        "2026-07-01T12:00:03.000Z  allow     200     etl      warehouses.list   role:reader       GET"
        " /api/2.0/sql/warehouses",
        r"2026-07-01T12:00:04.000Z  deny      401                                authentication    GET /x\x1b[31m",
    ]


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        (["--service", "nightly"], [0, 1]),
        (["--service", "nightly", "--service", "etl", "--event", "request"], [0, 1, 3]),
        (["--decision", "deny"], [1, 2, 4]),
        (["--decision", "deny", "--service", "nightly"], [1]),
        (["--action", "warehouses.list"], [0, 3]),
        (["--rule", "authentication"], [4]),
        (["--subject", "s-2"], [3]),
        (["--status", "403"], [1]),
        (["--request-id", "id-3"], [3]),
        (["--event", "token.refused"], [2]),
        (["--since", "2026-07-01T12:00:03Z"], [3, 4]),
        (["--until", "2026-07-01T14:00:01+02:00"], [0]),
        (["--since", "2026-07-01T12:00:01", "--until", "2026-07-01T12:00:03"], [1, 2]),
        (["--service", "nobody"], []),
    ],
    ids=lambda value: " ".join(value) if value and isinstance(value[0], str) else "",
)
def test_query_filters(say: Any, options: list[str], seconds: list[int]) -> None:
    lines = say("query", "--json", *options).output.splitlines()
    assert [int(json.loads(line)["time"][17:19]) for line in lines] == seconds


def test_query_counts(say: Any) -> None:
    assert say("query", "--by", "decision,rule").output.splitlines() == [
        "DECISION  RULE              COUNT",
        "allow     role:reader       2",
        "deny      authentication    1",
        "deny      databricks-token  1",
        "deny      default-deny      1",
    ]
    [first, *_] = say("query", "--by", "service", "--json").output.splitlines()
    assert json.loads(first) == {"service": "etl", "count": 2}


def test_query_without_a_match_says_so(say: Any) -> None:
    assert say("query", "--service", "nobody").output == "no record is as you ask\n"


def test_torn_lines_are_told_and_left_out(say: Any, tmp_path: Path) -> None:
    with (tmp_path / "audit" / "requests.jsonl").open("a") as file:
        file.write('{"torn\n{"in the making')
    result = say("query", "--status", "401")
    assert "their writing broke off: 1" in result.stderr
    assert result.exit_code == 0


def test_tail_shows_the_last(say: Any) -> None:
    lines = say("tail", "--lines", "2").output.splitlines()
    assert [line[17:19] for line in lines] == ["03", "04"]
    assert say("tail", "--lines", "1", "--decision", "allow", "--json").output == (
        json.dumps(REQUESTS[2], sort_keys=True) + "\n"
    )


def test_new_records_come_once_each_and_through_segments(sealer: Sealer, tmp_path: Path) -> None:
    reader, everything = Reader(tmp_path / "audit"), Filter()
    reader.skip()
    assert reader.new(everything) == []
    write(tmp_path, request(5))
    with (tmp_path / "audit" / "requests.jsonl").open("a") as file:
        file.write('{"time":')
    assert reader.new(everything) == [request(5)]
    with (tmp_path / "audit" / "requests.jsonl").open("a") as file:
        file.write('"2026"}\n')
    Folder(tmp_path / "audit").begin("requests", 2)
    write(tmp_path, request(6))
    assert reader.new(everything) == [{"time": "2026"}, request(6)]
    assert reader.new(everything) == []


def test_verify_names_what_was_changed_and_ends_with_1(say: Any, tmp_path: Path, sealer: Sealer) -> None:
    result = say("verify")
    assert (result.exit_code, result.output) == (
        0,
        f"the trail holds: 5 lines are as they were sealed; its head is {sealer.head}\n",
    )
    file = tmp_path / "audit" / "requests-000001.jsonl"
    file.write_text(file.read_text().replace('"deny"', '"nope"', 1))
    result = say("verify")
    assert result.exit_code == 1
    assert result.output.splitlines()[0] == "requests-000001.jsonl lines 1 to 4 (seal 1): not what was sealed"
    told = json.loads(say("verify", "--json").output)
    assert (told["holds"], told["lines"], told["head"]) == (False, 1, str(sealer.head))


@pytest.mark.parametrize(
    ("anchor", "exit_code", "told"),
    [
        (lambda head: str(head), 0, "the trail holds"),
        (lambda head: f"{head.seq + 3}:{head.chain}", 1, "its end was cut off"),
        (lambda head: f"{head.seq}:{'0' * 64}", 1, "is not the one that the anchor names"),
    ],
    ids=["the head", "a later seal", "another chain"],
)
def test_verify_holds_the_trail_against_an_anchor(
    say: Any, sealer: Sealer, anchor: Any, exit_code: int, told: str
) -> None:
    result = say("verify", "--expect", anchor(sealer.head))
    assert result.exit_code == exit_code
    assert told in result.output


def test_a_copy_is_read_by_its_own_folder(sealer: Sealer, tmp_path: Path) -> None:
    (tmp_path / "audit").rename(tmp_path / "copy")
    result = CliRunner().invoke(audit, ["verify", "--dir", str(tmp_path / "copy")], catch_exceptions=False)
    assert result.exit_code == 0


def test_the_local_stack_is_found_from_a_folder_below(
    sealer: Sealer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    (project / "deep").mkdir(parents=True)
    (project / ".lakelatch" / "gateway").mkdir(parents=True)
    (project / ".lakelatch" / "gateway" / "state").symlink_to(tmp_path)
    (project / "Pulumi.yaml").touch()
    monkeypatch.chdir(project / "deep")
    result = CliRunner().invoke(audit, ["query", "--by", "service"], catch_exceptions=False)
    assert "nightly  2" in result.output
    (project / "Pulumi.yaml").unlink()
    with pytest.raises(CommandError, match=r"no trail was named"):
        CliRunner().invoke(audit, ["query"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["query", "--since", "yesterday"], "'yesterday' is no time"),
        (["query", "--by", "colour"], "'colour' is no field to count by"),
        (["verify", "--expect", "12"], "'12' is no anchor"),
        (["tail", "--dir", "/nonexistent"], "there is no audit trail in `/nonexistent`"),
    ],
    ids=["time", "field", "anchor", "folder"],
)
def test_wrong_usage_is_told_with_a_remedy(say: Any, arguments: list[str], told: str) -> None:
    with pytest.raises(LakelatchError, match=told) as caught:
        say(*arguments)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-07-01T12:00:00Z", "2026-07-01T12:00:00.000Z"),
        ("2026-07-01", "2026-07-01T00:00:00.000Z"),
        ("2026-07-01T14:00:00.5+02:00", "2026-07-01T12:00:00.500Z"),
        ("2s", "2026-07-01T12:00:00.000Z"),
        ("15m", "2026-07-01T11:45:02.000Z"),
        ("2h", "2026-07-01T10:00:02.000Z"),
        ("3d", "2026-06-28T12:00:02.000Z"),
    ],
)
def test_moment_is_read(text: str, written: str) -> None:
    assert moment(text, NOW) == written


@pytest.mark.parametrize("text", ["", "m", "-1h", "1w", "999999d", "99999999d", "12:00"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(AuditError, match="is no time"):
        moment(text, NOW)


def test_what_a_terminal_would_obey_is_shown_instead() -> None:
    assert printable("a\x1b]0;x\x07\r\n\u202eb é") == "a\\x1b]0;x\\x07\\r\\n\\u202eb é"
