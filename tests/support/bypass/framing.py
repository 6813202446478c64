"""Where one request ends and the next begins: each asks what is granted, with a token that is fine.

Behind most of them on the same connection comes a request without a token. Whatever the framing says, it may never be
taken for a part of what was allowed, nor the other way round.
"""

from collections.abc import Mapping

from support.bypass.world import BROKEN, MALFORMED, NO_TOKEN, RUN, STATEMENTS, UNREAD, Case, World

BEHIND = (RUN, NO_TOKEN)
"""The first goes on whole, and the one behind it is refused by itself."""


def hidden(w: World) -> bytes:
    return w.raw("POST", STATEMENTS, [b"content-length: 0", b"connection: close"]).replace(b"bypass", b"hidden bypass")


def sent(w: World, lines: list[bytes], body: bytes) -> bytes:
    return w.raw("POST", STATEMENTS, lines, w.pod) + body + hidden(w)


def plain(w: World, lines: list[bytes]) -> bytes:
    """With a body of two bytes; `lines` say nothing about its length."""
    return sent(w, [*lines, b"content-length: 2"], b"{}")


def table(kind: str, rows: Mapping[str, tuple[list[bytes], bytes, tuple[str, ...]]]) -> list[Case]:
    return [Case(f"{kind}: {n}", lambda w, x=x, b=b: sent(w, x, b), ends) for n, (x, b, ends) in rows.items()]


