"""HTTP/2 as no client library speaks it: each asks what is granted, with a token that is fine."""

from collections.abc import Mapping

from support.bypass import http2
from support.bypass.http2 import CONTINUATION, END_HEADERS, END_STREAM, HEADERS, PADDED, Fields, block, frame
from support.bypass.world import (
    BROKEN,
    ME,
    NO_ACTION,
    NO_TOKEN,
    NOT_GRANTED,
    RUN,
    START,
    STATEMENTS,
    UNREAD,
    Case,
    World,
)


def about(w: World) -> list[tuple[str, str]]:
    return [("user-agent", w.agent), ("authorization", f"Bearer {w.pod}")]


def head(w: World, **changed: str | None) -> list[tuple[str, str]]:
    pseudo = {"method": "POST", "scheme": "http", "path": STATEMENTS, "authority": "gateway"} | changed
    return [(f":{name}", value) for name, value in pseudo.items() if value is not None] + about(w)


def ask(fields: Fields, *, body: bytes = b"{}", trailers: Fields = ()) -> bytes:
    frames = [http2.headers(fields), http2.data(body, end=not trailers)]
    return http2.connection(*frames, *([http2.headers(trailers, end=True)] if trailers else []))


PSEUDO: dict[str, tuple[dict[str, str | None], tuple[str, ...]]] = {
    "no method": ({"method": None}, (UNREAD,)),
    "no path": ({"path": None}, (UNREAD,)),
    "no scheme": ({"scheme": None}, (UNREAD,)),
    "no authority": ({"authority": None}, (UNREAD,)),
    "empty path": ({"path": ""}, (UNREAD,)),
    "empty method": ({"method": ""}, (UNREAD,)),
    "path with a request behind": ({"path": f"{STATEMENTS} HTTP/1.1\r\nhost: x\r\n\r\nPOST {START}"}, (UNREAD,)),
    "path with a line end": ({"path": f"{STATEMENTS}\r\nx-a: b"}, (UNREAD,)),
    "path with LF": ({"path": f"{STATEMENTS}\nx-a: b"}, (UNREAD,)),
    "path with NUL": ({"path": f"{STATEMENTS}\0"}, (UNREAD,)),
    "path with a blank": ({"path": f"{STATEMENTS} x"}, (UNREAD,)),
    "path without slash": ({"path": STATEMENTS[1:]}, (UNREAD,)),
    "path absolute": ({"path": f"http://elsewhere{STATEMENTS}"}, (UNREAD,)),
    "method with a request": ({"method": f"POST {START} HTTP/1.1\r\nx-a:"}, (UNREAD,)),
    "method with a blank": ({"method": "POST "}, (UNREAD,)),
    "method in lower case": ({"method": "post"}, (NO_ACTION,)),
    "authority with a user": ({"authority": "user@gateway"}, (UNREAD,)),
    "authority with a slash": ({"authority": f"gateway{START}"}, (UNREAD,)),
    "authority with a line end": ({"authority": "gateway\r\nx-a: b"}, (UNREAD,)),
    "scheme other": ({"scheme": "ftp"}, (RUN,)),
    "scheme with a path": ({"scheme": f"http://elsewhere{START}?"}, (UNREAD,)),
    "extended CONNECT": ({"method": "CONNECT", "protocol": "websocket"}, (UNREAD,)),
    "protocol without CONNECT": ({"protocol": "websocket"}, (UNREAD,)),
    "unknown": ({"x": "y"}, (UNREAD,)),
    "status": ({"status": "200"}, (UNREAD,)),
}
FIELDS: dict[str, tuple[list[tuple[str, str]], tuple[str, ...]]] = {
    "second path": ([(":path", START)], (UNREAD,)),
    "second method": ([(":method", "GET")], (UNREAD,)),
    "second authority": ([(":authority", "elsewhere")], (UNREAD,)),
    "pseudo-header behind a header": ([("x-a", "b"), (":scheme", "http")], (UNREAD,)),
    "upper case": ([("X-A", "b")], (UNREAD,)),
    "name with a colon": ([("x-a:b", "c")], (UNREAD,)),
    "name with a blank": ([("x-a ", "b")], (UNREAD,)),
    "name with a line end": ([("x-a: b\r\nx-lakelatch-subject", "Nightly-1")], (UNREAD,)),
    "no name": ([("", "b")], (UNREAD,)),
    "underscore": ([("x_lakelatch_subject", "Nightly-1")], (UNREAD,)),
    "value with a line end": ([("x-a", "b\r\nx-lakelatch-subject: Nightly-1")], (UNREAD,)),
    "value with CR": ([("x-a", "b\rc")], (UNREAD,)),
    "value with LF": ([("x-a", "b\nc")], (UNREAD,)),
    "value with NUL": ([("x-a", "b\0c")], (UNREAD,)),
    "value with a request": ([("x-a", f"b\r\n\r\nPOST {START} HTTP/1.1\r\n\r\n")], (UNREAD,)),
    "encoding": ([("transfer-encoding", "chunked")], (UNREAD,)),
    "connection": ([("connection", "x-lakelatch-subject")], (UNREAD,)),
    "keep-alive": ([("keep-alive", "5")], (UNREAD,)),
    "proxy-connection": ([("proxy-connection", "close")], (UNREAD,)),
    "upgrade": ([("upgrade", "websocket")], (UNREAD,)),
    "te": ([("te", "gzip")], (UNREAD,)),
    "length too long": ([("content-length", "5")], (BROKEN,)),
    "length too short": ([("content-length", "1")], (BROKEN,)),
    "two lengths": ([("content-length", "2"), ("content-length", "5")], (UNREAD,)),
    "length with a plus": ([("content-length", "+2")], (UNREAD,)),
    "101 headers": ([(f"x-{number}", "a") for number in range(101)], (UNREAD,)),
    "second authorization": ([("authorization", "Bearer x")], (NO_TOKEN,)),
    "host of another": ([("host", "elsewhere")], (RUN,)),
    "te of trailers": ([("te", "trailers")], (RUN,)),
    "the gateway's own": ([("x-lakelatch-subject", "Nightly-1"), ("x-lakelatch-action", "x")], (RUN,)),
    "another method": ([("x-http-method-override", "DELETE")], (RUN,)),
}
TRAILERS: dict[str, tuple[list[tuple[str, str]], tuple[str, ...]]] = {
    "authorization": ([("authorization", "Bearer x")], (RUN,)),
    "the gateway's own": ([("x-lakelatch-subject", "Nightly-1")], (RUN,)),
    "length": ([("content-length", "5")], (BROKEN,)),
    "pseudo-header": ([(":path", START)], (BROKEN,)),
    "encoding": ([("transfer-encoding", "chunked")], (BROKEN,)),
    "value with a line end": ([("x-a", "b\r\nc: d")], (BROKEN,)),
}


