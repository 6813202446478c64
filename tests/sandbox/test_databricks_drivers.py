"""The vendor's SQL driver works against the double: the Thrift protocol with results, parameters, errors, metadata."""

import datetime
import logging
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from databricks import sql
from databricks.sql.exc import DatabaseError, Error, RequestError, ServerOperationError
from hypothesis import given
from hypothesis import strategies as st

from lakelatch_sandbox.databricks import audit
from lakelatch_sandbox.databricks.errors import ApiError
from lakelatch_sandbox.databricks.sample_data import TRIPS
from lakelatch_sandbox.databricks.sql_types import Column
from lakelatch_sandbox.databricks.thrift.catalog import Catalog, matches
from lakelatch_sandbox.databricks.thrift.columns import columns, null_bits
from lakelatch_sandbox.databricks.thrift.protocol import METHODS, Protocol
from lakelatch_sandbox.databricks.thrift.sessions import Operation, Session, Sessions

pytestmark = pytest.mark.usefixtures("environment")

HEAD = b"\x80\x01\x00\x01\x00\x00\x00\x0bOpenSession\x00\x00\x00\x01"
ENDLESS = "SELECT count(*) FROM range(100000000000) a, range(100000) b"


@pytest.fixture(scope="module")
def token(sandbox: Any) -> str:
    endpoints = sandbox.endpoints
    answer = sandbox.http.post(
        f"{endpoints.workspace_host}/oidc/v1/token",
        data={"grant_type": "client_credentials", "scope": "all-apis"},
        auth=(endpoints.admin_client_id, endpoints.admin_client_secret),
    )
    return str(answer.json()["access_token"])


Connect = Callable[..., Any]


@pytest.fixture
def connect(sandbox: Any, token: str) -> Iterator[Connect]:
    opened: list[Any] = []

    def made(path: str = "/sql/1.0/warehouses/", **more: Any) -> Any:
        host = sandbox.endpoints.workspace_host
        http_path = path + sandbox.endpoints.warehouse_id if path.endswith("/") else path
        connection = sql.connect(
            server_hostname=host.removeprefix("https://"),
            http_path=http_path,
            # the driver knows no host with a port otherwise
            _connection_uri=host + http_path,
            access_token=more.pop("access_token", token),
            _tls_trusted_ca_file=sandbox.endpoints.ca_file,
            _retry_stop_after_attempts_count=1,
            **more,
        )
        opened.append(connection)
        return connection

    yield made
    for connection in opened:
        connection.close()


VALUES: dict[str, tuple[str, object]] = {
    "true": ("boolean", True),
    "CAST(-128 AS TINYINT)": ("tinyint", -128),
    "CAST(7 AS SMALLINT)": ("smallint", 7),
    "42": ("int", 42),
    "9223372036854775807": ("bigint", 2**63 - 1),
    "CAST(1.5 AS FLOAT)": ("float", 1.5),
    "CAST(0.1 AS DOUBLE)": ("double", 0.1),
    "CAST(12345.67 AS DECIMAL(10, 2))": ("decimal", Decimal("12345.67")),
    "'it''s ü'": ("string", "it's ü"),
    "DATE '2020-02-29'": ("date", datetime.date(2020, 2, 29)),
    "TIMESTAMP '2020-01-02 03:04:05.678901'": ("timestamp", datetime.datetime(2020, 1, 2, 3, 4, 5, 678901)),
    "unhex('00ff')": ("binary", b"\0\xff"),
    "[1, 2, NULL]": ("array", "[1,2,null]"),
    "{'a': 1}": ("struct", '{"a":1}'),
    # the engine gives a bare NULL the type of a whole number
    "NULL": ("int", None),
    "CAST(NULL AS DECIMAL(3, 1))": ("decimal", None),
    "CAST(NULL AS BIGINT)": ("bigint", None),
}


@pytest.mark.parametrize("path", ["/sql/1.0/warehouses/", "/sql/1.0/endpoints/"])
def test_every_type(connect: Connect, path: str) -> None:
    """Each type arrives as the driver's own, nulls too; both paths of a warehouse serve."""
    with connect(path).cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(VALUES)}")
        assert [one[1] for one in cursor.description] == [type for type, _ in VALUES.values()]
        (decimal,) = [one for one in cursor.description if one[4:6] == (10, 2)]
        assert decimal[1] == "decimal"
        assert [tuple(row) for row in cursor.fetchall()] == [tuple(value for _, value in VALUES.values())]


def test_rows_are_fetched_in_parts(connect: Connect) -> None:
    """More rows than one answer holds arrive whole and in order, however the client asks for them."""
    with connect().cursor() as cursor:
        cursor.execute(
            "SELECT range AS n, CASE WHEN range % 3 = 0 THEN NULL ELSE range END FROM range(25000) ORDER BY n"
        )
        first = cursor.fetchmany(7)
        rest = cursor.fetchall()
        assert [row[0] for row in (*first, *rest)] == list(range(25000))
        assert [row[1] for row in rest] == [None if n % 3 == 0 else n for n in range(7, 25000)]
        cursor.execute("SELECT 1 WHERE false")
        assert cursor.fetchall() == []