EMPTY = b"0\r\n\r\n"
"""The body of nothing, in chunks."""
BOTH: dict[str, tuple[list[bytes], bytes, tuple[str, ...]]] = {
    "length first": ([b"content-length: 5", b"transfer-encoding: chunked"], EMPTY, (UNREAD,)),
    "chunked first": ([b"transfer-encoding: chunked", b"content-length: 5"], EMPTY, (UNREAD,)),
    "length of the chunks": ([b"content-length: 5", b"transfer-encoding: chunked"], EMPTY, (UNREAD,)),
    "identity": ([b"content-length: 2", b"transfer-encoding: identity"], b"{}", (UNREAD,)),
    "no blank": ([b"content-length:5", b"transfer-encoding:chunked"], EMPTY, (UNREAD,)),
    "lengths around": ([b"content-length: 5", b"transfer-encoding: chunked", b"content-length: 5"], EMPTY, (UNREAD,)),
    "chunked nominated": (
        [b"content-length: 5", b"transfer-encoding: chunked", b"connection: transfer-encoding"],
        EMPTY,
        (UNREAD,),
    ),
}
ENCODINGS: dict[bytes, tuple[str, ...]] = {
    b"chunked, identity": (UNREAD,),
    b"identity, chunked": (UNREAD,),
    b"chunked, chunked": (UNREAD,),
    b"gzip, chunked": (UNREAD,),
    b"chunked,": (UNREAD,),
    b",chunked": (UNREAD,),
    b"chunked;q=1": (UNREAD,),
    b"chunked ;a": (UNREAD,),
    b'"chunked"': (UNREAD,),
    b"xchunked": (UNREAD,),
    b"chunke": (UNREAD,),
    b"identity": (UNREAD,),
    b"gzip": (UNREAD,),
    b"trailers": (UNREAD,),
    b"": (UNREAD,),
    b"\x0bchunked": (UNREAD,),
    b"chunked\x0c": (UNREAD,),
    b"chunked\0": (UNREAD,),
    b"chunked\x85": (UNREAD,),
    # Not understood and not sent on: the body is empty, and what comes behind is no request.
    b"chun\rked": (RUN, UNREAD),
    # The same to every reader: blanks around a value and case are nothing (RFC 9110 §5.5, RFC 9112 §7).
    b"chunked ": BEHIND,
    b"\tchunked\t": BEHIND,
    b"CHUNKED": BEHIND,
    b"\r\n chunked": BEHIND,
}
TWO_ENCODINGS: dict[str, tuple[list[bytes], tuple[str, ...]]] = {
    "chunked twice": ([b"transfer-encoding: chunked", b"transfer-encoding: chunked"], (UNREAD,)),
    "identity second": ([b"transfer-encoding: chunked", b"transfer-encoding: identity"], (UNREAD,)),
    "identity first": ([b"transfer-encoding: identity", b"transfer-encoding: chunked"], (UNREAD,)),
    "x first": ([b"transfer-encoding: x", b"Transfer-Encoding: chunked"], (UNREAD,)),
    # As with one that is not understood.
    "empty second": ([b"transfer-encoding: chunked", b"transfer-encoding:"], (RUN, UNREAD)),
}
CHUNKS: dict[bytes, tuple[str, ...]] = {
    b"0x2\r\n{}\r\n0\r\n\r\n": (BROKEN,),
    b"-2\r\n{}\r\n0\r\n\r\n": (BROKEN,),
    b"+2\r\n{}\r\n0\r\n\r\n": (BROKEN,),
    b"g\r\n{}\r\n0\r\n\r\n": (BROKEN,),
    b"\r\n{}\r\n0\r\n\r\n": (BROKEN,),
    b" 2\r\n{}\r\n0\r\n\r\n": (BROKEN,),
    b"FFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n": (BROKEN,),
    b"10000000000000002\r\n{}\r\n0\r\n\r\n": (BROKEN,),
    b"FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n": (BROKEN,),
    b"100000002\r\n{}\r\n0\r\n\r\n": (BROKEN,),
    b"2\n{}\n0\n\n": (BROKEN,),
    b"2\r{}\r\n0\r\n\r\n": (BROKEN,),
    b"2\r\n{}0\r\n\r\n": (BROKEN,),
    b"2\r\n{}\n0\r\n\r\n": (BROKEN,),
    b"2\r\n{}\r\n0\n\n": (BROKEN,),
    b"2;\r\r\n{}\r\n0\r\n\r\n": (BROKEN,),
    b"2;a\nb\r\n{}\r\n0\r\n\r\n": (BROKEN,),
    b"2\0\r\n{}\r\n0\r\n\r\n": (BROKEN,),
    # Extensions and what exceeds a chunk are not sent on: the workspace gets chunks of Envoy's own (RFC 9112 §7.1.1).
    b"2\r\n{}{}\r\n0\r\n\r\n": BEHIND,
    b"2;a=b\r\n{}\r\n0\r\n\r\n": BEHIND,
    b'2;a="b;c"\r\n{}\r\n0;d\r\n\r\n': BEHIND,
    b"2;" + b"a" * 4000 + b"\r\n{}\r\n0\r\n\r\n": BEHIND,
    b"2 2\r\n{}\r\n0\r\n\r\n": BEHIND,
    b"00002\r\n{}\r\n0000\r\n\r\n": BEHIND,
}
TRAILERS: dict[bytes, tuple[str, ...]] = {
    # Nothing of a trailer goes on.
    b"authorization: Bearer x": BEHIND,
    b"x-lakelatch-subject: Nightly-1": BEHIND,
    b"x-lakelatch-action: current_user.me": BEHIND,
    b"content-length: 5": BEHIND,
    b"transfer-encoding: chunked": BEHIND,
    b"host: elsewhere": BEHIND,
    b":path: /": (BROKEN,),
    b"x a: b": (BROKEN,),
    b"x-a: b\0": (BROKEN,),
    b"no colon": (BROKEN,),
}
LENGTHS: dict[str, tuple[list[bytes], tuple[str, ...]]] = {
    "twice the same": ([b"content-length: 2", b"content-length: 2"], (UNREAD,)),
    "twice, longer second": ([b"content-length: 2", b"content-length: 5"], (UNREAD,)),
    "twice, shorter second": ([b"content-length: 5", b"content-length: 2"], (UNREAD,)),
    "list": ([b"content-length: 2, 2"], (UNREAD,)),
    "list, longer": ([b"content-length: 2, 5"], (UNREAD,)),
    "list without blank": ([b"content-length: 2,2"], (UNREAD,)),
    "plus": ([b"content-length: +2"], (UNREAD,)),
    "negative": ([b"content-length: -2"], (UNREAD,)),
    "hex": ([b"content-length: 0x2"], (UNREAD,)),
    "exponent": ([b"content-length: 2e0"], (UNREAD,)),
    "fraction": ([b"content-length: 2.0"], (UNREAD,)),
    "underscore": ([b"content-length: 1_0"], (UNREAD,)),
    "blank inside": ([b"content-length: 2 2"], (UNREAD,)),
    "empty": ([b"content-length:"], (UNREAD,)),
    "letters": ([b"content-length: two"], (UNREAD,)),
    "above 64 bit": ([b"content-length: 18446744073709551618"], (UNREAD,)),
    "huge": ([b"content-length: 99999999999999999999999"], (UNREAD,)),
    "NUL": ([b"content-length: 2\0"], (UNREAD,)),
    "other digits": ([b"content-length: \xd9\xa2"], (UNREAD,)),
    "blank before colon": ([b"content-length : 2"], (UNREAD,)),
    "tab before colon": ([b"content-length\t: 2"], (UNREAD,)),
    "folded": ([b"content-length:\r\n 2"], BEHIND),
    "zeros before": ([b"content-length: 0002"], BEHIND),
    # The body is the beginning of what comes behind it, and that is no request.
    "none": ([], (RUN, UNREAD)),
    "zero": ([b"content-length: 0"], (RUN, UNREAD)),
    "one too short": ([b"content-length: 1"], (RUN, UNREAD)),
    # Without a length from the client the workspace gets chunks of Envoy's own.
    "nominated": ([b"content-length: 2", b"connection: content-length"], BEHIND),
}
LINES: dict[str, tuple[list[bytes], tuple[str, ...]]] = {
    "NUL in a value": ([b"x-a: b\0c"], (UNREAD,)),
    "NUL in a name": ([b"x\0a: b"], (UNREAD,)),
    "control character": ([b"x-a: b\x01"], (UNREAD,)),
    "DEL": ([b"x-a: b\x7f"], (UNREAD,)),
    "blank before colon": ([b"x-a : b"], (UNREAD,)),
    "tab before colon": ([b"x-a\t: b"], (UNREAD,)),
    "blank before the colon of authorization": ([b"authorization : Bearer x"], (UNREAD,)),
    "blank before the colon of an encoding": ([b"transfer-encoding : chunked"], (UNREAD,)),
    "blank in a name": ([b"x a: b"], (UNREAD,)),
    "no colon": ([b"x-a"], (UNREAD,)),
    "no name": ([b": b"], (UNREAD,)),
    "pseudo-header": ([b":path: /"], (UNREAD,)),
    "pseudo-header of the host": ([b":authority: elsewhere"], (UNREAD,)),
    "underscore": ([b"x_lakelatch_subject: Nightly-1"], (UNREAD,)),
    "letter above ASCII in a name": ([b"x-\xff: a"], (UNREAD,)),
    "Kelvin sign in a name": (["x-la\u212aelatch-subject: Nightly-1".encode()], (UNREAD,)),
    "101 headers": ([b"x-%d: a" % number for number in range(97)], (UNREAD,)),
    "a header of 64 KiB": ([b"x-a: " + b"b" * 65536], (UNREAD,)),
    # One line becomes a part of the one before it, here of the token.
    "folded into the token": ([b" x-a: b"], (NO_TOKEN,)),
    # One value for every server behind: line ends within it are gone.
    "folded": ([b"x-a: b\r\n c"], BEHIND),
    "folded, as a header": ([b"x-a: b\r\n\tauthorization: Bearer x"], BEHIND),
    "bare CR": ([b"x-a: b\rx-b: c"], BEHIND),
    "bare CR before a header of the gateway": ([b"x-a: b\rx-lakelatch-subject: Nightly-1"], BEHIND),
    "bare LF": ([b"x-a: b\nx-b: c"], BEHIND),
    "bare LF before a header of the gateway": ([b"x-a: b\nx-lakelatch-subject: Nightly-1"], BEHIND),
    "bare LF before another method": ([b"x-a: b\nx-http-method-override: DELETE"], BEHIND),
    "two hosts": ([b"host: elsewhere"], BEHIND),
    "byte above ASCII in a value": ([b"x-a: \xff"], BEHIND),
}
HOPS: dict[str, tuple[list[bytes], tuple[str, ...]]] = {
    # What a client nominates is taken away before anything reads it (RFC 9110 §7.6.1), also what would have helped it.
    "authorization": ([b"connection: authorization"], (NO_TOKEN,)),
    "the subject": ([b"connection: x-lakelatch-subject"], BEHIND),
    "issuer and action": ([b"connection: x-lakelatch-issuer, x-lakelatch-action"], BEHIND),
    "the class": ([b"connection: x-lakelatch-class"], BEHIND),
    "the request's id": ([b"connection: x-request-id"], BEHIND),
    "host": ([b"connection: host"], (MALFORMED,)),
    "encoding": ([b"connection: transfer-encoding"], BEHIND),
    "where it is from": ([b"connection: x-forwarded-for"], (UNREAD,)),
    "by which protocol": ([b"connection: x-forwarded-proto"], (UNREAD,)),
    "its own": ([b"connection: connection"], BEHIND),
    "pseudo-header": ([b"connection: :path"], (UNREAD,)),
    "nothing": ([b"connection: ,,"], BEHIND),
    "keep-alive": ([b"connection: keep-alive", b"keep-alive: 5"], BEHIND),
    "close": ([b"connection: close"], (RUN,)),
    "proxy-connection": ([b"proxy-connection: keep-alive"], BEHIND),
    "te": ([b"te: trailers, gzip"], BEHIND),
    # An upgrade that nothing allows is refused, or is no upgrade: the answer is that of the plain request.
    "upgrade to websocket": (
        [b"connection: upgrade", b"upgrade: websocket", b"sec-websocket-version: 13"],
        (MALFORMED,),
    ),
    "upgrade to h2c": (
        [b"connection: upgrade, http2-settings", b"upgrade: h2c", b"http2-settings: AAMAAABkAAQAAP__"],
        BEHIND,
    ),
    "upgrade not nominated": ([b"upgrade: websocket"], BEHIND),
    "upgrade to TLS": ([b"connection: upgrade", b"upgrade: TLS/1.2"], (MALFORMED,)),
    "expectation": ([b"expect: 100-continue"], BEHIND),
    "another expectation": ([b"expect: 200-ok"], BEHIND),
}


