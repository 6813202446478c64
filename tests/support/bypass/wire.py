"""The client's side of a connection: sends bytes as they are, and reads answers until there are as many as expected."""

import socket
from typing import Final, NamedTuple

PATIENCE_SECONDS: Final = 5
_STREAM_ENDS: Final = {0: 1, 1: 1}
"""Kinds of HTTP/2 frames (DATA, HEADERS) to their flag END_STREAM (RFC 9113 §6.1, §6.2)."""
_RST_STREAM: Final = 3
_GOAWAY: Final = 7


class Answer(NamedTuple):
    """One answer of HTTP/1.1."""

    status: int
    body: bytes


class Read(NamedTuple):
    """What came back over a connection."""

    content: bytes
    ended: bool
    """Whether the gateway ended the connection; when there were enough answers, nobody waited for it."""


def send(port: int, address: str, content: bytes, *, answers: int, hangs_up: bool = False) -> Read:
    """Everything that comes back, until there are so many answers or the connection ends."""
    read, ended = b"", False
    with socket.socket() as client:
        client.settimeout(PATIENCE_SECONDS)
        client.bind((address, 0))
        client.connect(("127.0.0.1", port))
        try:
            client.sendall(content)
            if hangs_up:
                client.shutdown(socket.SHUT_WR)
            while not ended and not (answers and complete(read) >= answers):
                part = client.recv(65536)
                read, ended = read + part, not part
        except TimeoutError:
            pass  # what is missing is seen in what was read
        except ConnectionError:
            ended = True  # Envoy need not read to the end what it refuses
    return Read(read, ended)


def complete(read: bytes) -> int:
    """How many answers are there to their ends."""
    return len(http1(read)) if read.startswith(b"HTTP/") else _http2_ends(read)


def http1(read: bytes) -> list[Answer]:
    """The final answers (RFC 9110 §15.2 has others) that are complete; none of HTTP/2."""
    found: list[Answer] = []
    while read.startswith(b"HTTP/") and b"\r\n\r\n" in read:
        head, _, rest = read.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        status = int(first.split()[1])
        length = next((int(one.split(b":")[1]) for one in lines if one.lower().startswith(b"content-length:")), 0)
        if len(rest) < length:
            break
        if status >= 200:
            found.append(Answer(status, rest[:length]))
        read = rest[length:]
    return found


def _http2_ends(read: bytes) -> int:
    """Streams that ended; all that were there, when the connection does."""
    ends = 0
    while len(read) >= 9 and len(read) >= 9 + (length := int.from_bytes(read[:3], "big")):
        kind, flags = read[3], read[4]
        if kind == _GOAWAY:
            return 1000
        ends += kind == _RST_STREAM or bool(_STREAM_ENDS.get(kind, 0) & flags)
        read = read[9 + length :]
    return ends