def test_parameters(connect: Connect) -> None:
    """By name and by position, with the types that the driver infers; a parameter is never read as SQL."""
    values = {
        "number": 5,
        "text": "'; DROP TABLE x; --",
        "price": Decimal("1.25"),
        "day": datetime.date(2020, 1, 31),
        "at": datetime.datetime(2020, 1, 1, 12, 30),
        "yes": True,
        "none": None,
    }
    with connect().cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(f':{name}' for name in values)}", values)
        (row,) = cursor.fetchall()
        assert list(row)[:4] == [5, "'; DROP TABLE x; --", Decimal("1.25"), datetime.date(2020, 1, 31)]
        assert [value.replace(tzinfo=None) if isinstance(value, datetime.datetime) else value for value in row][4:] == [
            datetime.datetime(2020, 1, 1, 12, 30),
            True,
            None,
        ]
        cursor.execute("SELECT ? + 1, '?', ?", [1, "b"])
        assert [tuple(row) for row in cursor.fetchall()] == [(2, "?", "b")]
        cursor.execute("SELECT count(*) FROM samples.nyctaxi.trips WHERE pickup_zip = :zip", {"zip": 10001})
        assert cursor.fetchone()[0] == 105


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SELEC 1", "PARSE_SYNTAX_ERROR"),
        ("SELECT * FROM nothing", "TABLE_OR_VIEW_NOT_FOUND"),
        ("SELECT :lost", "UNBOUND_SQL_PARAMETER"),
        ("SELECT ?", "UNBOUND_SQL_PARAMETER"),
        ("CREATE TABLE t AS SELECT 1", "INSUFFICIENT_PERMISSIONS"),
    ],
)
def test_errors(connect: Connect, statement: str, message: str) -> None:
    """A failing statement raises the driver's own error with the vendor's condition, and the session goes on."""
    with connect().cursor() as cursor:
        with pytest.raises(ServerOperationError, match=message):
            cursor.execute(statement)
        cursor.execute("SELECT 1")
        assert cursor.fetchone()[0] == 1


def test_metadata(connect: Connect) -> None:
    """Catalogs, schemas, tables and columns by pattern, with JDBC's names."""
    with connect().cursor() as cursor:
        assert {row.TABLE_CAT for row in cursor.catalogs().fetchall()} >= {"main", "samples", "system"}
        found = cursor.schemas(catalog_name="samples").fetchall()
        assert [(row.TABLE_SCHEM, row.TABLE_CATALOG) for row in found] == [("nyctaxi", "samples")]
        found = cursor.tables(catalog_name="samples", table_name="tr%").fetchall()
        assert [(row.TABLE_SCHEM, row.TABLE_NAME, row.TABLE_TYPE) for row in found] == [("nyctaxi", "trips", "TABLE")]
        found = cursor.columns(catalog_name="samples", schema_name="nyctaxi", table_name="trips").fetchall()
        assert [row.COLUMN_NAME for row in found] == list(TRIPS)
        assert [row.DATA_TYPE for row in found] == [93, 93, 8, 8, 4, 4]
        assert cursor.tables(catalog_name="none").fetchall() == []


@pytest.mark.parametrize(
    ("table", "expected"), [("samples.nyctaxi.trips", TRIPS), ("system.access.audit", audit.STRUCTURE)]
)
def test_metadata_says_what_is_there(connect: Connect, table: str, expected: dict[str, str]) -> None:
    """The columns that the metadata calls show are those that a query finds, and the audit table can be queried."""
    with connect().cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} LIMIT 1")
        shown = [(one[0], one[1]) for one in cursor.description]
    types = {"LONG": "bigint", "INT": "int"}
    names = [(name, Column(name, type).described(0)["type_name"]) for name, type in expected.items()]
    assert shown == [(name, types.get(type, type.lower())) for name, type in names]


def test_sessions_and_users(connect: Connect, token: str) -> None:
    """A session has its namespace; a closed one is refused; who the statement runs for is the token's principal."""
    with connect(catalog="samples", schema="nyctaxi").cursor() as cursor:
        cursor.execute("SELECT count(*) FROM trips")
        assert cursor.fetchone()[0] == 5000
    connection = connect()
    cursor = connection.cursor()
    connection.close()
    with pytest.raises(Error):
        cursor.execute("SELECT 1")


def test_sessions_belong_to_their_user() -> None:
    """Nobody else's token reaches a session or what runs in it, not even with its handle."""
    statements: Any = None
    sessions = Sessions(statements)
    session = Session("one", None, None)
    sessions.open(session)
    operation = Operation(b"o" * 16, "GET_CATALOGS", ready=Catalog.nothing("x"))
    sessions.begin(session, operation)
    assert sessions.find(session.id, "one") is session
    assert sessions.find(session.id, "two") is None
    assert sessions.operation(operation.id, "one") is operation
    assert sessions.operation(operation.id, "two") is None
    sessions.close(session)
    assert sessions.operation(operation.id, "one") is None


