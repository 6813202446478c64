"""One process serves every double on loopback, survives a restart unchanged, and says clearly why it cannot start."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography import x509

HOSTS = ("account_host", "workspace_host", "entra_authority", "graph_base", "cluster_issuer", "control_url")
COMMAND = [sys.executable, "-c", "from lakelatch.cli import main; main()", "sandbox"]

Start = Callable[..., tuple[subprocess.Popen[str], dict[str, Any]]]


@pytest.fixture
def start() -> Iterator[Start]:
    processes: list[subprocess.Popen[str]] = []

    def started(state: Path, *arguments: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        command = [*COMMAND, "run", "--state", str(state), "--json", *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout is not None
        return process, json.loads(process.stdout.readline() or "{}")

    yield started
    for process in processes:
        process.kill()
        process.communicate()


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, str]:
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def refused(*arguments: str) -> str:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    return done.stderr


def strict_client(ca_file: str) -> httpx.Client:
    context = ssl.create_default_context(cafile=ca_file)
    # the default of Python 3.13
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    return httpx.Client(verify=context)


def test_restart_keeps_everything_and_stops_cleanly(start: Start, tmp_path: Path) -> None:
    process, first = start(tmp_path / "state")
    assert json.loads((tmp_path / "state" / "endpoints.json").read_text()) == first
    with strict_client(first["ca_file"]) as client:
        for name in HOSTS:
            assert client.get(first[name] + "/nothing").status_code in range(400, 500)
        # the client's idle connections do not hold the process up
        assert end(process) == (0, "")
    again, second = start(tmp_path / "state")
    assert {**second, "pid": 0} == {**first, "pid": 0}
    with strict_client(first["ca_file"]) as client:
        assert client.get(second["control_url"] + "/health").json() == {"ready": True}
    assert end(again, signal.SIGINT) == (0, "")


def test_state_survives_a_kill(start: Start, tmp_path: Path) -> None:
    process, first = start(tmp_path)
    end(process, signal.SIGKILL)
    _, second = start(tmp_path)
    assert {**second, "pid": 0} == {**first, "pid": 0}


def test_second_process_on_the_same_state_is_refused(start: Start, tmp_path: Path) -> None:
    start(tmp_path)
    assert "another sandbox already runs on" in refused("run", "--state", str(tmp_path))


def test_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        message = refused("run", "--state", str(tmp_path), "--port", str(port))
    assert f"port {port} on 127.0.0.1, needed for `databricks_account`, is taken" in message


def test_ports_of_a_state_do_not_change(start: Start, tmp_path: Path) -> None:
    process, endpoints = start(tmp_path)
    end(process)
    first = urlsplit(endpoints["account_host"]).port
    assert first is not None
    assert "has its ports already" in refused("run", "--state", str(tmp_path), "--port", str(first + 50))
    again, same = start(tmp_path, "--port", str(first))
    assert same["account_host"] == endpoints["account_host"]
    end(again)


def test_ports_are_consecutive_and_loopback_only(start: Start, tmp_path: Path) -> None:
    _, endpoints = start(tmp_path)
    addresses = [urlsplit(endpoints[name]) for name in HOSTS]
    first = addresses[0].port
    assert first is not None
    assert [(one.hostname, one.port) for one in addresses] == [("127.0.0.1", first + n) for n in range(6)]
    listening = {
        bytes.fromhex(line.split()[1].partition(":")[0])
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and first <= int(line.split()[1].partition(":")[2], 16) < first + 6
    }
    assert {one[::-1] for one in listening} == {bytes([127, 0, 0, 1])}


def test_secrets_are_in_private_files_and_nowhere_in_the_output(start: Start, tmp_path: Path) -> None:
    process, endpoints = start(tmp_path)
    modes = {path.name: os.stat(path).st_mode & 0o777 for path in tmp_path.iterdir()}
    public = {"ca.pem", "ca-bundle.pem", "server.pem"}
    assert {name for name, mode in modes.items() if mode != 0o600} == public
    form = {"grant_type": "client_credentials", "client_id": endpoints["admin_client_id"]}
    with strict_client(endpoints["ca_file"]) as client:
        secret = endpoints["admin_client_secret"]
        url = f"{endpoints['workspace_host']}/oidc/v1/token"
        token = client.post(url, data={**form, "client_secret": secret}).json()["access_token"]
        objects = client.get(f"{endpoints['control_url']}/objects").text
    _, errors = end(process)
    for hidden in (secret, token, endpoints["entra_admin_client_secret"], endpoints["cluster_token"]):
        assert hidden not in errors + objects


def test_certificate_for_the_gateway(start: Start, tmp_path: Path) -> None:
    state, directory = tmp_path / "state", tmp_path / "out"
    assert "holds no CA yet" in refused("certificate", "--state", str(state), "--directory", str(directory))
    _, endpoints = start(state)
    subprocess.run(
        [*COMMAND, "certificate", "--state", str(state), "--directory", str(directory)], check=True, capture_output=True
    )
    assert os.stat(directory / "private-key.pem").st_mode & 0o777 == 0o600
    certificate = x509.load_pem_x509_certificate((directory / "certificate.pem").read_bytes())
    ca = x509.load_pem_x509_certificate(Path(endpoints["ca_file"]).read_bytes())
    certificate.verify_directly_issued_by(ca)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_objects_dump_is_canonical(sandbox: Any) -> None:
    url = f"{sandbox.endpoints.control_url}/objects"
    first = sandbox.http.get(url)
    assert first.text == sandbox.http.get(url).text
    assert first.json()["counts"]["databricks/service_principals"] == 1


@pytest.mark.parametrize("body", [{}, {"offset_seconds": "1"}, {"offset_seconds": True}, []], ids=repr)
def test_clock_wants_a_number(sandbox: Any, body: object) -> None:
    assert sandbox.http.post(f"{sandbox.endpoints.control_url}/clock", json=body).status_code == 400