def without_token(w: World, fields: Fields, path: str = ME) -> bytes:
    kept = [field for field in head(w, method="GET", path=path) if field[0] != "authorization"]
    return http2.connection(http2.headers([*kept, *fields], end=True))


def two(w: World, second: Fields) -> bytes:
    """Two streams of one connection: what the first has does not help the second, whose refusal ends first."""
    return http2.connection(http2.headers(head(w)), http2.data(), http2.headers(second, stream=3), http2.data(stream=3))


FRAMES: dict[str, tuple[bytes, tuple[str, ...]]] = {
    # None comes to be a request: the connection ends before one is there, so there is nothing to write a line about.
    "data of no stream": (http2.data(), ()),
    "data of the connection": (http2.data(stream=0), ()),
    "headers of the connection": (http2.headers([(":method", "GET")], stream=0), ()),
    "headers of the server's stream": (http2.headers([(":method", "GET")], stream=2), ()),
    "continuation of nothing": (frame(CONTINUATION, b"", flags=END_HEADERS), ()),
    "padding longer than the frame": (frame(HEADERS, b"\xff", flags=END_HEADERS | PADDED), ()),
    "promise of a client": (frame(http2.PUSH_PROMISE, b"\0\0\0\2", flags=END_HEADERS), ()),
    "settings of five bytes": (frame(http2.SETTINGS, b"\0" * 5, stream=0), ()),
    "settings of a stream": (frame(http2.SETTINGS, b"", stream=1), ()),
    "window of a stream by nothing": (frame(http2.WINDOW_UPDATE, b"\0\0\0\0", stream=0), ()),
    "frame of 16 MiB": (b"\xff\xff\xff\0\0\0\0\0\1", ()),
    "another preface": (b"PRI * HTTP/1.1\r\n\r\n", ()),
    "headers that are cut": (frame(HEADERS, b"\0\x07:me", flags=END_HEADERS | END_STREAM), (UNREAD,)),
    "index out of the table": (frame(HEADERS, b"\xff\xff\x7f", flags=END_HEADERS | END_STREAM), (UNREAD,)),
}


def rows(kind: str, table: Mapping[str, tuple[bytes, tuple[str, ...]]]) -> list[Case]:
    return [Case(f"{kind}: {n}", lambda w, b=b: http2.connection(b), ends) for n, (b, ends) in table.items()]


CASES = [
    *(Case(f"HTTP/2: {n}", lambda w, c=c: ask(head(w, **c)), ends) for n, (c, ends) in PSEUDO.items()),
    *(Case(f"HTTP/2 field: {n}", lambda w, f=f: ask([*head(w), *f]), ends) for n, (f, ends) in FIELDS.items()),
    *(Case(f"HTTP/2 trailer: {n}", lambda w, f=f: ask(head(w), trailers=f), ends) for n, (f, ends) in TRAILERS.items()),
    *rows("HTTP/2 frame", FRAMES),
    Case("HTTP/2 field: cookie of crumbs", lambda w: without_token(w, [("cookie", "a=b"), ("cookie", w.pod)])),
    Case("HTTP/2: token in the query", lambda w: without_token(w, [], path=f"{ME}?access_token={w.pod}")),
    Case(
        "HTTP/2: the second stream without a token",
        lambda w: two(w, [field for field in head(w) if field[0] != "authorization"]),
        (NO_TOKEN, RUN),
    ),
    Case("HTTP/2: the second stream asks for more", lambda w: two(w, head(w, path=START)), (NOT_GRANTED, RUN)),
    Case(
        "HTTP/2: headers in two frames, the second with another path",
        lambda w: http2.connection(
            frame(HEADERS, block(head(w)), flags=END_STREAM),
            frame(CONTINUATION, block([(":path", START)]), flags=END_HEADERS),
        ),
        (UNREAD,),
    ),
]
