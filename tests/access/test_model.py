"""Proves that a model is judged as a whole: every mistake at once, with path, line and what would be right."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lakelatch.access.actions import GRANTABLE
from lakelatch.access.model import AccessModel
from lakelatch.errors import ModelError

SHIPPED = (Path(__file__).parents[2] / "stacks" / "access.yaml").read_text(encoding="utf-8")


def changed(*path: str, to: Any) -> str:
    """The shipped model with one value replaced (or removed, with `to=...`)."""
    data = yaml.safe_load(SHIPPED)
    place = data
    for key in path[:-1]:
        place = place[key]
    if to is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return yaml.safe_dump(data)


def findings(text: str) -> dict[str, str]:
    """Path to what was found and what would be right."""
    with pytest.raises(ModelError) as caught:
        AccessModel.read(text)
    return {finding.path: f"{finding.found}; {finding.expected}" for finding in caught.value.findings}


def test_the_shipped_model_holds() -> None:
    model = AccessModel.read(SHIPPED)
    assert list(model.services) == ["nightly-report"]
    assert model.actions("nightly-report") == {
        "sql-reader": (
            "current_user.me",
            "statement_execution.cancel_execution",
            "statement_execution.create_session",
            "statement_execution.delete_session",
            "statement_execution.execute_statement",
            "statement_execution.get_statement",
            "statement_execution.get_statement_result_chunk_n",
            "warehouses.list",
            "warehouses.get",
        )
    }


@pytest.mark.parametrize(
    ("path", "to", "where", "says"),
    [
        pytest.param(("account", "id"), "x", "account.id", "must match", id="account id is no UUID"),
        pytest.param(("account", "host"), "http://a", "account.host", "https", id="http"),
        pytest.param(("account", "host"), "https://a/path", "account.host", "path", id="host with a path"),
        pytest.param(("account", "host"), "https://u:p@a", "account.host", "credentials", id="credentials in a host"),
        pytest.param(("account",), ..., "account", "is missing", id="no account"),
        pytest.param(("acount",), {}, "acount", "not a known key", id="misspelt key"),
        pytest.param(("workspaces", "analytics", "id"), 5, "workspaces.analytics.id", "quotes", id="number for text"),
        pytest.param(("issuers", "entra", "type"), "entry", "issuers.entra", "one of", id="unknown kind of issuer"),
        pytest.param(("issuers", "entra", "tenant"), "x", "issuers.entra.tenant", "must match", id="no tenant id"),
        pytest.param(
            ("issuers", "cluster", "url"), "http://a", "issuers.cluster.url", "https", id="issuer without https"
        ),
        pytest.param(
            ("issuers", "cluster", "url"), "https:", "issuers.cluster.url", "no host", id="issuer without host"
        ),
        pytest.param(
            ("roles", "sql-reader", "actions"), [], "roles.sql-reader", "neither", id="role that gives nothing"
        ),
        pytest.param(
            ("roles", "sql-reader", "actions"),
            ["sql.run"],
            "roles.sql-reader.actions[0]",
            "catalogue",
            id="unknown action",
        ),
        pytest.param(
            ("roles", "sql-reader", "actions"),
            ["statement_execution.execute"],
            "roles.sql-reader.actions[0]",
            "'statement_execution.execute_statement'",
            id="part of an action's name",
        ),
        pytest.param(
            ("roles", "sql-reader", "actions"),
            ["account_users.list"],
            "roles.sql-reader.actions[0]",
            "account's API",
            id="action of the account",
        ),
        pytest.param(
            ("roles", "sql-reader", "actions"), ["*"], "roles.sql-reader.actions[0]", "catalogue", id="bare wildcard"
        ),
        pytest.param(
            ("services", "nightly-report", "roles"),
            ["x"],
            "services.nightly-report.roles[0]",
            "sql-reader",
            id="no such role",
        ),
        pytest.param(
            ("services", "nightly-report", "roles"),
            [],
            "services.nightly-report.roles",
            "empty",
            id="service without role",
        ),
        pytest.param(
            ("services", "nightly-report", "roles"),
            ["sql-reader", "sql-reader"],
            "services.nightly-report.roles[1]",
            "second time",
            id="role twice",
        ),
        pytest.param(
            ("services", "nightly-report", "issuer"),
            "x",
            "services.nightly-report.issuer",
            "entra",
            id="no such issuer",
        ),
        pytest.param(
            ("services", "nightly-report", "workspace"),
            "x",
            "services.nightly-report.workspace",
            "analytics",
            id="no such workspace",
        ),
        pytest.param(
            ("services", "nightly-report", "workload", "service_account"),
            "*",
            "services.nightly-report.workload",
            "DNS",
            id="wildcard subject",
        ),
        pytest.param(
            ("services", "nightly-report", "workload", "namespace"),
            "",
            "services.nightly-report.workload",
            "DNS",
            id="empty namespace",
        ),
        pytest.param(
            ("services", "Nightly Report"), {}, "services.Nightly Report", "must match", id="name with a blank"
        ),
        pytest.param(
            ("lifetimes",), {"gateway_token_seconds": 3601}, "lifetimes.gateway_token_seconds", "3600", id="too long"
        ),
        pytest.param(
            ("lifetimes",), {"gateway_token_seconds": 119}, "lifetimes.gateway_token_seconds", "120", id="too short"
        ),
        pytest.param(("gateway", "workspace"), "x", "gateway.workspace", "analytics", id="gateway of no workspace"),
        pytest.param(("gateway", "port"), 70000, "gateway.port", "65535", id="no such port"),
    ],
)
def test_one_mistake_one_finding(path: tuple[str, ...], to: Any, where: str, says: str) -> None:
    found = findings(changed(*path, to=to))
    assert where in found, found
    assert says in found[where]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("https://a b/", "white space", id="blank"),
        pytest.param(" https://a", "white space", id="blank before"),
        pytest.param("https://a\n", "white space", id="line break"),
        pytest.param("https://a\u202e", "does not show", id="direction mark"),
        pytest.param("HTTPS://a", "https://", id="capitals"),
        pytest.param("https://*.a", "wildcard", id="wildcard"),
        pytest.param("https://a/*", "wildcard", id="wildcard in the path"),
        pytest.param("https://a?", "query", id="empty query"),
        pytest.param("https://a/#", "fragment", id="empty fragment"),
        pytest.param("https://a:65536", "port", id="port too large"),
        pytest.param("https://a:x", "port", id="port that is no number"),
    ],
)
def test_an_issuer_that_no_token_names(url: str, says: str) -> None:
    assert says in findings(changed("issuers", "cluster", "url", to=url))["issuers.cluster.url"]


@pytest.mark.parametrize("key", ["a\nb", "\x1b[31m", "\u202e"], ids=["line break", "escape", "direction mark"])
def test_a_report_shows_what_a_terminal_would_obey(key: str) -> None:
    [path] = findings(changed("account", key, to=1))
    assert path == "account." + key.encode("unicode_escape").decode()


def test_two_services_cannot_share_a_workload() -> None:
    data = yaml.safe_load(SHIPPED)
    data["services"]["other"] = data["services"]["nightly-report"]
    found = findings(yaml.dump(data, Dumper=_PlainDumper))
    assert "a workload of its own" in found["services.other.workload"]


class _PlainDumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def test_every_mistake_is_told_at_once_with_its_line() -> None:
    text = SHIPPED.replace("https://accounts.azuredatabricks.net", "http://a").replace("type: entra", "type: entry")
    with pytest.raises(ModelError) as caught:
        AccessModel.read(text, "access.yaml")
    lines = {finding.path: finding.line for finding in caught.value.findings}
    source = text.splitlines()
    assert "http://a" in source[(lines["account.host"] or 0) - 1]
    assert "entra:" in source[(lines["issuers.entra"] or 0) - 1]
    assert str(caught.value).startswith("access.yaml: 2 problems")


def test_a_message_never_quotes_a_value_that_may_be_secret() -> None:
    text = SHIPPED.replace("account:\n", "account:\n  client_secret: dose-hidden\n")
    assert "dose-hidden" not in str(findings(text))


def test_an_overlay_brings_this_stacks_addresses() -> None:
    overlay = {"account": {"host": "https://127.0.0.1:1"}, "issuers": {"entra": {"authority": "https://127.0.0.1:2"}}}
    model = AccessModel.read(SHIPPED, overlay=overlay)
    assert model.account.host == "https://127.0.0.1:1"
    issuer = model.issuers["entra"]
    assert issuer.issuer == "https://127.0.0.1:2/7f3b6c1e-9a42-4b8e-8d55-2c9e1f0a6b37/v2.0"
    assert model.account.id in SHIPPED


def test_an_issuers_address_is_kept_to_the_letter() -> None:
    """Databricks compares an issuer to the letter, and some end in a slash."""
    assert AccessModel.read(SHIPPED).issuers["cluster"].issuer == "https://oidc.example.com/cluster/"


def test_each_action_can_be_granted_by_its_name() -> None:
    model = AccessModel.read(changed("roles", "sql-reader", "actions", to=list(GRANTABLE)))
    assert model.actions("nightly-report") == {"sql-reader": GRANTABLE}


def test_an_action_that_two_entries_name_is_there_once() -> None:
    model = AccessModel.read(changed("roles", "sql-reader", "actions", to=["warehouses.list", "warehouses.*"]))
    actions = model.actions("nightly-report")["sql-reader"]
    assert actions[0] == "warehouses.list"
    assert sorted(set(actions)) == sorted(actions)
