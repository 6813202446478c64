"""The stand-ins talk to this machine only, end their retries, keep the vendor's words, leak no credential."""

from collections.abc import Callable

import httpx
import pytest

from lakelatch_sandbox.plugins.azuread_api import AzureAdApi
from lakelatch_sandbox.plugins.databricks_api import DatabricksApi
from lakelatch_sandbox.plugins.errors import PluginError, VendorError
from lakelatch_sandbox.plugins.http import ATTEMPTS, LONGEST_WAIT_SECONDS, Http, require_loopback

URL = "https://127.0.0.1:1/api"


class Fake:
    """Answers from a function, and remembers what was asked and how long was waited."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.requests: list[httpx.Request] = []
        self.waits: list[float] = []

        def handle(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return answer(request)

        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)

        self.http = Http(sleep=sleep, transport=httpx.MockTransport(handle))


@pytest.mark.parametrize(
    "url",
    [
        "https://accounts.cloud.databricks.com",
        "https://127.0.0.1.example.com",
        "https://127.0.0.1@example.com",
        "https://localhost.example.com",
        "https://10.0.0.1",
        "https://0.0.0.0",
        "https://",
        "accounts.azuredatabricks.net",
    ],
)
def test_refuses_hosts_elsewhere(url: str) -> None:
    with pytest.raises(PluginError, match="stand-in plugin for local development"):
        require_loopback(url)


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:8443", "https://localhost:1", "http://[::1]:80", "https://127.9.9.9"]
)
def test_takes_hosts_on_this_machine(url: str) -> None:
    require_loopback(url)


@pytest.mark.parametrize("status", [429, 503])
async def test_retries_end(status: int) -> None:
    fake = Fake(lambda _: httpx.Response(status, json={"error_code": "LATER", "message": "try later"}))
    with pytest.raises(VendorError, match="LATER: try later"):
        await fake.http.request("GET", URL)
    assert len(fake.requests) == ATTEMPTS
    assert max(fake.waits) <= LONGEST_WAIT_SECONDS


async def test_retry_after_is_obeyed() -> None:
    answers = iter([httpx.Response(429, headers={"Retry-After": "2"}), httpx.Response(200, json={})])
    fake = Fake(lambda _: next(answers))
    await fake.http.request("GET", URL)
    assert fake.waits == [2.0]


@pytest.mark.parametrize("status", [400, 403, 409, 500])
async def test_other_refusals_are_final(status: int) -> None:
    fake = Fake(lambda _: httpx.Response(status, text="no"))
    with pytest.raises(VendorError, match=f"answered {status}: no"):
        await fake.http.request("GET", URL)
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error_code": "RESOURCE_ALREADY_EXISTS", "message": "It exists."}, "RESOURCE_ALREADY_EXISTS: It exists."),
        ({"error": {"code": "Request_BadRequest", "message": "Bad."}}, "Request_BadRequest: Bad."),
        ({"error": "invalid_client", "error_description": "Wrong."}, "invalid_client: Wrong."),
        ({"detail": "Not there.", "status": "404"}, "Not there."),
    ],
    ids=["databricks", "graph", "oauth", "scim"],
)
async def test_the_vendor_speaks(body: dict[str, str], said: str) -> None:
    fake = Fake(lambda _: httpx.Response(400, json=body))
    with pytest.raises(VendorError) as caught:
        await fake.http.request("GET", URL)
    assert str(caught.value).endswith(said)


async def test_a_dead_host_ends_at_once() -> None:
    http = Http()
    with pytest.raises(PluginError, match="got no answer") as caught:
        await http.request("GET", "https://127.0.0.1:1/")
    await http.close()
    assert "lakelatch status" in str(caught.value.hint)


async def test_a_token_endpoint_elsewhere_gets_no_secret() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("databricks-config"):
            return httpx.Response(404)
        return httpx.Response(200, json={"token_endpoint": "https://login.example.com/token"})

    fake = Fake(answer)
    api = DatabricksApi({"host": "https://127.0.0.1:1", "clientId": "c", "clientSecret": "s"}, fake.http)
    with pytest.raises(PluginError, match=r"refuses `login\.example\.com`"):
        await api.call("GET", "/api")
    assert all(request.url.host == "127.0.0.1" for request in fake.requests)


async def test_graph_elsewhere_gets_no_token() -> None:
    document = {
        "authentication": {"loginEndpoint": "https://127.0.0.1:2"},
        "microsoftGraphResourceId": "https://graph.microsoft.com/",
    }
    fake = Fake(lambda request: httpx.Response(200, json={**document, "access_token": "t", "expires_in": 60}))
    configuration = {"metadataHost": "127.0.0.1:1", "tenantId": "t", "clientId": "c", "clientSecret": "s"}
    with pytest.raises(PluginError, match=r"refuses `graph\.microsoft\.com`"):
        await AzureAdApi(configuration, fake.http).call("GET", "/applications")
    assert all(request.url.host == "127.0.0.1" for request in fake.requests)


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ({}, "has no `host`"),
        ({"host": "https://127.0.0.1:1", "authType": "azure-cli"}, "does not know the auth_type `azure-cli`"),
        (
            {"host": "https://accounts.cloud.databricks.com", "token": "t"},
            r"refuses `accounts\.cloud\.databricks\.com`",
        ),
    ],
    ids=["no-host", "auth-type", "official-host"],
)
async def test_arguments_that_cannot_work(configuration: dict[str, str], said: str) -> None:
    fake = Fake(lambda _: httpx.Response(200, json={}))
    with pytest.raises(PluginError, match=said):
        await DatabricksApi(configuration, fake.http).call("GET", "/api")
    assert fake.requests == []


async def test_a_token_is_fetched_once_and_again_when_it_ages() -> None:
    lifetimes = iter([3600, 1, 3600])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": next(lifetimes)})
        return httpx.Response(200, json={"token_endpoint": "https://127.0.0.1:1/token"})

    fake = Fake(answer)
    configuration = {"host": "127.0.0.1:1", "clientId": "c", "clientSecret": "s", "accountId": "a"}
    api = DatabricksApi(configuration, fake.http)
    for _ in range(3):
        await api.call("GET", "/api")
    assert [request.url.path for request in fake.requests].count("/token") == 1
    aging = DatabricksApi(configuration, fake.http)
    for _ in range(2):
        await aging.call("GET", "/api")
    assert [request.url.path for request in fake.requests].count("/token") == 3
