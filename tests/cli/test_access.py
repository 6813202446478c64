"""Proves that `lakelatch access` reads a model wherever it is split, and shows who can do what in a window's width."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support.wide import WIDE, changed, text

from lakelatch.cli import run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the model in two files."""
    data = yaml.safe_load(WIDE)
    services = data.pop("services")
    (tmp_path / "access.yaml").write_text(text(data), encoding="utf-8")
    (tmp_path / "access.d").mkdir()
    (tmp_path / "access.d" / "team.yaml").write_text(text({"services": services}), encoding="utf-8")
    (tmp_path / "access.d" / "notes.txt").write_text("no part of it", encoding="utf-8")
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """What the command writes."""
    assert run(["access", *arguments]) == code
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.mark.parametrize("name", ["", "access.yaml"], ids=["folder", "file"])
def test_check_reads_the_fragments_beside_the_file(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, "check", str(folder / name))
    assert "access.yaml: 3 services, 2 roles, 1 group of people, in 2 files; nothing wrong" in told


def test_check_counts_one_of_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = yaml.safe_load(WIDE)
    del data["people"], data["services"]["nightly-report"], data["services"]["exporter"], data["roles"]["reader"]
    (tmp_path / "one.yaml").write_text(text(data), encoding="utf-8")
    assert "one.yaml: 1 service, 1 role; nothing wrong" in said(capsys, "check", str(tmp_path / "one.yaml"))


def test_a_mistake_in_a_fragment_is_told_with_its_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    team = folder / "access.d" / "team.yaml"
    team.write_text("services:\n  etl:\n    via: round\n", encoding="utf-8")
    told = said(capsys, "check", str(folder), code=1)
    assert f"services.etl.via ({team} line 3)" in told
    assert "Traceback" not in told


