"""OpenAI-style clients and long-held requests: what the workspace has said arrives before it says more.

The sandbox answers without pauses, so here a workspace is played that goes on only when the test says so.
"""

import json
import ssl
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.gateways import running_gateway
from support.ports import free_port
from support.quiet import QuietServer

from lakelatch.envoy.config import GatewayConfig

WORDS = ["short-lived", "audited", "secret-less"]
SECONDS = 60


class PlayedWorkspace:
    """Exchanges any token, streams `WORDS` as chat chunks, each when it is let go, and holds a statement likewise."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self.go_on = threading.Semaphore(0)
        played = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                self._say({})

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                if self.path == "/oidc/v1/token":
                    self._say({"access_token": "of-the-principal", "token_type": "Bearer", "expires_in": 3600})
                elif self.headers["authorization"] != "Bearer of-the-principal":
                    self.send_error(401)
                elif self.path == "/serving-endpoints/chat/completions":
                    self._stream()
                else:
                    played.go_on.acquire(timeout=SECONDS)
                    self._say({"held": True})

            def _say(self, document: dict[str, Any]) -> None:
                body = json.dumps(document).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _stream(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for event in [*(json.dumps({"choices": [{"delta": {"content": word}}]}) for word in WORDS), "[DONE]"]:
                    played.go_on.acquire(timeout=SECONDS)
                    data = f"data: {event}\n\n".encode()
                    self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, format: str, *args: Any) -> None:
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server = QuietServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture(scope="module")
def played(world: Any) -> Iterator[tuple[PlayedWorkspace, str]]:
    """The played workspace, and the address of a gateway before it that is otherwise that of `world`."""
    tls = world.gateway.config.listen.tls
    workspace = PlayedWorkspace(Path(tls.certificate_file), Path(tls.private_key_file))
    data = world.gateway.config.model_dump(mode="json", by_alias=True)
    port = free_port()
    data |= {"host": f"https://localhost:{port}", "listen": data["listen"] | {"port": port}}
    data["workspace"] |= {"host": workspace.url}
    data["services"]["sdk"] |= {"roles": {"sdk": ["jobs.run_now"]}}
    with tempfile.TemporaryDirectory("ll-gw-") as name:
        data["issuer"] |= {"key": {"type": "file", "path": f"{name}/signing.pem"}}
        with running_gateway(GatewayConfig.parse(data), Path(name)) as gateway:
            yield workspace, gateway.url
    workspace.server.shutdown()
    workspace.server.server_close()


@pytest.fixture
def client(world: Any, played: Any) -> Iterator[httpx.Client]:
    """In the shape of OpenAI's client: `base_url` ends in `/serving-endpoints`, the API key is the workload's token."""
    headers = {"Authorization": f"Bearer {world.token('chat')}"}
    trust = ssl.create_default_context(cafile=world.ca_file)
    with httpx.Client(
        base_url=f"{played[1]}/serving-endpoints", headers=headers, verify=trust, timeout=SECONDS
    ) as made:
        yield made


def test_chat_arrives_chunk_by_chunk(played: Any, client: httpx.Client) -> None:
    """Each event is read before the workspace may send the next: nothing on the way collects them."""
    workspace, _ = played
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "what is it?"}]}
    with client.stream("POST", "/chat/completions", json=body) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"
        lines = (line for line in answer.iter_lines() if line)
        for word in WORDS:
            workspace.go_on.release()
            event = json.loads(next(lines).removeprefix("data: "))
            assert event["choices"][0]["delta"]["content"] == word
        workspace.go_on.release()
        assert list(lines) == ["data: [DONE]"]


def test_a_held_request_ends_when_the_workspace_answers(world: Any, played: Any, client: httpx.Client) -> None:
    """While one request is held, others are answered; it is cut by no limit on the whole."""
    workspace, url = played
    found: list[Any] = []
    headers = {"Authorization": f"Bearer {world.token('sdk')}"}

    def hold() -> None:
        found.append(client.post(f"{url}/api/2.2/jobs/run-now", json={"job_id": 1}, headers=headers).json())

    held = threading.Thread(target=hold)
    held.start()
    assert client.get(f"{url}/.well-known/jwks.json").status_code == 200
    assert client.get(f"{url}/api/2.0/preview/scim/v2/Me").status_code == 403
    assert found == []
    workspace.go_on.release()
    held.join(SECONDS)
    assert found == [{"held": True}]


def test_the_sandbox_streams_too(world: Any, client: httpx.Client) -> None:
    """The vendor's paths of a serving endpoint, named by its path and by the body, through the gateway."""
    endpoint = {"name": "ready", "config": {"served_entities": [{"entity_name": "main.a.echo", "entity_version": "1"}]}}
    known = world.sandbox.endpoints
    form = {"grant_type": "client_credentials", "scope": "all-apis"}
    secret = (known.admin_client_id, known.admin_client_secret)
    admin = world.sandbox.http.post(f"{known.workspace_host}/oidc/v1/token", data=form, auth=secret).json()
    bearer = {"Authorization": f"Bearer {admin['access_token']}"}
    made = world.sandbox.http.post(f"{known.workspace_host}/api/2.0/serving-endpoints", json=endpoint, headers=bearer)
    assert made.status_code == 200
    world.sandbox.clock.offset_seconds += 10
    try:
        for path in ("chat/completions", "ready/invocations"):
            body = {"model": "ready", "stream": True, "messages": [{"role": "user", "content": "a b"}]}
            with client.stream("POST", f"{world.gateway.url}/serving-endpoints/{path}", json=body) as answer:
                lines = [line for line in answer.iter_lines() if line]
            assert answer.status_code == 200
            assert lines[-1] == "data: [DONE]"
    finally:
        world.sandbox.clock.offset_seconds = 0.0
