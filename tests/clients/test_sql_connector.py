"""`databricks-sql-connector`: the Thrift protocol through the gateway, the token exchanged again by the driver."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from databricks import sql
from databricks.sql.exc import Error, ServerOperationError

pytestmark = pytest.mark.usefixtures("environment")


@pytest.fixture
def connect(world: Any) -> Iterator[Callable[..., Any]]:
    opened: list[Any] = []

    def made(workload: str = "driver", **more: Any) -> Any:
        connection = sql.connect(
            server_hostname=world.gateway.url.removeprefix("https://"),
            http_path=world.http_path,
            access_token=more.pop("access_token", None) or world.token(workload),
            # only for a gateway that is not at port 443
            _connection_uri=world.gateway.url + world.http_path,
            _tls_trusted_ca_file=world.ca_file,
            _retry_stop_after_attempts_count=1,
            **more,
        )
        opened.append(connection)
        return connection

    yield made
    for connection in opened:
        connection.close()


def test_rows(world: Any, connect: Any) -> None:
    """Databricks sees the service principal; rows come in parts, whole and in order."""
    with connect().cursor() as cursor:
        cursor.execute("SELECT current_user()")
        assert cursor.fetchone()[0] == world.applications["driver"]
        cursor.execute("SELECT range FROM range(25000) ORDER BY range")
        assert [row[0] for row in cursor.fetchall()] == list(range(25000))
        cursor.execute("SELECT count(*) FROM samples.nyctaxi.trips WHERE pickup_zip = :zip", {"zip": 10001})
        assert cursor.fetchone()[0] == 105
        assert "main" in [row.TABLE_CAT for row in cursor.catalogs().fetchall()]
        with pytest.raises(ServerOperationError, match="TABLE_OR_VIEW_NOT_FOUND"):
            cursor.execute("SELECT * FROM nothing")


@pytest.mark.parametrize("more", [{}, {"identity_federation_client_id": "any"}], ids=["plain", "with a client id"])
def test_the_driver_finds_nothing_to_complain_about(
    connect: Any, caplog: pytest.LogCaptureFixture, more: dict[str, str]
) -> None:
    """Its exchange at `/oidc/v1/token`, feature flags and telemetry all succeed."""
    with caplog.at_level(logging.WARNING):
        connection = connect(enable_telemetry=True, **more)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone()[0] == 1
        connection.close()
    assert [record.getMessage() for record in caplog.records if record.name.startswith("databricks")] == []


@pytest.mark.parametrize(
    ("workload", "audience", "reason"),
    [
        pytest.param("nothing", None, "thrift.query_warehouse", id="no role"),
        pytest.param("driver", "another", "audience", id="another audience"),
    ],
)
def test_refusals(world: Any, connect: Any, workload: str, audience: str | None, reason: str) -> None:
    """The driver's own error tells why."""
    token = world.token(workload, audience) if audience else world.token(workload)
    with pytest.raises(Error, match=reason):
        connect(access_token=token)
