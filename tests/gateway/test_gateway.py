"""The gateway as a process: tokens are swapped, changes come into force without a restart, what is bad is refused."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from support.ports import free_port
from support.processes import children, gone

from lakelatch.errors import LakelatchError
from lakelatch_gateway.cli import gateway as command

ME = "/api/2.0/preview/scim/v2/Me"
WAREHOUSES = "/api/2.0/sql/warehouses"


def messages(gateway: Any) -> Any:
    return [line["message"] for line in gateway.log]


def test_service_reaches_the_workspace_as_its_principal_and_nothing_is_left_behind(
    start: Any, configure: Any, provider: Any, workspace: Any, eventually: Any, home: Any
) -> None:
    gateway = start(configure())
    token = provider.token("nightly-subject")
    assert gateway.get(ME, token).json()["userName"] == "app-nightly"
    assert workspace.exchanges[0]["client_id"] == "app-nightly"
    assert gateway.get(WAREHOUSES, token).status_code == 403
    assert not [request for request in workspace.double.requests if token in str(request)]
    line = eventually(lambda: [line for line in gateway.audit if line["path"] == ME])[0]
    assert (line["decision"], line["service"], line["status"]) == ("allow", "nightly", 200)
    files = [path for path in (home / "state").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files for secret in workspace.tokens if secret.encode() in path.read_bytes()]
    assert (home / "state" / "run").stat().st_mode & 0o777 == 0o700
    envoys = children(gateway.process.pid)
    assert gateway.stop() == 0
    assert all(gone(pid) for pid in envoys)
    assert not (home / "state" / "run").exists()
    told = (home / "log.jsonl").read_text() + (home / "state" / "audit.jsonl").read_text()
    secrets = [token, *workspace.tokens, workspace.exchanges[0]["subject_token"]]
    assert not [secret for secret in secrets if secret in told]


def test_delivered_configuration_comes_into_force_and_a_bad_one_does_not(
    start: Any, configure: Any, provider: Any, home: Any, deliver: Any, eventually: Any
) -> None:
    config = configure()
    gateway = start(config)
    token = provider.token("nightly-subject")
    envoys = children(gateway.process.pid)
    deliver(home / "config", configure(roles={"reader": ["current_user.me", "warehouses.list"]}).file())
    eventually(lambda: gateway.get(WAREHOUSES, token).status_code == 200)
    for bad in ("{", '{"version": 1}', config.file().replace("current_user.me", "no.action")):
        count = len([text for text in messages(gateway) if "refused" in text])
        deliver(home / "config", bad)
        eventually(lambda n=count: len([text for text in messages(gateway) if "refused" in text]) > n)
        assert gateway.get(WAREHOUSES, token).status_code == 200
    deliver(home / "config", config.file())
    eventually(lambda: gateway.get(WAREHOUSES, token).status_code == 403)
    assert children(gateway.process.pid) == envoys


def test_configuration_that_only_envoy_refuses_leaves_the_old_one_in_force(
    start: Any, configure: Any, provider: Any, home: Any, deliver: Any, eventually: Any
) -> None:
    gateway = start(configure())
    section = configure().workspace.model_dump() | {"ca_file": str(home / "absent.pem")}
    deliver(home / "config", configure(workspace=section).file())
    refused = eventually(lambda: [line for line in gateway.log if "refused" in line["message"]])
    assert "absent.pem" in refused[0]["reason"]
    assert gateway.get(ME, provider.token("nightly-subject")).status_code == 200


def test_new_service_has_its_token_before_it_is_let_in(
    start: Any, configure: Any, provider: Any, home: Any, deliver: Any, eventually: Any
) -> None:
    gateway = start(configure())
    other = {"issuer": "entra", "subject": "other", "application_id": "app-other", "roles": {"r": ["current_user.me"]}}
    deliver(home / "config", configure(services={"other": other}).file())
    token = provider.token("other")
    statuses: list[int] = []

    def let_in() -> bool:
        statuses.append(gateway.get(ME, token).status_code)
        return statuses[-1] == 200

    eventually(let_in)
    assert set(statuses) <= {403, 200}
    assert gateway.get(ME, token).json()["userName"] == "app-other"


def test_changed_principal_is_never_served_with_the_token_of_the_one_before(
    start: Any, configure: Any, provider: Any, home: Any, deliver: Any, eventually: Any
) -> None:
    gateway = start(configure())
    token = provider.token("nightly-subject")
    services = configure().model_dump(mode="json")["services"]
    services["nightly"]["application_id"] = "app-other"
    deliver(home / "config", configure(services=services).file())
    names: list[str] = []

    def swapped() -> bool:
        names.append(gateway.get(ME, token).json()["userName"])
        return names[-1] == "app-other"

    eventually(swapped)
    assert set(names) <= {"app-nightly", "app-other"}


def test_port_changes_without_a_restart(
    start: Any, configure: Any, provider: Any, home: Any, deliver: Any, eventually: Any
) -> None:
    gateway = start(configure())
    port = free_port()
    deliver(home / "config", configure(listen={"address": "127.0.0.1", "port": port}).file())
    eventually(lambda: "configuration in force" in messages(gateway))
    gateway.port = port
    assert gateway.get(ME, provider.token("nightly-subject")).status_code == 200


def test_refusal_by_databricks_is_told_and_mended_without_a_restart(
    start: Any, configure: Any, provider: Any, workspace: Any, eventually: Any
) -> None:
    workspace.principals.clear()
    gateway = start(configure())
    response = gateway.get(ME, provider.token("nightly-subject"))
    assert response.status_code == 403
    assert "federation policy" in response.json()["message"]
    workspace.principals.add("app-nightly")
    eventually(lambda: gateway.get(ME, provider.token("nightly-subject")).status_code == 200)


def test_outage_of_the_token_endpoint_is_temporary(
    start: Any, configure: Any, provider: Any, workspace: Any, eventually: Any
) -> None:
    workspace.down = True
    gateway = start(configure())
    response = gateway.get(ME, provider.token("nightly-subject"))
    assert response.status_code == 503
    assert "retry-after" in response.headers
    workspace.down = False
    eventually(lambda: gateway.get(ME, provider.token("nightly-subject")).status_code == 200)


def test_issuer_that_comes_up_later_is_found(start: Any, configure: Any, provider: Any, eventually: Any) -> None:
    provider.kid, kid = "", provider.kid
    gateway = start(configure())
    assert gateway.get(ME, provider.token("nightly-subject")).status_code == 401
    provider.kid = kid
    eventually(lambda: gateway.get(ME, provider.token("nightly-subject")).status_code == 200)


def test_envoy_that_dies_is_started_again(start: Any, configure: Any, provider: Any, eventually: Any) -> None:
    gateway = start(configure())
    (pid,) = children(gateway.process.pid)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: "envoy ended by itself, starting it again" in messages(gateway))
    eventually(lambda: children(gateway.process.pid) not in ([], [pid]))

    def answers() -> bool:
        try:
            return bool(gateway.get(ME, provider.token("nightly-subject")).status_code == 200)
        except httpx.TransportError:
            return False

    eventually(answers)


def test_killed_gateway_takes_envoy_with_it(start: Any, configure: Any, eventually: Any) -> None:
    gateway = start(configure())
    (pid,) = children(gateway.process.pid)
    gateway.process.kill()
    gateway.process.wait()
    eventually(lambda: gone(pid))


def test_second_gateway_on_the_same_state_is_refused(start: Any, configure: Any, home: Any) -> None:
    start(configure())
    log = home / "log.jsonl"
    second = start(configure(), wait=False)
    assert second.process.wait(30) == 1
    assert "another gateway runs" in log.read_text()


@pytest.mark.parametrize("shared", [False, True], ids=["", "as Envoy shares it with another Envoy"])
def test_taken_port_is_told(start: Any, configure: Any, home: Any, shared: bool) -> None:
    config = configure()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)
        taken.bind(("127.0.0.1", config.listen.port))
        taken.listen()
        gateway = start(config, wait=False)
        assert gateway.process.wait(60) == 1
    assert f"port {config.listen.port}" in (home / "log.jsonl").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_signal_during_the_start_stops_it(
    start: Any, configure: Any, workspace: Any, number: Any, eventually: Any
) -> None:
    gateway = start(configure(), wait=False)
    eventually(lambda: workspace.exchanges)
    gateway.process.send_signal(number)
    assert gateway.process.wait(30) == 0


def test_check_tells_what_the_configuration_lets_through(configure: Any, home: Any, deliver: Any) -> None:
    deliver(home / "config", configure().file())
    result = CliRunner().invoke(command, ["check", "--config-dir", str(home / "config")], catch_exceptions=False)
    assert result.exit_code == 0
    assert "nightly: current_user.me" in result.output


def test_folder_without_configuration_is_told_with_a_remedy(home: Any) -> None:
    with pytest.raises(LakelatchError, match="no configuration at") as caught:
        CliRunner().invoke(command, ["run", "--config-dir", str(home)], catch_exceptions=False)
    assert caught.value.hint is not None
    assert "pulumi up" in caught.value.hint


def test_check_lists_every_finding(home: Any, deliver: Any) -> None:
    deliver(home / "config", json.dumps({"version": 1, "host": "http://x"}))
    with pytest.raises(LakelatchError, match=r"(?s)host.*workspace.*issuers"):
        CliRunner().invoke(command, ["check", "--config-dir", str(home / "config")], catch_exceptions=False)


def test_without_a_state_folder_audit_lines_go_to_standard_output(configure: Any, provider: Any, home: Path) -> None:
    config = configure()
    version = home / "config" / "current"
    version.mkdir(parents=True)
    (version / "gateway.json").write_text(config.file())
    run = [sys.executable, "-c", "from lakelatch.cli import main; main()", "gateway", "run", "--json", "--workers", "1"]
    with (home / "log.jsonl").open("w") as log:
        process = subprocess.Popen(
            [*run, "--config-dir", str(home / "config")], stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["ready"] is True
        token = provider.token("nightly-subject")
        url = f"http://127.0.0.1:{config.listen.port}{ME}"
        assert httpx.get(url, headers={"authorization": f"Bearer {token}"}).status_code == 200
        assert json.loads(process.stdout.readline())["decision"] == "allow"
    finally:
        process.terminate()
        assert process.wait(30) == 0
        assert process.stdout is not None
        process.stdout.close()
