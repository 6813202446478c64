"""HTTP/2 (RFC 9113) by the byte: frames that no client library would send."""

from collections.abc import Sequence
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8

Fields = Sequence[tuple[str, str]]


def frame(kind: int, payload: bytes = b"", *, flags: int = 0, stream: int = 1) -> bytes:
    """One frame (§4.1)."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def block(fields: Fields) -> bytes:
    """Fields as literals without indexing (RFC 7541 §6.2.2), no character changed."""
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in fields)


def _text(text: str) -> bytes:
    raw = text.encode("latin-1")
    length, more = len(raw), b""
    if length < 127:
        return bytes([length]) + raw
    rest = length - 127
    while rest >= 128:
        more += bytes([rest % 128 + 128])
        rest //= 128
    return b"\x7f" + more + bytes([rest]) + raw


def headers(fields: Fields, *, stream: int = 1, end: bool = False) -> bytes:
    """The fields of a request, or trailers, in one frame."""
    return frame(HEADERS, block(fields), flags=END_HEADERS | (END_STREAM if end else 0), stream=stream)


def data(content: bytes = b"{}", *, stream: int = 1, end: bool = True) -> bytes:
    """A part of a body."""
    return frame(DATA, content, flags=END_STREAM if end else 0, stream=stream)


def connection(*frames: bytes) -> bytes:
    """What a client sends from the start."""
    return PREFACE + frame(SETTINGS, stream=0) + b"".join(frames)
