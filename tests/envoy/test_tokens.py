"""The Databricks tokens in a live Envoy: none is sent before it is there, none of another principal, none is told."""

from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from support.load import Load
from support.secrets import Secrets

from lakelatch.envoy.credentials import secret_name
from lakelatch.envoy.runtime import Files, Unavailable

ME = "/api/2.0/preview/scim/v2/Me"
RELOADS = "http.gateway.rds.lakelatch.config_reload"


@pytest.fixture
def live(make_envoy: Any, configure: Any) -> Any:
    envoy = make_envoy()
    envoy.apply(configure())
    envoy.start()
    return envoy


def authorizations(workspace: Any, since: Any) -> Any:
    return {request["headers"].get("authorization") for request in workspace.requests[since:]}


def reloads(live: Any) -> Any:
    return int(live.admin(f"/stats?filter=^{RELOADS}$").strip().rpartition(": ")[2])


def waited_for(live: Any, secret: Any) -> Any:
    """Whether Envoy has asked for a secret that it has not got."""
    return secret in live.admin("/config_dump?resource=dynamic_warming_secrets")


def test_routes_come_into_force_with_their_tokens_and_not_before(
    live: Any, configure: Any, entra: Any, workspace: Any, eventually: Any
) -> None:
    """A new principal's routes are there before its token, for a while: the old ones stay, and lose no request."""
    config = configure()
    services = config.model_dump(mode="json")["services"]
    services["nightly"]["application_id"] = "app-9"
    services["fresh"] = {**services["idle"], "subject": "fresh", "application_id": "app-10"}
    held_back = {secret_name(name, workspace.url, app) for name, app in (("nightly", "app-9"), ("fresh", "app-10"))}
    nightly, fresh = entra.token("Nightly-1"), entra.token("fresh")
    before, in_force = len(workspace.requests), reloads(live)
    with Load(live.url + ME, nightly) as load:
        live.apply(configure(services=services), tokens=False)
        for secret in held_back:
            eventually(lambda s=secret: waited_for(live, s))
        answered = len(load.statuses)
        eventually(lambda: len(load.statuses) > answered + 20)
        assert live.request("GET", ME, fresh).status_code == 403
        assert reloads(live) == in_force
        assert authorizations(workspace, before) == {"Bearer databricks-token-of-nightly"}
        for secret in held_back:
            live.secrets.set(secret, f"token-{secret}")
        eventually(lambda: reloads(live) > in_force)
        eventually(lambda: live.request("GET", ME, fresh).status_code == 200)
        expected = {"Bearer databricks-token-of-nightly"} | {f"Bearer token-{secret}" for secret in held_back}
        eventually(lambda: authorizations(workspace, before) >= expected)
    assert set(load.statuses) == {200}
    assert authorizations(workspace, before) == expected


def test_routes_that_wait_for_a_token_give_way_to_those_that_come_after_them(
    live: Any, configure: Any, entra: Any, eventually: Any
) -> None:
    config = configure()
    services = config.model_dump(mode="json")["services"]
    fresh = {**services["idle"], "subject": "fresh", "application_id": "app-10"}
    live.apply(configure(services=services | {"fresh": fresh}), tokens=False)
    eventually(lambda: waited_for(live, secret_name("fresh", config.workspace.host, "app-10")))
    live.unavailable["fresh"] = Unavailable("no token for the moment", transient=True)
    live.apply(configure(services=services | {"fresh": fresh}))
    eventually(lambda: live.request("GET", ME, entra.token("fresh")).status_code == 503)


def test_lost_stream_is_resumed_without_a_lost_request(
    live: Any, configure: Any, entra: Any, workspace: Any, eventually: Any
) -> None:
    secret = secret_name("nightly", workspace.url, "app-1")
    with Load(live.url + ME, entra.token("Nightly-1")) as load:
        live.secrets.close()
        answered = len(load.statuses)
        eventually(lambda: len(load.statuses) > answered + 20)
        live.secrets = Secrets(Files(PurePosixPath(live.folder)).secrets_socket)
        before = len(workspace.requests)
        live.secrets.set(secret, "of-the-second-server")
        live.secrets.acknowledged(secret)
        eventually(lambda: "Bearer of-the-second-server" in authorizations(workspace, before))
    assert set(load.statuses) == {200}
    assert authorizations(workspace, before) == {"Bearer databricks-token-of-nightly", "Bearer of-the-second-server"}


def test_tokens_are_in_no_dump_file_log_or_argument(live: Any, configure: Any, entra: Any, eventually: Any) -> None:
    response = live.request("GET", f"{ME}?unlike=all", entra.token("Nightly-1"))
    assert response.status_code == 200
    live.audit_line(response, ME)
    dumps = [live.admin(f"/config_dump?{query}") for query in ("include_eds", "resource=dynamic_active_secrets")]
    assert all(secret_name("nightly", configure().workspace.host, "app-1") in dump for dump in dumps)
    dumps += [live.admin(path) for path in ("/stats", "/clusters?format=json", "/init_dump", "/certs")]
    files = [path.read_text(errors="replace") for path in live.folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    arguments = Path(f"/proc/{live.process.pid}/cmdline").read_text()
    told = [*dumps, *files, arguments, live.secrets.log.getvalue()]
    assert not [text for text in told if "databricks-token-of" in text]


def test_socket_is_in_a_folder_of_the_gateway_alone(live: Any) -> None:
    socket = Path(Files(PurePosixPath(live.folder)).secrets_socket)
    assert socket.is_socket()
    assert socket.parent.stat().st_mode & 0o777 == 0o700
