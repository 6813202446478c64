"""A live Envoy in front of a workspace double that hides nothing, and the tokens of both issuers."""

import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.bypass.workspace import RawWorkspace, raw_workspace
from support.bypass.world import World
from support.ports import free_port


def whole(answer: bytes) -> bool:
    """Whether an answer is complete: Envoy keeps a connection for a second after it has refused."""
    head, end, body = answer.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(end and lengths) and len(body) >= int(lengths[0])


@pytest.fixture(scope="session")
def raw(pki: Any) -> Iterator[RawWorkspace]:
    with raw_workspace(pki.certificate, pki.key) as double:
        yield double


@pytest.fixture(scope="session")
def world(entra: Any, cluster: Any) -> World:
    return World(entra, cluster)


@pytest.fixture(scope="session")
def guarded(raw: RawWorkspace, configure: Any, pki: Any) -> Callable[..., Any]:
    """A configuration whose workspace is the raw double."""

    def make(**sections: Any) -> Any:
        place = {"host": raw.url, "id": "1", "account_id": "a", "ca_file": str(pki.ca_file)}
        return configure(workspace=place, **sections)

    return make


@pytest.fixture(scope="module")
def envoy(guarded: Any, entra: Any, cluster: Any, live_envoy: Any) -> Iterator[Any]:
    folder = Path(tempfile.mkdtemp(prefix="ll-envoy-"))
    live = live_envoy(folder, free_port(), {"entra": [entra.jwk()], "cluster": [cluster.jwk()]}, {})
    live.apply(guarded())
    live.start()
    yield live
    live.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def exchange() -> Callable[[Any, bytes], bytes]:
    """Sends bytes as they are and gives everything that comes back until the connection ends."""

    def send(envoy: Any, content: bytes) -> bytes:
        parts: list[bytes] = []
        with socket.create_connection(("127.0.0.1", envoy.port), 10) as client:
            try:
                client.sendall(content)
                while not whole(b"".join(parts)) and (part := client.recv(65536)):
                    parts.append(part)
            except ConnectionError:
                pass  # Envoy need not read to the end what it refuses
        return b"".join(parts)

    return send
