"""Methods, paths and framings that could mean one thing to the gateway and another to the workspace."""

from support.bypass.world import ME, START, STATEMENTS, Case, World

METHODS = [
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "HEAD",
    "PROPFIND",
    "get",
    "Get",
    "GETX",
    "PURGE",
    "SEARCH",
    "LOCK",
]
PATHS = [
    f"{ME}/",
    f"{ME}//",
    ME.lower(),
    ME.upper(),
    f"{ME};x=1",
    f"{ME}%2f",
    f"{ME}%5c",
    f"{ME}%00",
    f"{ME}%20",
    f"{ME}.json",
    f"{ME}%3f",
    f"{ME}%23",
    "/api/2.0/sql%2fstatements/a",
    "/api/2.0/sql%5cstatements/a",
    "/api/2.0/sql%252fstatements/a",
    f"{STATEMENTS}/",
    f"{STATEMENTS}/a;b",
    f"{STATEMENTS}/a/cancel",
    f"{STATEMENTS}/..;/x",
    "/oidc/v1/token/x",
    "/oidc/v1/authorize",
    "/",
    "/api",
    "/api/2.1/jobs/list",
    START,
    "/api/2.0/secrets/get",
    "/api/2.0/token/create",
    f"/x{ME}",
    f"/.{ME}x",
    f"{ME}/../../v2",
    f"/%61pi{ME[4:]}x",
    "/ajax-api/2.0/sql/statements",
]
FRAMINGS = {
    "both": [("content-length", "5"), ("transfer-encoding", "chunked")],
    "xchunked": [("transfer-encoding", "xchunked")],
    "chunked twice": [("transfer-encoding", "chunked, chunked")],
    "gzip": [("transfer-encoding", "gzip, chunked")],
    "identity": [("transfer-encoding", "identity")],
    "two lengths": [("content-length", "0"), ("content-length", "5")],
    "negative": [("content-length", "-1")],
    "plus": [("content-length", "+5")],
    "hex": [("content-length", "0x5")],
    "huge": [("content-length", "99999999999999999999999")],
    "list": [("content-length", "5, 6")],
    "letters": [("content-length", "five")],
    "blank before colon": [("transfer-encoding ", "chunked")],
    "NUL": [("x-a", "b\0c")],
    "underscore": [("x_lakelatch_subject", "Nightly-1")],
    "blank in name": [("x a", "b")],
    "empty name": [("", "b")],
}


def framed(w: World, headers: list[tuple[str, str]]) -> bytes:
    """Asks what is not granted, and hides a second request behind it."""
    hidden = f"POST {START} HTTP/1.1\r\nhost: gateway\r\nuser-agent: {w.agent} hidden\r\n\r\n".encode()
    return w.ask("POST", STATEMENTS, headers, token=w.token) + b"0\r\n\r\n" + hidden


CASES = [
    *(Case(f"method {m}", lambda w, m=m: w.ask(m, ME, token=w.token)) for m in METHODS),
    *(Case(f"path {p}", lambda w, p=p: w.ask(target=p, token=w.token)) for p in PATHS),
    *(Case(f"framing: {n}", lambda w, h=h: framed(w, h)) for n, h in FRAMINGS.items()),
    *(
        Case(f"path resolved: {p}", lambda w, p=p: w.ask(target=p, token=w.token), f"GET {ME}")
        for p in (
            "/api//2.0/preview///scim/v2/Me",
            "/api/2.0/x/../preview/scim/v2/Me",
            "/api/2.0/x/%2e%2e/preview/scim/v2/Me",
        )
    ),
]
