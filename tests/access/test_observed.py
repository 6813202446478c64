"""Proves that an audit trail of an observed gateway becomes the smallest change after which nothing used is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.wide import WIDE, text

from lakelatch.access.actions import GRANTABLE
from lakelatch.access.document import merge
from lakelatch.access.explanation import explain
from lakelatch.access.model import AccessModel
from lakelatch.access.model_policy import policy_of
from lakelatch.access.observed import Proposal, Use, proposals, read, yaml_of
from lakelatch.cli import run

MODEL = AccessModel.read(WIDE)


def line(service: str, action: str, observed: str | None, time: str = "2026-11-02T10:00:00.000Z", **more: Any) -> str:
    return json.dumps(
        {
            "time": time,
            "service": service,
            "action": action,
            "decision": "allow",
            "rule": "observe",
            "observed": observed,
            "method": "GET",
            "path": "/api/x",
            "new_field": {"a": [1]},
        }
        | more
    )


def test_what_is_counted() -> None:
    trail = read(
        [
            line("exporter", "jobs.list", "default-deny", "2026-11-02T10:00:00.000Z"),
            line("exporter", "jobs.list", "default-deny", "2026-11-01T09:00:00.000Z"),
            line("exporter", "current_user.me", "role:reader"),
            line("exporter", "current_user.me", None),
            line("exporter", "current_user.me", "-"),
            line("exporter", "jobs.get", "default-deny", decision="deny"),
            line("exporter", "unknown", "unknown-action"),
            line("exporter", "current_user.me", "rule:small", rule="role:reader"),
            "gateway starting",
            "[1, 2]",
            '{"observed": 3, "service": []}',
            "",
            "[" * 3000,
        ]
    )
    assert (trail.lines, trail.passed_over, trail.observed) == (13, 4, 5)
    first, last = "2026-11-01T09:00:00.000Z", "2026-11-02T10:00:00.000Z"
    assert trail.of("exporter") == [
        Use("exporter", "jobs.list", "default-deny", 2, first, last),
        Use("exporter", "current_user.me", "rule:small", 1, last, last),
        Use("exporter", "GET /api/x", "unknown-action", 1, last, last),
    ]
    assert trail.of("nightly-report") == []


def with_roles(**roles: Any) -> AccessModel:
    return AccessModel.read(text(merge(yaml.safe_load(WIDE), {"roles": roles})))


JOBS = {"exporter": ["jobs.list", "jobs.get"]}
PROPOSALS = [
    pytest.param({}, JOBS, [Proposal("exporter", ("jobs.get", "jobs.list"), "exporter-observed", True)], id="new role"),
    pytest.param(
        {"wide": {"actions": ["jobs.*"]}, "narrow": {"actions": ["jobs.list", "jobs.get", "jobs.cancel_run"]}},
        JOBS,
        [Proposal("exporter", ("jobs.get", "jobs.list"), "narrow", False, 1)],
        id="the role that adds least",
    ),
    pytest.param(
        {"elsewhere": {"workspace": "science", "actions": ["jobs.*"]}},
        JOBS,
        [Proposal("exporter", ("jobs.get", "jobs.list"), "exporter-observed", True)],
        id="no role of another workspace",
    ),
    pytest.param(
        {"exporter-observed": {"actions": ["warehouses.list"]}},
        JOBS,
        [Proposal("exporter", ("jobs.get", "jobs.list"), "exporter-observed-2", True)],
        id="a free name",
    ),
    pytest.param(
        {},
        {"exporter": ["jobs.list"], "nightly-report": ["jobs.list"]},
        [
            Proposal("exporter", ("jobs.list",), "exporter-observed", True),
            Proposal("nightly-report", ("jobs.list",), "exporter-observed", True),
        ],
        id="one new role for two",
    ),
    pytest.param({}, {"exporter": ["current_user.me"]}, [], id="it has it by now"),
    pytest.param({}, {"gone": ["jobs.list"], "exporter": ["no.action", "account_users.list"]}, [], id="nothing to add"),
]


@pytest.mark.parametrize(("roles", "used", "wanted"), PROPOSALS)
def test_what_is_proposed(roles: Any, used: dict[str, list[str]], wanted: list[Proposal]) -> None:
    uses = [Use(service, action, "default-deny", 1, "", "") for service, actions in used.items() for action in actions]
    assert proposals(with_roles(**roles), uses) == wanted


@settings(max_examples=60, deadline=None)
@given(
    used=st.dictionaries(
        st.sampled_from(["exporter", "nightly-report"]), st.sets(st.sampled_from(GRANTABLE), min_size=1, max_size=5)
    )
)
def test_after_the_proposal_nothing_that_was_used_is_refused(used: dict[str, set[str]]) -> None:
    uses = [Use(service, action, "default-deny", 1, "", "") for service, actions in used.items() for action in actions]
    change = yaml.safe_load("\n".join(yaml_of(MODEL, proposals(MODEL, uses)))) or {}
    model = AccessModel.read(text(merge(yaml.safe_load(WIDE), change)))
    for use in uses:
        assert explain(policy_of(model), use.service, use.action).verdict == "allowed"
    assert proposals(model, uses) == []
    for service in used:
        before = {action for actions in MODEL.actions(service).values() for action in actions}
        after = {action for actions in model.actions(service).values() for action in actions}
        assert after == before | used[service]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "access.yaml").write_text(WIDE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


TRAIL = "\n".join([line("exporter", "jobs.list", "default-deny"), line("nightly-report", "jobs.get", "default-deny")])


@pytest.mark.parametrize("name", ["audit/requests.jsonl", "audit.jsonl"])
def test_the_command_tells_and_proposes(name: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project / "state" / name
    file.parent.mkdir(parents=True)
    file.write_text(TRAIL, encoding="utf-8")
    assert run(["access", "observed", "--state-dir", "state", "--service", "exporter"]) == 0
    told = capsys.readouterr().out
    assert "# 2 requests were observed, in 2 lines (0 of another kind)" in told
    pasted = yaml.safe_load(told)
    assert pasted == {
        "roles": {"exporter-observed": {"description": "What exporter used while observed", "actions": ["jobs.list"]}},
        "services": {"exporter": {"roles": ["reader", "exporter-observed"]}},
    }
    assert run(["access", "observed", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["service"] for row in found["proposals"]] == ["exporter", "nightly-report"]
    assert found["uses"][0]["count"] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "no audit trail at"),
        (["nothing.jsonl"], "cannot read"),
        (["--service", "nobody"], "the model has no service 'nobody'"),
    ],
)
def test_what_cannot_work_is_told(
    arguments: list[str], words: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["access", "observed", *arguments]) == 1
    assert words in capsys.readouterr().err


def test_nothing_to_propose(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "a.jsonl").write_text(line("exporter", "current_user.me", "role:reader") + "\n", encoding="utf-8")
    assert run(["access", "observed", "a.jsonl"]) == 0
    assert "nothing would have been refused" in capsys.readouterr().out
