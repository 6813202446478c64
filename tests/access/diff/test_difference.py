"""Proves that everything that decides access is compared, section by section, with what is at stake first."""

import json
from typing import Any, Final

import pytest
import yaml
from support.wide import WIDE, changed, text

from lakelatch.access.diff.as_json import as_json
from lakelatch.access.diff.difference import Difference, difference
from lakelatch.access.diff.effects import EFFECTS, RISKS
from lakelatch.access.diff.markdown import CHARACTERS, MARK, markdown
from lakelatch.access.diff.of_model import of_model
from lakelatch.access.diff.text import text as as_text
from lakelatch.access.model import AccessModel

SECTIONS: Final = ("actions", "round_it", "trusts", "rights", "lifetimes", "settings")


def compare(old: str, new: str) -> Difference:
    return difference(of_model(AccessModel.read(old)), of_model(AccessModel.read(new)))


def with_grant(*privileges: str) -> str:
    return changed("roles", "reader", "grants", to=[{"schema": "main.sales", "privileges": list(privileges)}])


def direct() -> str:
    """The exporter past the gateway."""
    return changed("services", "exporter", "via", to="direct")


CASES: Final[dict[str, tuple[str, str, dict[str, list[tuple[str, str]]]]]] = {
    "nothing": (WIDE, WIDE, {}),
    "words for people": (WIDE, changed("roles", "reader", "description", to="Another"), {}),
    "a longer life": (
        WIDE,
        changed("lifetimes", to={"gateway_token_seconds": 1200}),
        {"lifetimes": [("more", "medium")]},
    ),
    "a shorter life": (
        WIDE,
        changed("lifetimes", to={"gateway_token_seconds": 300}),
        {"lifetimes": [("less", "medium")]},
    ),
    "a privilege that writes": (
        with_grant("SELECT"),
        with_grant("SELECT", "MODIFY"),
        {"rights": [("more", "medium")] * 3},
    ),
    "a privilege that is whole": (
        with_grant("SELECT"),
        with_grant("SELECT", "ALL_PRIVILEGES"),
        {"rights": [("more", "high")] * 3},
    ),
    "a privilege less": (with_grant("SELECT", "MODIFY"), with_grant("SELECT"), {"rights": [("less", "medium")] * 3}),
    "a cluster": (
        WIDE,
        changed("roles", "reader", "entitlements", to=["databricks-sql-access", "allow-cluster-create"]),
        {"rights": [("more", "high")] * 3},
    ),
    "a lesser assurance": (
        WIDE,
        changed("people", "analysts", "assurance", to="mfa"),
        {"settings": [("more", "high")]},
    ),
    "a higher assurance": (
        WIDE,
        changed("people", "analysts", "assurance", to="attested-hardware"),
        {"settings": [("less", "high")]},
    ),
    "calls without bound": (
        changed("services", "exporter", "limits", to={"requests_per_second": 5}),
        WIDE,
        {"settings": [("more", "medium")]},
    ),
    "another subject of a direct service": (
        WIDE,
        changed("services", "etl-deploy", "workload", "environment", to="staging"),
        {"trusts": [("other", "high")]},
    ),
    "pull requests": (
        WIDE,
        changed("services", "etl-deploy", "workload", to={"repository": "acme/etl", "pull_request": True}),
        {"trusts": [("other", "high")]},
    ),
    "another platform behind Entra": (
        WIDE,
        changed("services", "nightly-report", "workload", "service_account", to="other"),
        {"trusts": [("other", "high")]},
    ),
    "an account-wide trust": (
        WIDE,
        changed("issuers", "entra", "users", "subject_claim", to="email"),
        {"trusts": [("other", "high")]},
    ),
    "no more people": (
        WIDE,
        changed("people", to={}),
        {"round_it": [("less", "high")], "rights": [("less", "medium"), *[("less", "low")] * 4]},
    ),
}


@pytest.mark.parametrize(("old", "new", "wanted"), CASES.values(), ids=CASES)
def test_every_section_tells_its_own(old: str, new: str, wanted: dict[str, list[tuple[str, str]]]) -> None:
    found = compare(old, new)
    told = {name: [(one.effect, one.risk) for one in getattr(found, name)] for name in SECTIONS}
    assert {name: rows for name, rows in told.items() if rows} == wanted
    assert found.grows == any(effect != "less" for rows in wanted.values() for effect, _ in rows)


def test_a_service_that_goes_round_the_gateway_is_told_everywhere() -> None:
    found = compare(WIDE, direct())
    assert [(one.change, len(one.actions)) for one in found.actions] == [("loses", 7)]
    assert [(one.who, one.change) for one in found.round_it] == [("exporter", "begins")]
    assert [(one.by, one.change) for one in found.trusts] == [("Databricks", "changed"), ("the gateway", "removed")]


