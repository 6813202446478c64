"""SQL is really executed, answers in the vendor's shape, and reaches no file, no network and no other's results."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelatch_sandbox.databricks.sql_engine import Engine
from lakelatch_sandbox.databricks.sql_query import Query, StatementError
from lakelatch_sandbox.databricks.sql_text import SqlTextError, translate, with_system_tables
from lakelatch_sandbox.databricks.sql_types import Column, parameter_type

STATEMENTS = "/api/2.0/sql/statements"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = Engine()
    yield made
    made.close()


@pytest.fixture(scope="module")
def tokens(account: Any, issuer: Any) -> list[str]:
    """Tokens of two services."""
    found = []
    for name in ("one", "two"):
        principal = account.principal(name=name)
        account.policy(principal, issuer=issuer.url, audiences=["lakelatch"], subject="nightly")
        found.append(str(account.exchange(issuer.token(), principal["applicationId"]).json()["access_token"]))
    return found


@pytest.fixture
def run(account: Any, sandbox: Any, tokens: list[str]) -> Any:
    def send(statement: str, **more: object) -> Any:
        body = {"statement": statement, "warehouse_id": sandbox.endpoints.warehouse_id, "wait_timeout": "50s", **more}
        return account.workspace("POST", STATEMENTS, tokens[0], body)

    return send


def test_rows_with_the_vendors_types(run: Any) -> None:
    answer = run("SELECT * FROM samples.nyctaxi.trips ORDER BY tpep_pickup_datetime LIMIT 1").json()
    assert answer["status"] == {"state": "SUCCEEDED"}
    columns = [(one["name"], one["type_name"], one["position"]) for one in answer["manifest"]["schema"]["columns"]]
    assert columns == [
        ("tpep_pickup_datetime", "TIMESTAMP", 0),
        ("tpep_dropoff_datetime", "TIMESTAMP", 1),
        ("trip_distance", "DOUBLE", 2),
        ("fare_amount", "DOUBLE", 3),
        ("pickup_zip", "INT", 4),
        ("dropoff_zip", "INT", 5),
    ]
    row = ["2016-01-01T00:00:00.000Z", "2016-01-01T00:15:28.000Z", "3.85", "12.0", "10001", "10026"]
    assert answer["result"] == {"chunk_index": 0, "row_offset": 0, "row_count": 1, "data_array": [row]}


def test_result_in_chunks_keeps_its_order(run: Any, account: Any, tokens: list[str]) -> None:
    answer = run("SELECT range AS n FROM range(12000) ORDER BY n DESC").json()
    assert (answer["manifest"]["total_chunk_count"], answer["manifest"]["total_row_count"]) == (3, 12000)
    rows = list(answer["result"]["data_array"])
    link = answer["result"]["next_chunk_internal_link"]
    while link:
        chunk = account.workspace("GET", link, tokens[0]).json()
        rows += chunk["data_array"]
        link = chunk.get("next_chunk_internal_link")
    assert rows == [[str(n)] for n in range(11999, -1, -1)]


def test_limits_truncate(run: Any) -> None:
    limited = run("SELECT range FROM range(10)", row_limit=3).json()
    assert (limited["manifest"]["total_row_count"], limited["manifest"]["truncated"]) == (3, True)
    exact = run("SELECT range FROM range(3)", row_limit=3).json()
    assert (exact["manifest"]["total_row_count"], exact["manifest"]["truncated"]) == (3, False)


def test_parameters_catalog_and_schema(run: Any) -> None:
    answer = run(
        "SELECT count(*), :day + INTERVAL 1 DAY, :none, ':day', :name FROM trips WHERE pickup_zip = :zip",
        catalog="samples",
        schema="nyctaxi",
        parameters=[
            {"name": "zip", "value": "10001", "type": "INT"},
            {"name": "day", "value": "2020-01-31", "type": "DATE"},
            {"name": "name", "value": "'; DROP TABLE trips; --"},
            {"name": "none", "type": "DECIMAL(10,2)"},
        ],
    ).json()
    row = ["105", "2020-02-01T00:00:00.000Z", None, ":day", "'; DROP TABLE trips; --"]
    assert answer["result"]["data_array"] == [row]


@pytest.mark.parametrize(
    ("statement", "condition"),
    [
        ("SELEC 1", "PARSE_SYNTAX_ERROR"),
        ("SELECT 1; SELECT 2", "PARSE_SYNTAX_ERROR"),
        ("SELECT 'open", "PARSE_SYNTAX_ERROR"),
        ("SELECT $1", "PARSE_SYNTAX_ERROR"),
        ("-- nothing", "PARSE_EMPTY_STATEMENT"),
        ("SELECT :lost", "UNBOUND_SQL_PARAMETER"),
        ("SELECT * FROM samples.nyctaxi.nothing", "TABLE_OR_VIEW_NOT_FOUND"),
        ("SELECT nothing FROM samples.nyctaxi.trips", "UNRESOLVED_COLUMN"),
        ("SELECT CAST('x' AS INT)", "CONVERSION"),
        ("DROP TABLE samples.nyctaxi.trips", "INSUFFICIENT_PERMISSIONS"),
        ("CREATE TABLE t AS SELECT 1", "INSUFFICIENT_PERMISSIONS"),
        ("COPY (SELECT 1) TO 'file.csv'", "INSUFFICIENT_PERMISSIONS"),
        ("ATTACH 'file.db'", "INSUFFICIENT_PERMISSIONS"),
        ("SET memory_limit = '64GB'", "INSUFFICIENT_PERMISSIONS"),
        ("LOAD httpfs", "INSUFFICIENT_PERMISSIONS"),
        ("SELECT * FROM read_text('/etc/hostname')", "INSUFFICIENT_PERMISSIONS"),
        ("SELECT * FROM glob('/*')", "INSUFFICIENT_PERMISSIONS"),
        ("SELECT * FROM read_csv('http://127.0.0.1:9/x')", "INSUFFICIENT_PERMISSIONS"),
        ("SELECT 1) AS x(c0); DROP TABLE samples.nyctaxi.trips; --", "PARSE_SYNTAX_ERROR"),
        ("SELECT repeat('x', 1000) FROM range(100000)", "INLINE_RESULT_TOO_LARGE"),
    ],
)
def test_failures_are_states_with_the_condition(run: Any, statement: str, condition: str) -> None:
    answer = run(statement)
    assert answer.status_code == 200
    assert answer.json()["status"]["state"] == "FAILED"
    error = answer.json()["status"]["error"]
    assert error["error_code"] == "BAD_REQUEST"
    assert error["message"].startswith(f"[{condition}]"), error


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({"warehouse_id": "nothing"}, 404, id="unknown warehouse"),
        pytest.param({"warehouse_id": None}, 400, id="no warehouse"),
        pytest.param({"statement": ""}, 400, id="no statement"),
        pytest.param({"wait_timeout": "3s"}, 400, id="wait too short"),
        pytest.param({"wait_timeout": "51s"}, 400, id="wait too long"),
        pytest.param({"row_limit": 0}, 400, id="row limit"),
        pytest.param({"format": "ARROW_STREAM"}, 400, id="format"),
        pytest.param({"disposition": "EXTERNAL_LINKS"}, 400, id="disposition"),
        pytest.param({"parameters": [{"name": "a b"}]}, 400, id="parameter name"),
        pytest.param({"parameters": [{"name": "a", "type": "INT); DROP"}]}, 400, id="parameter type"),
    ],
)
def test_bad_requests(run: Any, body: dict[str, object], status: int) -> None:
    answer = run(**{"statement": "SELECT 1", **body})
    assert answer.status_code == status
    assert isinstance(answer.json()["error_code"], str)


def test_byte_limit_truncates(run: Any) -> None:
    """Rows beyond the byte limit are cut off, and the manifest says so."""
    answer = run("SELECT repeat('x', 100) FROM range(100)", byte_limit=1000).json()
    assert answer["manifest"]["truncated"]
    assert 0 < answer["manifest"]["total_row_count"] < 11


def test_external_links_are_refused_with_the_way_out(run: Any) -> None:
    """There is no cloud storage to link to: the refusal says what to ask for instead."""
    answer = run("SELECT 1", disposition="EXTERNAL_LINKS", format="ARROW_STREAM")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "Use INLINE" in answer.json()["message"]


def test_statement_is_polled_to_its_end(run: Any, account: Any, tokens: list[str]) -> None:
    """With `wait_timeout` 0s the answer comes at once, the result later, from the statement's own path."""
    sent = run("SELECT count(*) FROM range(1000)", wait_timeout="0s").json()
    assert "result" not in sent
    for _ in range(10_000):
        answer = account.workspace("GET", f"{STATEMENTS}/{sent['statement_id']}", tokens[0]).json()
        if answer["status"]["state"] not in ("PENDING", "RUNNING"):
            break
    assert answer["result"]["data_array"] == [["1000"]]