def test_the_same_name_in_two_files_is_a_conflict(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = folder / "access.d" / "other.yaml"
    other.write_text(text({"services": {"etl-deploy": {}}}), encoding="utf-8")
    told = said(capsys, "check", str(folder), code=1)
    assert "services.etl-deploy" in told
    assert "other.yaml" in told
    assert "team.yaml" in told


def wide(*path: str, to: object) -> bytes:
    return changed(*path, to=to).encode()


def many_issuers() -> bytes:
    """More identity providers for people than an account takes policies."""
    data = yaml.safe_load(WIDE)
    users = {"audience": "own", "subject_claim": "email"}
    rows = {f"p{number}": {"type": "oidc", "url": f"https://p{number}", "users": users} for number in range(20)}
    data["issuers"] |= rows
    return text(data).encode()


BAD: dict[str, tuple[bytes, str]] = {
    "ten megabytes": (b"a: " + b"x" * 10_000_000, "the document: it is larger than 4 MiB"),
    "aliases": (b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", "b[0] (line 2): is an alias"),
    "a cycle": (b"a: &a [*a]", "a[0] (line 1): is an alias"),
    "a tag": (b"a: !!python/object/apply:os.system [id]", "a (line 1): has a YAML tag"),
    "deep": (b"a: " + b"[" * 100_000, "the document (line 1): it is nested more than 1000 levels deep"),
    "no text": (b"\x00\xff\xfe", "is not UTF-8 text"),
    "no mapping": (b"- a", "the document: its top is not a mapping"),
    "a key twice": (WIDE.encode() + b"roles: {}", "roles (line "),
    "an unknown key": (wide("services", "exporter", "colour", to="red"), "services.exporter.colour (line "),
    "an empty subject": (wide("services", "exporter", "workload", "client_id", to=""), "services.exporter.workload"),
    "a wildcard": (wide("services", "exporter", "workload", "client_id", to="*"), "services.exporter.workload"),
    "no https": (wide("issuers", "okta", "url", to="http://a"), "issuers.okta.url (line "),
    "too long a life": (wide("lifetimes", to={"gateway_token_seconds": 3601}), "lifetimes.gateway_token_seconds"),
    "no such role": (wide("people", "analysts", "roles", to=["x"]), "people.analysts.roles[0] (line "),
    "too many policies": (many_issuers(), "`users` on 21 entries"),
}


@pytest.mark.parametrize("command", ["check", "show"])
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_model_is_one_report_with_paths(bad: str, command: str, tmp_path: Path) -> None:
    """In a process of its own, as a parser's fault would end it."""
    content, says = BAD[bad]
    file = tmp_path / "access.yaml"
    file.write_bytes(content)
    run = subprocess.run(
        [sys.executable, "-m", "lakelatch", "access", command, str(file)], capture_output=True, text=True, timeout=60
    )
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("error: ")
    assert says in run.stderr
    assert "Traceback" not in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["access.yaml"]


@pytest.mark.parametrize("command", ["check", "show"])
def test_what_is_not_there(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "cannot read" in said(capsys, command, str(tmp_path), code=1)


def test_show_is_a_table(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    told = said(capsys, "show", str(folder))
    head, rule, first = told.splitlines()[:3]
    assert head.split("  ")[0] == "WHO"
    assert set(rule) == {"-", " "}
    assert first.split() == ["nightly-report", "analytics", "reader", "current_user.me", "group", "lakelatch-reader"]
    rights, _, trusts = told.partition("Whose tokens are trusted")
    assert all(len(line) <= 100 for line in rights.splitlines())
    assert "    sub  repo:acme/etl:environment:production\n" in trusts
    assert "    upn  any user\n" in trusts
    assert "    sub  (known after `pulumi up`)\n" in trusts
    assert "Round the gateway, so that only the group's rights count: etl-deploy, analysts\n" in trusts


@pytest.mark.parametrize("columns", [20, 60, 90, 200])
def test_show_fits_the_window(
    columns: int, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as single words do: none is ever broken."""
    monkeypatch.setenv("COLUMNS", str(columns))
    rights, _, _ = said(capsys, "show", str(folder)).partition("Whose tokens are trusted")
    assert all(len(line) <= columns or len(line.split()) <= 2 for line in rights.splitlines())
    assert "databricks-sql-access" in rights
    assert "phishing-resistant" in rights


def test_show_one_of_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, "show", str(folder), "--who", "exporter")
    assert "exporter" in told
    assert "etl-deploy" not in told
    assert "analysts" not in told
    assert "Round the gateway" not in told


def test_show_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = json.loads(said(capsys, "show", str(folder), "--json"))
    assert {row["who"] for row in whole["rights"]} == {"nightly-report", "exporter", "etl-deploy", "analysts"}
    one = json.loads(said(capsys, "show", str(folder), "--json", "--who", "analysts"))
    assert [row["who"] for row in one["rights"] + one["trusts"]] == ["analysts", "analysts"]
    assert one["ways_round"] == ["analysts"]


def test_show_nobody_by_that_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, "show", str(folder), "--who", "nobody", code=1)
    assert "neither a service nor people called 'nobody'" in told


def test_show_of_a_model_without_anybody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = yaml.safe_load(WIDE)
    del data["people"], data["services"]
    (tmp_path / "access.yaml").write_text(text(data), encoding="utf-8")
    assert "nobody can do anything" in said(capsys, "show", str(tmp_path))


EXECUTE = "statement_execution.execute_statement"


@pytest.fixture
def ruled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose model has a rule, in which commands are typed."""
    data = yaml.safe_load(WIDE)
    data["rules"] = {"small": {"for": {"actions": [EXECUTE]}, "limit": {"row_limit": 100}}}
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "access.yaml").write_text(text(data), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "parts"),
    [
        (["--action", EXECUTE, "--attr", "body.row_limit=7"], 0, ["allowed: service 'exporter'", "role:reader"]),
        (
            ["--action", EXECUTE, "--attr", "body.row_limit=101"],
            1,
            [
                "denied: ",
                "(by rule:small)",
                "not met  limit.row_limit: body.row_limit <= 100",
                "another `limit.row_limit`",
            ],
        ),
        (["--action", EXECUTE], 1, ["not known: ", "depends on body.row_limit", "tell `body.row_limit`"]),
        (["--action", EXECUTE, "--complete"], 1, ["denied: "]),
        (["--action", "jobs.list"], 1, ["default-deny", "add 'jobs.list' to its role 'reader'"]),
        (["--method", "get", "--path", "/api/2.0/preview/scim/v2/Me?x=y"], 0, ["current_user.me"]),
        (["--method", "POST", "--path", "/nowhere"], 1, ["unknown-action", "the catalogue"]),
        (["--action", EXECUTE, "--attr", "body.rows=1"], 1, ["there is `body.row_limit`"]),
        (["--action", EXECUTE, "--attr", "body.row_limit"], 1, ["is no `name=value`"]),
        (["--action", "jobs.lst"], 1, ["the catalogue has no action 'jobs.lst'"]),
        (["--action", "jobs.list", "--path", "/x", "--method", "GET"], 2, ["--action"]),
        ([], 2, ["--action"]),
    ],
)
def test_explain(
    arguments: list[str], code: int, parts: list[str], ruled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = said(capsys, "explain", "--service", "exporter", *arguments, code=code)
    for part in parts:
        assert part in told, told


def test_explain_names_the_services_there_are(ruled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, "explain", str(ruled / "stacks"), "--service", "etl-deploy", "--action", "jobs.list", code=1)
    assert "there is exporter, nightly-report" in told


@pytest.fixture
def staffed(ruled: Path) -> Path:
    """The ruled project, with analysts who may call the gateway, and people of a second issuer."""
    model = ruled / "stacks" / "access.yaml"
    data = yaml.safe_load(model.read_text(encoding="utf-8"))
    del data["people"]["analysts"]["assurance"]
    data["people"]["analysts"]["identity_provider_group"] = "g-analysts"
    data["issuers"]["okta"]["users"] = {"audience": "people", "subject_claim": "email"}
    data["people"]["partners"] = {
        "issuer": "okta",
        "identity_provider_group": "g-partners",
        "group": {"create": "partners"},
        "roles": ["reader"],
    }
    model.write_text(text(data), encoding="utf-8")
    return ruled


ALICE = ["--issuer", "entra", "--user", "alice@example.com"]


@pytest.mark.parametrize(
    ("arguments", "code", "parts"),
    [
        ([*ALICE, "--group", "g-analysts", "--action", "current_user.me"], 0, ["allowed: user 'alice@", "role:reader"]),
        (
            ["--issuer", "entra", "--group", "x", "--group", "g-analysts", "--action", "current_user.me"],
            0,
            ["allowed: user 'somebody'", "'g-analysts' is one of the gateway's"],
        ),
        ([*ALICE, "--group", "g-analysts", "--action", EXECUTE], 1, ["not known: user", "depends on body.row_limit"]),
        (
            [*ALICE, "--group", "g-analysts", "--action", EXECUTE, "--attr", "body.row_limit=101"],
            1,
            ["by rule:small", "not met  limit.row_limit"],
        ),
        ([*ALICE, "--action", "current_user.me"], 1, ["by no-group", "membership in the group 'g-analysts'"]),
        ([*ALICE, "--group", "g-partners", "--action", "current_user.me"], 1, ["by no-group", "its groups: 'g-part"]),
        ([*ALICE, "--group", "g-analysts", "--action", "jobs.list"], 1, ["default-deny", "to their role 'reader'"]),
        (["--user", "alice", "--action", "jobs.list"], 1, ["people of several issuers", "name one of entra, okta"]),
        (["--issuer", "x", "--user", "a", "--action", "jobs.list"], 1, ["of the issuer 'x'", "those of entra, okta"]),
        ([*ALICE, "--service", "exporter", "--action", "jobs.list"], 2, ["--service, or a person"]),
        (["--service", "exporter", "--issuer", "okta", "--action", "jobs.list"], 2, ["--service, or a person"]),
        (["--action", "jobs.list"], 2, ["--service, or a person"]),
    ],
)
def test_explain_a_person(
    arguments: list[str], code: int, parts: list[str], staffed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = said(capsys, "explain", str(staffed / "stacks"), *arguments, code=code)
    for part in parts:
        assert part in told, told


def test_show_what_people_may_do(staffed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, "show", str(staffed / "stacks"), "--who", "partners")
    first = [line for line in told.splitlines() if line.strip()][2:5]
    assert first[0].split()[:5] == ["partners", "(people)", "analytics", "reader", "current_user.me"]
    assert "own token," in first[1]
    assert "or via gateway" in first[2]
    assert "not checked round it" in told
    trusts = told.partition("Whose tokens are trusted")[2]
    assert trusts.count("    email  any user\n") == 2
    assert "the gateway takes tokens with" in trusts
    assert "small " in told
    assert "known after" not in trusts
    found = json.loads(said(capsys, "show", str(staffed / "stacks"), "--who", "partners", "--json"))
    [right] = found["rights"]
    assert (right["at_gateway"], right["checked"]) == (True, False)
    assert [(row["by"], row["users"]) for row in found["trusts"]] == [
        ("the gateway", True),
        ("the Databricks account", True),
    ]
    assert [row["people"] for row in found["rules"]] == [["analysts", "partners"]]


def test_show_names_the_people_a_rule_is_about(staffed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = staffed / "stacks" / "access.yaml"
    data = yaml.safe_load(model.read_text(encoding="utf-8"))
    data["rules"]["readers"] = {"for": {"roles": ["reader"]}, "networks": ["10.0.0.0/8"]}
    model.write_text(text(data), encoding="utf-8")
    told = said(capsys, "show", str(staffed / "stacks"), "--who", "analysts")
    assert "readers  enforce" in told
    assert "partners (people)" in told


def test_explain_where_no_people_call_the_gateway(ruled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, "explain", "--user", "alice", "--action", "jobs.list", code=1)
    assert "no people call the gateway" in told
    assert "without an `assurance`" in told


def test_explain_a_person_as_json(staffed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--issuer", "okta", "--group", "g-partners", "--action", "current_user.me", "--json"]
    found = json.loads(said(capsys, "explain", str(staffed / "stacks"), *asked))
    assert (found["service"], found["user"], found["groups"]) == (None, None, ["g-partners"])
    assert (found["verdict"], found["rule"]) == ("allowed", "role:reader")


def test_explain_as_json(ruled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(said(capsys, "explain", "--service", "exporter", "--action", EXECUTE, "--json", code=1))
    assert (found["verdict"], found["allowed"], found["rule"]) == ("not known", False, "rule:small")
    assert found["unknown"] == ["body.row_limit"]
    assert {check["state"] for check in found["checks"]} == {"met", "not known"}


def test_show_tells_rules_and_what_is_only_observed(ruled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = ruled / "stacks" / "access.yaml"
    data = yaml.safe_load(model.read_text(encoding="utf-8"))
    data["rules"]["night"] = {
        "for": {"services": ["nightly-report"]},
        "during": {"start": "22:00"},
        "deny": True,
        "mode": "observe",
    }
    data["services"]["exporter"]["mode"] = "observe"
    model.write_text(text(data), encoding="utf-8")
    told = said(capsys, "show", "stacks")
    assert "What must be met beside a role" in told
    night, small = sorted(line.split() for line in told.splitlines() if line.startswith(("night ", "small ")))
    assert night[:4] == ["night", "observe", "nightly-report", "all"]
    assert small == ["small", "enforce", "all", EXECUTE, "limit", "row_limit"]
    assert "Only observed, so that nothing is refused to them: exporter\n" in told
    found = json.loads(said(capsys, "show", "stacks", "--who", "exporter", "--json"))
    assert [row["rule"] for row in found["rules"]] == ["small"]
    assert found["observed"] == ["exporter"]