def test_a_service_and_people_of_one_name_are_told_apart() -> None:
    data: Any = yaml.safe_load(direct())
    data["people"]["exporter"] = data["people"].pop("analysts")
    alike = text(data)
    data["services"]["exporter"]["via"] = "gateway"
    found = compare(text(data), alike)
    assert [(one.kind, one.who, one.change) for one in found.round_it] == [("service", "exporter", "begins")]
    assert not found.rights
    lines = list(as_text(compare(WIDE, text(data)), 100))
    assert any("+ exporter (people) goes round the gateway now" in line for line in lines)


def test_one_more_audience_loosens_a_trust() -> None:
    """Only what is added: the same issuer and subject."""
    old, new = (of_model(AccessModel.read(WIDE)) for _ in range(2))
    (row,) = (one for one in old.trusts if one.who == "exporter" and one.by == "the gateway")
    wider = type(row)(row.who, row.by, type(row.trust)(row.trust.issuer, ("another", *row.trust.audiences), "0oa1"))
    new = type(new)(new.policy, new.people, tuple(wider if one == row else one for one in new.trusts))
    old = type(old)(old.policy, old.people, old.trusts)
    assert [one.change for one in difference(old, new).trusts] == ["loosened"]
    assert [one.change for one in difference(new, old).trusts] == ["tightened"]


def busy() -> tuple[str, str]:
    """Two models that differ in much."""
    data: Any = yaml.safe_load(WIDE)
    data["roles"]["reader"]["actions"] = ["current_user.me", "jobs.*", "statement_execution.execute_statement"]
    data["rules"] = {"cap": {"for": {"actions": ["statement_execution.*"]}, "limit": {"row_limit": 1000}}}
    data["services"]["exporter"]["workload"]["client_id"] = "0oa2"
    data["lifetimes"] = {"gateway_token_seconds": 3600}
    return WIDE, text(data)


def test_what_is_at_stake_comes_first() -> None:
    found = compare(*busy())
    for name in SECTIONS:
        places = [(EFFECTS.index(one.effect), RISKS.index(one.risk)) for one in getattr(found, name)]
        assert places == sorted(places)
    assert found.actions[0].effect == "more"


def test_the_words() -> None:
    lines = list(as_text(compare(*busy()), 100))
    assert lines[0] == "8 changes: 4 to more access, 1 to other access, 3 to less access"
    at = lines.index("  + nightly-report may now do 20 actions  [high risk]")
    assert lines[at + 1] == "      high risk: jobs.*"
    assert "      must hold now: body.row_limit <= 1000" in lines
    assert "      subject: 0oa1 → 0oa2" in lines
    assert "  + tokens that the gateway signs: 10 minutes → 60 minutes  [medium risk]" in lines


def test_nothing_is_said_in_a_line() -> None:
    assert list(as_text(compare(WIDE, WIDE), 100)) == ["no access changes"]
    assert markdown(compare(WIDE, WIDE)).splitlines() == [MARK, "### Access changes", "", "**No access changes.**"]


HOSTILE: Final = "a`b @team <b>#1</b> ``c``\x1b[31m\u202e|*x*"


def test_no_name_comes_to_life_in_markdown_or_on_a_terminal() -> None:
    new = changed("roles", "reader", "group", to={"create": HOSTILE})
    found = compare(WIDE, new)
    told = markdown(found)
    assert "```a`b @team <b>#1</b> ``c``\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}|*x*```" in told
    for shown in (told, "\n".join(as_text(found, 100))):
        assert "\x1b" not in shown
        assert "\u202e" not in shown


def test_a_comment_keeps_within_what_a_host_takes_and_counts_what_it_leaves_out() -> None:
    data: Any = yaml.safe_load(WIDE)
    for number in range(800):
        workload = {"repository": f"acme/repository-{number}", "environment": "production"}
        row = {"issuer": "github", "via": "direct", "workspace": "science", "roles": ["deployer"], "workload": workload}
        data["services"][f"service-{number}"] = row
    told = markdown(compare(WIDE, text(data)))
    assert len(told) <= CHARACTERS
    shown = sum(line.startswith("- ") for line in told.splitlines())
    left = next(int(line.split()[0]) for line in told.splitlines() if "did not fit" in line)
    assert shown + left == 800 + 800 + 1


def test_the_data_has_every_action_one_by_one() -> None:
    found = compare(*busy())
    data = json.loads(json.dumps(as_json(found)))
    first = data["actions"][0]
    assert (first["who"], first["change"], first["effect"], first["risk"]) == (
        "nightly-report",
        "gains",
        "more",
        "high",
    )
    assert {"name": "jobs.run_now", "access": "write", "risk": "medium"} in first["actions"]
    assert sum(len(data[name]) for name in ("actions", "trusts", "rights", "lifetimes", "settings")) == 8