def test_timeout_can_cancel(run: Any) -> None:
    """`on_wait_timeout` CANCEL ends what is not done by then."""
    answer = run(ENDLESS, wait_timeout="5s", on_wait_timeout="CANCEL").json()
    assert answer["status"]["state"] == "CANCELED"


def test_audit_table_needs_a_grant(run: Any, account: Any, sandbox: Any, tokens: list[str]) -> None:
    """Who holds SELECT on the table, or above it, reads it; in quotes and by catalog too, and no one else."""
    texts = {
        "SELECT DISTINCT service_name FROM system.access.audit WHERE service_name = 'databrickssql'": {},
        "SELECT DISTINCT service_name FROM `system`.`access`.`audit` WHERE service_name = 'databrickssql'": {},
        "SELECT DISTINCT audit.service_name FROM audit WHERE service_name = 'databrickssql'": {"catalog": "system"},
    }
    for text, more in texts.items():
        error = run(text, **more).json()["status"]["error"]["message"]
        assert error.startswith("[INSUFFICIENT_PERMISSIONS]")
    form = {"grant_type": "client_credentials", "scope": "all-apis"}
    endpoints = sandbox.endpoints
    secret = (endpoints.admin_client_id, endpoints.admin_client_secret)
    token = sandbox.http.post(f"{endpoints.workspace_host}/oidc/v1/token", data=form, auth=secret).json()
    me = account.workspace("GET", "/api/2.0/preview/scim/v2/Me", tokens[0]).json()["userName"]
    changes = {"changes": [{"principal": me, "add": ["SELECT"]}]}
    path = "/api/2.1/unity-catalog/permissions/schema/system.access"
    assert account.workspace("PATCH", path, token["access_token"], changes).status_code == 200
    for text, more in texts.items():
        assert run(text, **more).json()["result"]["data_array"] == [["databrickssql"]]


