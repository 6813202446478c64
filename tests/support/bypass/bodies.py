"""Bodies that could mean two things, sent by a service whose statements may ask for 100 rows at most."""

import json

from support.bypass.world import MALFORMED, RUN, STATEMENTS, Case, World

RULE = "rows"
TOO_MANY = f"deny rule:{RULE}"
LIMITED = {
    "service": {
        "issuer": "cluster",
        "subject": "limited",
        "application_id": "app-6",
        "roles": {"runner": ["statement_execution.execute_statement"]},
    },
    "rule": {
        "for": {"services": ["limited"], "actions": ["statement_execution.execute_statement"]},
        "limit": {"row_limit": 100},
    },
}
"""The service, and the rule about it."""
JSON = [b"content-type: application/json"]
FINE = b'{"row_limit": 100}'

BODIES: dict[str, bytes] = {
    "more than the limit": b'{"row_limit": 101}',
    "nothing": b"",
    "no limit": b"{}",
    "limit of another level": b'{"a": {"row_limit": 1}}',
    "limit in a list": b'[{"row_limit": 1}]',
    "other case": b'{"Row_Limit": 1}',
    "twice, less first": b'{"row_limit": 1, "row_limit": 1000000}',
    "twice, less second": b'{"row_limit": 1000000, "row_limit": 1}',
    "twice, one escaped": rb'{"row_limit": 1, "row\u005flimit": 1000000}',
    "twice, one escaped otherwise": rb'{"\u0072ow_limit": 1, "row_limit": 1000000}',
    "twice, of another member": b'{"row_limit": 1, "statement": "a", "statement": "b"}',
    "twice, deeper": b'{"row_limit": 1, "parameters": [{"name": "a", "name": "b"}]}',
    "NUL in the name": rb'{"row_limit\u0000": 1}',
    "text": b'{"row_limit": "1"}',
    "null": b'{"row_limit": null}',
    "true": b'{"row_limit": true}',
    "list": b'{"row_limit": [1]}',
    "exponent": b'{"row_limit": 1e9}',
    "more than a number can be": b'{"row_limit": 1e400}',
    "NaN": b'{"row_limit": NaN}',
    "Infinity": b'{"row_limit": -Infinity}',
    "hex": b'{"row_limit": 0x1}',
    "plus": b'{"row_limit": +1}',
    "zero before": b'{"row_limit": 01}',
    "dot at the end": b'{"row_limit": 1.}',
    "comma at the end": b'{"row_limit": 1,}',
    "no comma": b'{"row_limit": 1 "a": 2}',
    "single quotes": b"{'row_limit': 1}",
    "no quotes": b"{row_limit: 1}",
    "comment": b'{"row_limit": 1 /* "row_limit": 1000000 */}',
    "comment of a line": b'{"row_limit": 1 // \n}',
    "something behind": b'{"row_limit": 1}{"row_limit": 1000000}',
    "something before": b'x{"row_limit": 1}',
    "another document before": b'{"row_limit": 1000000}\n{"row_limit": 1}',
    "byte order mark": b'\xef\xbb\xbf{"row_limit": 1}',
    "UTF-16": '{"row_limit": 1}'.encode("utf-16"),
    "UTF-32": '{"row_limit": 1}'.encode("utf-32-le"),
    "overlong UTF-8": b'{"row_limit": 1, "a": "\xc0\xaf"}',
    "surrogate as bytes": b'{"row_limit": 1, "a": "\xed\xa0\x80"}',
    "half of a surrogate": rb'{"row_limit": 1, "a": "\ud800"}',
    "line end in a text": b'{"row_limit": 1, "a": "b\nc"}',
    "unknown escape": rb'{"row_limit": 1, "a": "\x41"}',
    "form feed between": b'{"row_limit":\x0c1}',
    "NUL behind": b'{"row_limit": 1}\0',
    "no end": b'{"row_limit": 1',
    "nested 33 deep": b'{"row_limit": 1, "a": ' + b"[" * 32 + b"]" * 32 + b"}",
    "nested 100,000 deep": b'{"row_limit": 1, "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "nested without end": b'{"a":' * 100_000,
    "a form": b"row_limit=1",
}
KINDS: dict[str, list[bytes]] = {
    "text": [b"content-type: text/plain"],
    "form": [b"content-type: application/x-www-form-urlencoded"],
    "XML": [b"content-type: application/xml"],
    "almost JSON": [b"content-type: application/jsonx"],
    "JSON and a second": [b"content-type: application/json, text/plain"],
    "UTF-16": [b"content-type: application/json; charset=utf-16"],
    "UTF-7": [b"content-type: application/json; charset=utf-7"],
    "twice": [b"content-type: application/json", b"content-type: application/json"],
    "twice, other second": [b"content-type: application/json", b"content-type: text/plain"],
    "compressed": [*JSON, b"content-encoding: gzip"],
    "identity": [*JSON, b"content-encoding: identity"],
}


def said(w: World, lines: list[bytes], body: bytes) -> bytes:
    head = w.raw("POST", STATEMENTS, [*lines, b"connection: close", b"content-length: %d" % len(body)], w.limited)
    return head + body


def chunked(w: World, *parts: bytes) -> bytes:
    body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))
    return w.raw("POST", STATEMENTS, [*JSON, b"transfer-encoding: chunked", b"connection: close"], w.limited) + body


CASES = [
    *(Case(f"body: {n}", lambda w, b=b: said(w, JSON, b), (TOO_MANY,)) for n, b in BODIES.items()),
    *(Case(f"body of kind: {n}", lambda w, x=x: said(w, x, FINE), (TOO_MANY,)) for n, x in KINDS.items()),
    Case("body: in chunks, more second", lambda w: chunked(w, b'{"row_limit": 1', b"01}"), (TOO_MANY,)),
    Case("body: in chunks, twice", lambda w: chunked(w, FINE[:-1], b', "row_limit": 1000000}'), (TOO_MANY,)),
    Case(
        "body: longer than what is read",
        lambda w: said(w, JSON, json.dumps({"row_limit": 1, "a": "b" * 2_000_000}).encode()),
        (MALFORMED,),
    ),
    # So that what is refused is refused for what it says.
    Case("body: what may be asked", lambda w: said(w, JSON, FINE), (RUN,)),
]