def short(w: World, line: bytes, body: bytes) -> bytes:
    return w.raw("POST", STATEMENTS, [line], w.pod) + body


CASES = [
    *table("both framings", BOTH),
    *table("encoding", {repr(v): ([b"transfer-encoding: " + v], EMPTY, e) for v, e in ENCODINGS.items()}),
    *table("two encodings", {n: (x, EMPTY, e) for n, (x, e) in TWO_ENCODINGS.items()}),
    *table("chunks", {repr(b)[:40]: ([b"transfer-encoding: chunked"], b, e) for b, e in CHUNKS.items()}),
    *table(
        "trailer",
        {
            repr(t): ([b"transfer-encoding: chunked"], b"2\r\n{}\r\n0\r\n" + t + b"\r\n\r\n", e)
            for t, e in TRAILERS.items()
        },
    ),
    *table("length", {n: (x, b"{}", e) for n, (x, e) in LENGTHS.items()}),
    *(Case(f"line: {n}", lambda w, x=x: plain(w, x), ends) for n, (x, ends) in LINES.items()),
    *(Case(f"hop by hop: {n}", lambda w, x=x: plain(w, x), ends) for n, (x, ends) in HOPS.items()),
    Case("length: longer than the body", lambda w: short(w, b"content-length: 5", b"{}"), (BROKEN,)),
    Case(
        "chunks: no last one",
        lambda w: short(w, b"transfer-encoding: chunked", b"2\r\n{}\r\n"),
        (BROKEN,),
    ),
    Case(
        "chunks: no end of trailers",
        lambda w: short(w, b"transfer-encoding: chunked", b"0\r\nx-a: b\r\n"),
        (BROKEN,),
    ),
    Case("line: no CR at all", lambda w: plain(w, []).replace(b"\r\n", b"\n"), BEHIND),
    Case("line: empty before the request", lambda w: b"\r\n\r\n" + plain(w, []), BEHIND),
    Case(
        "a token of another in between",
        lambda w: plain(w, []).replace(b"content-length: 0", b"authorization: Bearer " + w.token.encode()),
        (RUN, "deny default-deny"),
    ),
]