def test_nothing_heavy_is_loaded_at_the_start() -> None:
    """The engine, the drivers' classes and MLflow are imported when they are needed, not at the start."""
    program = (
        "import sys, lakelatch_sandbox.server; "
        "print([name for name in ('duckdb', 'thrift', 'mlflow', 'pandas', 'databricks') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1 FROM System . ACCESS.audit", ("SELECT 1 FROM temp.main.audit", True)),
        ("SELECT 'system.access.audit'", ("SELECT 'system.access.audit'", False)),
        ("SELECT 1 FROM my_system.access.audit", ("SELECT 1 FROM my_system.access.audit", False)),
        ("SELECT 1 FROM x.system.access.audit", ("SELECT 1 FROM x.system.access.audit", False)),
        ("SELECT 1 FROM system.access.audits", ("SELECT 1 FROM system.access.audits", False)),
    ],
)
def test_audit_table_is_known_by_its_name_only(sql: str, expected: tuple[str, bool]) -> None:
    """Texts and other tables that look alike stay as they are."""
    assert with_system_tables(sql) == expected


ENDLESS = "SELECT count(*) FROM range(100000000000) a, range(100000) b"


def test_long_statement_is_polled_and_canceled(run: Any, account: Any, tokens: list[str]) -> None:
    sent = run(ENDLESS, wait_timeout="0s").json()
    assert sent["status"]["state"] in ("PENDING", "RUNNING")
    path = f"{STATEMENTS}/{sent['statement_id']}"
    # nobody else sees it
    assert account.workspace("GET", path, tokens[1]).status_code == 404
    assert account.workspace("POST", f"{path}/cancel", tokens[1]).status_code == 404
    assert account.workspace("POST", f"{path}/cancel", tokens[0]).status_code == 200
    assert account.workspace("GET", path, tokens[0]).json()["status"]["state"] == "CANCELED"
    # the thread is free again
    assert run("SELECT 1").json()["status"]["state"] == "SUCCEEDED"


