"""Proves that the summary says what everybody can do, and whose tokens are trusted for it."""

import json

import yaml
from support.wide import WIDE, changed, text

from lakelatch.access import summary
from lakelatch.access.model import AccessModel
from lakelatch.access.summary import Right, Trusted
from lakelatch.access.trusts import Trust

READS = ("current_user.me", "statement_execution.*")
HOLDS = (
    "lakelatch-reader",
    ("databricks-sql-access",),
    ("USE_CATALOG on catalog main", "USE_SCHEMA, SELECT on schema main.sales"),
)


def test_what_everybody_can_do() -> None:
    assert list(summary.rights(AccessModel.read(WIDE))) == [
        Right("nightly-report", "service", "analytics", "gateway", "reader", READS, *HOLDS, at_gateway=True),
        Right("exporter", "service", "analytics", "gateway", "reader", READS, *HOLDS, at_gateway=True),
        Right("etl-deploy", "service", "science", "direct", "deployer", (), "Deployers", (), ()),
        Right("analysts", "people", "analytics", "own token", "reader", READS, *HOLDS, "phishing-resistant"),
    ]


def staffed() -> AccessModel:
    """The model with people at its gateway, observed, beside those who are not let through there."""
    data = yaml.safe_load(WIDE)
    analysts = data["people"]["analysts"]
    data["roles"]["far"] = {"workspace": "science", "actions": ["jobs.list"], "group": {"create": "far"}}
    data["roles"]["lister"] = {"workspace": "analytics", "actions": ["jobs.list"], "group": {"create": "listers"}}
    for number, (name, roles) in enumerate({"staff": ["far", "reader"], "ops": ["lister"], "away": ["far"]}.items()):
        row = {name: value for name, value in analysts.items() if name != "assurance"}
        data["people"][name] = row | {
            "identity_provider_group": f"g-{number}",
            "group": {"create": name},
            "roles": roles,
        }
    data["rules"] = {
        "all": {"networks": ["10.0.0.0/8"]},
        "listers": {"for": {"roles": ["lister"]}, "deny": True},
        "robots": {"for": {"services": ["exporter"]}, "deny": True},
    }
    data["gateway"]["mode"] = "observe"
    return AccessModel.read(text(data))


def test_people_at_the_gateway_are_those_whom_it_lets_through() -> None:
    rows = [row for row in summary.rights(staffed()) if row.kind == "people"]
    assert [(row.who, row.role, row.at_gateway, row.checked) for row in rows] == [
        ("analysts", "reader", False, False),
        ("staff", "far", False, False),
        ("staff", "reader", True, False),
        ("ops", "lister", True, False),
        ("away", "far", False, False),
    ]
    assert summary.ways_round(staffed()) == ["etl-deploy", "analysts", "staff", "ops", "away"]


def test_the_gateway_takes_the_tokens_of_its_people() -> None:
    rows = [(row.who, row.by) for row in summary.trusted(staffed()) if row.users]
    assert rows == [("staff, ops", summary.GATEWAY), ("analysts, staff, ops, away", summary.ACCOUNT)]


def test_rules_and_observing_are_about_people_too() -> None:
    services = ["exporter", "nightly-report"]
    assert [(name, sorted(of), people) for name, _, of, people in summary.asked_rules(staffed())] == [
        ("all", services, ["staff", "ops"]),
        ("listers", [], ["ops"]),
        ("robots", ["exporter"], []),
    ]
    assert sorted(summary.observed(staffed())) == sorted([*services, "staff", "ops"])
    assert summary.plain(staffed())["rules"][1]["people"] == ["ops"]


def test_actions_are_expanded_and_only_the_gateway_checks_them() -> None:
    first, _, direct, people = summary.rights(AccessModel.read(WIDE))
    assert "statement_execution.cancel_execution" in first.every_action
    assert [row.checked for row in (first, direct, people)] == [True, False, False]
    assert summary.ways_round(AccessModel.read(WIDE)) == ["etl-deploy", "analysts"]


def test_several_roles_are_several_rows() -> None:
    data = yaml.safe_load(WIDE)
    data["roles"]["second"] = {"workspace": "analytics", "actions": ["warehouses.list"]}
    data["services"]["exporter"]["roles"] = ["second", "reader"]
    rows = [row for row in summary.rights(AccessModel.read(text(data))) if row.who == "exporter"]
    assert [(row.role, row.group) for row in rows] == [("second", None), ("reader", "lakelatch-reader")]


def test_whose_tokens_are_trusted() -> None:
    entra = "https://login.microsoftonline.com/7f3b6c1e-9a42-4b8e-8d55-2c9e1f0a6b37/v2.0"
    account = "0d26daa6-5e44-4c97-a497-ef015f91254a"
    gateway = "https://databricks.example.com"
    token_address = "https://adb-4029384756102939.19.azuredatabricks.net/oidc/v1/token"
    github, subject = "https://token.actions.githubusercontent.com", "repo:acme/etl:environment:production"
    assert list(summary.trusted(AccessModel.read(WIDE))) == [
        Trusted("nightly-report", "the gateway", Trust(entra, (), None)),
        Trusted("nightly-report", "Databricks", Trust(gateway, (account,), "nightly-report")),
        Trusted("exporter", "the gateway", Trust("https://acme.okta.com/oauth2/aus1", ("api://databricks",), "0oa1")),
        Trusted("exporter", "Databricks", Trust(gateway, (account,), "exporter")),
        Trusted("etl-deploy", "Databricks", Trust(github, (account, token_address), subject)),
        Trusted(
            "analysts",
            "the Databricks account",
            Trust(entra, ("6a1f0c3e-5b7d-4e92-8c41-d0e9f8a7b6c5",), None, "upn"),
            users=True,
        ),
    ]


def test_a_trust_for_people_whom_the_model_does_not_name_is_told_all_the_same() -> None:
    model = AccessModel.read(changed("people", to={}))
    assert list(summary.trusted(model))[-1].who == "users of entra"


def test_plain_data_has_all_of_it() -> None:
    data = json.loads(json.dumps(summary.plain(AccessModel.read(WIDE))))
    assert [(row["who"], row["checked"], len(row["every_action"])) for row in data["rights"]] == [
        ("nightly-report", True, 7),
        ("exporter", True, 7),
        ("etl-deploy", False, 0),
        ("analysts", False, 7),
    ]
    assert [row["subject"] for row in data["trusts"] if row["who"] == "exporter"] == ["0oa1", "exporter"]
    assert data["ways_round"] == ["etl-deploy", "analysts"]
