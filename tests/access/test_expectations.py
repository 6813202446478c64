"""Proves that expected decisions are compared with the model's, and that a file which cannot hold is refused."""

from pathlib import Path

import pytest
import yaml
from support.pages import ROOT
from support.wide import WIDE, text

from lakelatch.access.expectations import Expectations, Outcome, outcomes
from lakelatch.access.model import AccessModel
from lakelatch.access.model_policy import issuers_of_people, policy_of
from lakelatch.cli import run
from lakelatch.errors import ModelError

EXAMPLES = sorted(folder for folder in (ROOT / "examples" / "rules").iterdir() if folder.is_dir())
EXECUTE = "statement_execution.execute_statement"
MODEL = yaml.safe_load(WIDE) | {
    "rules": {
        "small": {"for": {"actions": [EXECUTE]}, "limit": {"row_limit": 100}},
        "hours": {"for": {"services": ["exporter"]}, "during": {"start": "22:00"}, "deny": True},
    }
}
POLICY = policy_of(AccessModel.read(text(MODEL)))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("folder", EXAMPLES, ids=[folder.name for folder in EXAMPLES])
def test_an_example_decides_as_it_says(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["access", "check", str(folder), "--against", str(folder / "expectations.yaml")])
    told = capsys.readouterr().out
    assert code == 0, told
    assert "all as expected" in told
    found = Expectations.read((folder / "expectations.yaml").read_text(encoding="utf-8"), "expectations")
    assert {one.expect for one in found.expectations} == {"allow", "deny"}
    rules = {one.rule for one in found.expectations}
    model = AccessModel.read((folder / "access.yaml").read_text(encoding="utf-8"))
    assert {f"rule:{name}" for name in model.rules} <= rules, "a rule that no expectation shows"


def test_the_example_of_the_staging_stack_allows_in_production() -> None:
    overlay = {"workspaces": {"analytics": {"environment": "production"}}}
    folder = ROOT / "examples" / "rules" / "production-only"
    model = AccessModel.read((folder / "access.yaml").read_text(encoding="utf-8"), overlay=overlay)
    wanted = "expectations: [{service: job-janitor, action: jobs.delete, expect: allow}]"
    [found] = outcomes(policy_of(model), Expectations.read(wanted, "e"), "e")
    assert found.as_expected


@pytest.mark.parametrize(
    ("expectation", "as_expected"),
    [
        pytest.param("action: current_user.me, expect: allow", True, id="allowed"),
        pytest.param("action: current_user.me, expect: allow, rule: role:reader", True, id="by this role"),
        pytest.param("action: current_user.me, expect: deny", False, id="otherwise"),
        pytest.param("action: jobs.list, expect: deny, rule: rule:small", False, id="by another rule"),
        pytest.param(f"action: {EXECUTE}, expect: deny, rule: rule:small", True, id="a member that is not there"),
        pytest.param(f"action: {EXECUTE}, expect: allow, attributes: {{body.row_limit: 5}}", True, id="with a member"),
        pytest.param(f"action: {EXECUTE}, expect: allow, attributes: {{body.row_limit: '5'}}", True, id="as text"),
    ],
)
def test_as_expected(expectation: str, as_expected: bool) -> None:
    read = Expectations.read(f"expectations:\n- {{service: nightly-report, {expectation}}}\n", "e")
    [found] = outcomes(POLICY, read, "e")
    assert found.as_expected == as_expected


def of_people(expectation: str) -> list[Outcome]:
    """What becomes of an expectation where analysts may call the gateway."""
    data = yaml.safe_load(text(MODEL))
    del data["people"]["analysts"]["assurance"]
    data["people"]["analysts"]["identity_provider_group"] = "g-analysts"
    data["rules"]["own"] = {"for": {"actions": ["warehouses.list"]}, "deny": "identity.subject == 'mallory'"}
    data["roles"]["reader"]["actions"].append("warehouses.list")
    model = AccessModel.read(text(data))
    read = Expectations.read(f"expectations:\n- {{{expectation}}}\n", "e")
    return outcomes(policy_of(model), read, "e", issuers_of_people(model))


@pytest.mark.parametrize(
    ("expectation", "as_expected"),
    [
        ("groups: [g-analysts], action: current_user.me, expect: allow, rule: role:reader", True),
        ("groups: [x, g-analysts], issuer: entra, action: current_user.me, expect: allow", True),
        ("groups: [g-analysts], action: current_user.me, expect: deny", False),
        ("groups: [g-analysts], action: jobs.list, expect: deny, rule: default-deny", True),
        ("groups: [g-other], user: alice, action: current_user.me, expect: deny, rule: no-group", True),
        ("user: alice, action: current_user.me, expect: deny, rule: no-group", True),
        (f"groups: [g-analysts], action: {EXECUTE}, expect: deny, rule: rule:small", True),
        (f"groups: [g-analysts], action: {EXECUTE}, attributes: {{body.row_limit: 5}}, expect: allow", True),
        ("groups: [g-analysts], user: alice, action: warehouses.list, expect: allow", True),
        ("groups: [g-analysts], user: mallory, action: warehouses.list, expect: deny, rule: rule:own", True),
        ("groups: [g-analysts], action: warehouses.list, expect: deny", False),
    ],
)
def test_of_people(expectation: str, as_expected: bool) -> None:
    [found] = of_people(expectation)
    assert found.as_expected == as_expected


