"""A workspace double that records every request as it arrived, whatever its method is."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import BinaryIO


@dataclass(frozen=True)
class Seen:
    """One whole request: its head to the letter and the body without its framing."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    head: bytes

    def values(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known.lower() == name]


@dataclass
class RawWorkspace:
    """Answers everything with 200."""

    port: int = 0
    requests: list[Seen] = field(default_factory=list)
    unfinished: list[bytes] = field(default_factory=list)
    """Heads of requests that ended before their bodies did: a server acts on none of them."""

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"


def read_head(stream: BinaryIO) -> bytes:
    lines = []
    while line := stream.readline():
        lines.append(line)
        if line in (b"\r\n", b"\n"):
            return b"".join(lines)
    return b""


def read_body(stream: BinaryIO, headers: list[tuple[str, str]]) -> bytes | None:
    """The body; None when it ends early."""
    known = {name.lower(): value for name, value in headers}
    if "chunked" not in known.get("transfer-encoding", ""):
        length = int(known.get("content-length", "0"))
        body = stream.read(length)
        return body if len(body) == length else None
    parts: list[bytes] = []
    while line := stream.readline():
        size = int(line.split(b";")[0], 16)
        part = stream.read(size + 2)
        if len(part) < size + 2:
            return None
        if size == 0:
            return b"".join(parts)
        parts.append(part[:-2])
    return None


@contextmanager
def raw_workspace(certificate: Path, key: Path) -> Iterator[RawWorkspace]:
    double = RawWorkspace()

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            while head := read_head(self.rfile):  # type: ignore[arg-type]
                first, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
                headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in rest)]
                body = read_body(self.rfile, headers)  # type: ignore[arg-type]
                if body is None:
                    double.unfinished.append(head)
                    return
                method, target, *_ = first.split(" ")
                double.requests.append(Seen(method, target, headers, body, head))
                self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")

    class Server(ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Envoy ends connections as it likes."""

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    double.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield double
    server.shutdown()
    server.server_close()
    thread.join()