def test_stop_does_not_wait_for_statements(new_sandbox: Any) -> None:
    sandbox = new_sandbox()
    endpoints = sandbox.endpoints
    form = {"grant_type": "client_credentials"}
    secret = (endpoints.admin_client_id, endpoints.admin_client_secret)
    token = sandbox.http.post(f"{endpoints.workspace_host}/oidc/v1/token", data=form, auth=secret).json()
    body = {"statement": ENDLESS, "warehouse_id": endpoints.warehouse_id, "wait_timeout": "0s"}
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    url = f"{endpoints.workspace_host}{STATEMENTS}"
    assert sandbox.http.post(url, json=body, headers=headers).status_code == 200
    sandbox.restart()


def test_interrupt_before_the_start_counts(engine: Engine) -> None:
    running = engine.prepare()
    running.interrupt()
    with pytest.raises(StatementError, match="OPERATION_CANCELED"):
        running.execute(Query("SELECT 1", "me"))


@given(value=st.text(alphabet=st.characters(exclude_characters="\0", codec="utf-8")))
def test_strings_mean_the_same_in_both_dialects(engine: Engine, value: str) -> None:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    assert engine.prepare().execute(Query(f"SELECT '{escaped}'", "me")).rows == [(value,)]


@given(st.text())
def test_any_text_is_translated_or_refused(text: str) -> None:
    refusal = ""
    try:
        translated = translate(text, {})
    except SqlTextError as error:
        translated, refusal = "", str(error)
    if refusal:
        assert refusal.startswith("[")
    else:
        # what is left outside of literals and names has no marker and no second statement
        outside = re.sub(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"""", "", translated)
        assert not set(outside) & set("`$?;")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT `a``b` -- c\n;", 'SELECT "a`b"'),
        ('SELECT "it\'s"', "SELECT 'it''s'"),
        ("SELECT r'\\n', '\\%', '\\u0041'", "SELECT '\\n', '\\%', 'A'"),
        ("SELECT a::INT, :p, ':p'", "SELECT a::INT, CAST($p AS DATE), ':p'"),
        ("SELECT /* ; :x */ 1;;", "SELECT   1"),
    ],
)
def test_translations(sql: str, expected: str) -> None:
    assert translate(sql, {"p": "DATE"}) == expected


@pytest.mark.parametrize(
    ("duckdb_type", "name", "text"),
    [
        ("BIGINT", "LONG", "BIGINT"),
        ("HUGEINT", "LONG", "BIGINT"),
        ("DECIMAL(10,2)", "DECIMAL", "DECIMAL(10,2)"),
        ("INTEGER[]", "ARRAY", "ARRAY<INT>"),
        ("STRUCT(a INTEGER)", "STRUCT", "STRUCT"),
        ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP", "TIMESTAMP"),
    ],
)
def test_types(duckdb_type: str, name: str, text: str) -> None:
    described = Column("c", duckdb_type).described(0)
    assert (described["type_name"], described["type_text"]) == (name, text)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("int", "INTEGER"), ("DECIMAL", "DECIMAL(10,0)"), ("DECIMAL(39,1)", None), ("MAP<INT,INT>", None)],
)
def test_parameter_types(name: str, expected: str | None) -> None:
    assert parameter_type(name) == expected


VALUES = {
    "true": "true",
    "1.50": "1.50",
    "DATE '2020-01-02'": "2020-01-02",
    "TIMESTAMP '2020-01-02 03:04:05.678'": "2020-01-02T03:04:05.678Z",
    "NULL": None,
    "[1, 2]": "[1,2]",
    "{'a': 1}": json.dumps({"a": 1}, separators=(",", ":")),
    "sum(3)": "3",
    "unhex('00ff')": "AP8=",
}


def test_every_kind_of_value_is_text(engine: Engine) -> None:
    result = engine.prepare().execute(Query(f"SELECT {', '.join(VALUES)}", "me"))
    assert result.rows == [tuple(VALUES.values())]