@pytest.mark.parametrize(
    ("who", "path", "words"),
    [
        ("groups: [g], service: exporter", "expectations[0]", "neither or both of a service and a person"),
        ("issuer: entra, service: exporter", "expectations[0]", "neither or both"),
        ("issuer: entra", "expectations[0]", "neither or both"),
        ("description: nobody", "expectations[0]", "neither or both"),
        ("groups: ['']", "expectations[0].groups[0]", "is empty"),
        ("groups: [g], issuer: okta", "expectations[0].issuer", "there are those of entra"),
        ("groups: [g], attributes: {claims.groups: [g]}", "expectations[0].attributes", "said by the groups"),
    ],
)
def test_people_who_cannot_be_are_refused(who: str, path: str, words: str) -> None:
    with pytest.raises(ModelError) as refusal:
        of_people(f"{who}, action: jobs.list, expect: deny")
    assert path in str(refusal.value)
    assert words in str(refusal.value)


def test_what_a_rule_needs_and_is_not_told_is_no_decision() -> None:
    read = Expectations.read("expectations:\n- {service: exporter, action: current_user.me, expect: deny}\n", "e")
    [found] = outcomes(POLICY, read, "e")
    assert not found.as_expected
    assert found.explanation.verdict == "not known"
    assert found.explanation.unknown == ("request.time",)


@pytest.mark.parametrize(
    ("row", "path", "words"),
    [
        ("{service: x, action: jobs.list}", "expectations[0].expect (line 2)", "is missing"),
        ("{service: nightly-report, action: jobs.list, expect: maybe}", "expectations[0].expect", "'allow' or 'deny'"),
        ("{service: nobody, action: jobs.list, expect: deny}", "expectations[0].service", "exporter, nightly-report"),
        ("{service: etl-deploy, action: jobs.list, expect: deny}", "expectations[0].service", "does not call"),
        ("{service: exporter, action: jobs.lst, expect: deny}", "expectations[0].action", "does not have"),
        (
            "{service: exporter, action: jobs.list, expect: deny, rule: rule:tiny}",
            "expectations[0].rule",
            "hours, small",
        ),
        ("{service: exporter, action: jobs.list, expect: deny, rule: because}", "expectations[0].rule", "match"),
        (
            "{service: exporter, action: jobs.list, expect: deny, attributes: {body.rows: 1}}",
            "expectations[0].attributes",
            "`body.bytes`",
        ),
        ("{service: exporter, action: jobs.list, expect: deny, because: x}", "expectations[0].because", "known key"),
        (
            "{service: exporter, action: current_user.me, expect: deny, attributes: {client.address: null}}",
            "expectations[0].attributes",
            "has no value",
        ),
    ],
)
def test_a_file_that_cannot_hold_is_refused_with_its_paths(row: str, path: str, words: str) -> None:
    with pytest.raises(ModelError) as refusal:
        outcomes(POLICY, Expectations.read(f"expectations:\n- {row}\n", "e.yaml"), "e.yaml")
    assert path in str(refusal.value)
    assert words in str(refusal.value)


@pytest.mark.parametrize("content", ["", "[]", "expectations: []", "expectations: 3", "a: [", "expectations: *x"])
def test_a_file_of_another_shape_is_refused(content: str) -> None:
    with pytest.raises(ModelError):
        Expectations.read(content, "e")


def test_differences_are_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "access.yaml").write_text(text(MODEL), encoding="utf-8")
    (tmp_path / "wanted.yaml").write_text(
        f"expectations:\n- {{service: exporter, action: {EXECUTE}, expect: allow, attributes:"
        " {body.row_limit: 101, request.time: 2026-11-02T12:00:00Z}}\n"
        "- {service: exporter, action: jobs.list, expect: deny}\n",
        encoding="utf-8",
    )
    assert run(["access", "check", str(tmp_path), "--against", str(tmp_path / "wanted.yaml")]) == 1
    told = capsys.readouterr().out
    assert "1 of 2 decisions not as expected" in told
    for part in ("WHO", "rule:small", "body.row_limit=101", "not met: limit.row_limit: body.row_limit <= 100"):
        assert part in told
