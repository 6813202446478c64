"""`@databricks/sql` for Node: one process asks everything, the tests judge what it printed."""

import json
import subprocess
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.client_caches import CLIENTS, FETCH_SECONDS, node_modules

pytestmark = pytest.mark.timeout(FETCH_SECONDS)


@pytest.fixture(scope="module")
def found(world: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client found."""
    address = urlsplit(world.gateway.url)
    environment = world.environment(
        tmp_path_factory.mktemp("home"),
        NODE_PATH=str(node_modules()),
        NODE_EXTRA_CA_CERTS=world.ca_file,
        HOST=str(address.hostname),
        PORT=str(address.port),
        HTTP_PATH=world.http_path,
        TOKEN=world.token("driver"),
        REFUSED_TOKEN=world.token("nothing"),
    )
    client = str(CLIENTS / "node" / "client.js")
    ran = subprocess.run(["node", client], env=environment, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return dict(json.loads(ran.stdout.splitlines()[-1]))


@pytest.mark.parametrize(("name", "expected"), [("rows", list(range(25000))), ("zips", 105)])
def test_rows(found: dict[str, Any], name: str, expected: object) -> None:
    """Rows come whole and in order; parameters are bound."""
    assert found[name] == expected


def test_who_it_is(world: Any, found: dict[str, Any]) -> None:
    """Databricks sees the service principal."""
    assert found["me"] == world.applications["driver"]


@pytest.mark.parametrize(
    ("name", "reason"), [("failure", "TABLE_OR_VIEW_NOT_FOUND"), ("refusal", "HTTP status code: 403")]
)
def test_errors(found: dict[str, Any], name: str, reason: str) -> None:
    """The driver's own errors tell why; of a refusal it shows the status alone, whatever the gateway says."""
    assert reason in found[name]
