"""A workspace double that records every request as it arrived, whatever its method is."""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import BinaryIO, Final

_PLAIN: Final = re.compile(rb"(?:[^\r\n\0 \t][^\r\n\0]*\r\n)+\r\n")


@dataclass(frozen=True)
class Seen:
    """One request: its head to the letter, the body without its framing, and what came behind the body."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    head: bytes
    body: bytes
    trailers: bytes
    whole: bool
    """False when it ended before its body did: a server acts on none of these."""

    def values(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known.lower() == name]

    @property
    def content(self) -> bytes:
        return self.head + self.body + self.trailers

    @property
    def plain(self) -> bool:
        """Whether every server reads the same lines in the head (RFC 9112 §2.2, §5.2)."""
        return bool(_PLAIN.fullmatch(self.head))


@dataclass
class RawWorkspace:
    """Answers every whole request with 200."""

    port: int = 0
    requests: list[Seen] = field(default_factory=list)

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


def read_request(stream: BinaryIO, head: bytes) -> Seen:
    first, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in rest)]
    known = {name.lower(): value for name, value in headers}
    if "chunked" in known.get("transfer-encoding", ""):
        body, trailers, whole = _read_chunks(stream)
    else:
        length = int(known.get("content-length", "0"))
        body, trailers = stream.read(length), b""
        whole = len(body) == length
    method, target, *_ = first.split(" ")
    return Seen(method, target, headers, head, body, trailers, whole)


def _read_chunks(stream: BinaryIO) -> tuple[bytes, bytes, bool]:
    body = b""
    while line := stream.readline():
        size = int(line.split(b";")[0], 16)
        if size == 0:
            trailers = read_head(stream)
            return body, trailers.removesuffix(b"\r\n"), bool(trailers)
        part = stream.read(size + 2)
        body += part[:size]
        if len(part) < size + 2:
            break
    return body, b"", False


@contextmanager
def raw_workspace(certificate: Path, key: Path) -> Iterator[RawWorkspace]:
    double = RawWorkspace()

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            while head := read_head(self.rfile):  # type: ignore[arg-type]
                request = read_request(self.rfile, head)  # type: ignore[arg-type]
                double.requests.append(request)
                if not request.whole:
                    return
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