def test_asynchronous_execution_and_cancel(connect: Connect) -> None:
    """`execute_async` gives the hand back at once; a cancel ends the statement."""
    with connect().cursor() as cursor:
        cursor.execute_async("SELECT 1 + 1")
        cursor.get_async_execution_result()
        assert cursor.fetchone()[0] == 2
        cursor.execute_async(ENDLESS)
        assert cursor.is_query_pending()
        cursor.cancel()
        assert not cursor.is_query_pending()


def test_tokens_from_elsewhere_are_exchanged_again(
    connect: Connect,
    account: Any,
    issuer: Any,
    sandbox: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A JWT of the identity provider is exchanged by the driver itself; nothing else that it asks for fails."""
    # the driver exchanges only what another host has issued, and does not look at ports
    monkeypatch.setattr(issuer, "url", issuer.url.replace("127.0.0.1", "localhost"))
    principal = account.principal(name="driver")
    account.policy(principal, issuer=issuer.url, audiences=["lakelatch"], subject="nightly")
    with caplog.at_level(logging.WARNING):
        connection = connect(
            access_token=issuer.token(),
            identity_federation_client_id=principal["applicationId"],
            enable_telemetry=True,
        )
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user()")
            assert cursor.fetchone()[0] == principal["applicationId"]
    assert [record.getMessage() for record in caplog.records if record.name.startswith("databricks")] == []


@pytest.mark.parametrize(
    ("path", "bad_token", "message"),
    [
        pytest.param("/sql/1.0/warehouses/none", False, "does not exist", id="unknown warehouse"),
        pytest.param("/sql/1.0/warehouses/", True, "access token", id="bad token"),
    ],
)
def test_refusals_of_a_session(connect: Connect, path: str, bad_token: bool, message: str) -> None:
    """The driver shows why it was refused, and does not try again."""
    with pytest.raises((RequestError, DatabaseError), match=message):
        connect(path, **({"access_token": "dapi-none"} if bad_token else {}))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{}", id="JSON"),
        pytest.param(b"\x80\x01\x00\x01\x00\x00\x00\x07Unknown\x00\x00\x00\x01\x00", id="unknown method"),
        pytest.param(b"\x80\x01\x00\x01\x7f\xff\xff\xff", id="length beyond the body"),
        pytest.param(b"\x80\x01\x00\x01\x00\x00\x00\x0bOpenSession\x00\x00\x00\x01\x00", id="no request"),
    ],
)
def test_malformed_calls(sandbox: Any, token: str, body: bytes) -> None:
    """What is no call is refused with 400 and a reason, in the header that drivers read too."""
    endpoints = sandbox.endpoints
    url = f"{endpoints.workspace_host}/sql/1.0/warehouses/{endpoints.warehouse_id}"
    answer = sandbox.http.post(url, content=body, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 400
    assert answer.headers["x-thriftserver-error-message"] == answer.json()["message"]


def test_without_the_generated_classes(new_sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the optional requirement the answer is 501 and names it."""
    monkeypatch.setitem(sys.modules, "databricks.sql.thrift_api.TCLIService.ttypes", None)
    sandbox = new_sandbox()
    endpoints = sandbox.endpoints
    secret = (endpoints.admin_client_id, endpoints.admin_client_secret)
    form = {"grant_type": "client_credentials"}
    token = sandbox.http.post(f"{endpoints.workspace_host}/oidc/v1/token", data=form, auth=secret).json()[
        "access_token"
    ]
    url = f"{endpoints.workspace_host}/sql/1.0/warehouses/{endpoints.warehouse_id}"
    answer = sandbox.http.post(url, content=b"", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 501
    assert "lakelatch-sandbox[drivers]" in answer.json()["message"]


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=100).map(lambda rest: HEAD + rest)))
def test_any_bytes_are_a_call_or_refused(content: bytes) -> None:
    """Whatever arrives: a call of a method that is served, or a refusal with status 400."""
    status = 200
    try:
        assert Protocol().read(content).method in METHODS
    except ApiError as refusal:
        status = refusal.status
    assert status in (200, 400)


@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=40))
def test_columns_keep_values_and_nulls(values: list[int | None]) -> None:
    """What is packed into a column is what its bits and values say."""
    texts = [None if value is None else str(value) for value in values]
    (column,) = columns(Protocol().types, [Column("n", "BIGINT")], [(text,) for text in texts])
    bits = null_bits(texts)
    packed = zip(column.i64Val.values, range(len(values)), strict=True)
    assert [None if bits[n // 8] >> (n % 8) & 1 else value for value, n in packed] == values
    assert column.i64Val.nulls == bits


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        (None, "x", True),
        ("", "x", True),
        ("%", "anything", True),
        ("tr_ps", "TRIPS", True),
        ("tr_ps", "trps", False),
        ("a\\_b", "a_b", True),
        ("a\\_b", "axb", False),
        ("a.b", "axb", False),
    ],
)
def test_patterns(pattern: str | None, name: str, expected: bool) -> None:
    """LIKE's wildcards, and nothing of regular expressions."""
    assert matches(pattern, name) is expected
