"""Methods and paths that could mean one thing to the gateway and another to the workspace."""

from support.bypass.world import (
    MALFORMED,
    ME,
    NO_ACTION,
    NO_SUBJECT,
    NOT_GRANTED,
    READ,
    START,
    STATEMENTS,
    UNREAD,
    Case,
)

METHODS = {
    **dict.fromkeys(("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"), NO_ACTION),
    **dict.fromkeys(("PROPFIND", "PURGE", "SEARCH", "LOCK", "LINK", "ACL"), NO_ACTION),
    **dict.fromkeys(("get", "Get", "GETX", "TRACK", "DEBUG", "PRI", "M-SEARCH", "G\0T", "GET\x7f", "G" * 5000), UNREAD),
    # A target of this method is a host, not a path (RFC 9112 §3.2.3).
    "CONNECT": UNREAD,
    "QUERY": MALFORMED,
}
PATHS = {
    **dict.fromkeys((f"{ME}/", f"{ME}//", ME.lower(), ME.upper(), f"{ME};x=1", f"{ME}.json"), NO_ACTION),
    **dict.fromkeys(
        (f"{ME}%20", f"{ME}%3f", f"{ME}%23", f"{ME}%09", f"{ME}%0d%0a", f"{ME}%c0%af", f"{ME}:"), NO_ACTION
    ),
    # An escaped slash, and what cannot be normalised.
    **dict.fromkeys((f"{ME}%2f", f"{ME}%2F", f"{ME}%5c", f"{ME}%5C", f"{ME}%00", f"{ME}#x"), MALFORMED),
    **dict.fromkeys(("/api/2.0/sql%2fstatements/a", "/api/2.0/sql%5cstatements/a"), MALFORMED),
    f"{STATEMENTS}/a%2f..%2f..%2fx": MALFORMED,
    "/api/2.0/sql%252fstatements/a": NO_ACTION,
    f"{STATEMENTS}/": NO_ACTION,
    f"{STATEMENTS}/a;b": NO_ACTION,
    f"{STATEMENTS}/a/cancel": NO_ACTION,
    f"{STATEMENTS}/..;/x": NO_ACTION,
    f"{STATEMENTS}/%2e%2e/x": NO_ACTION,
    f"{STATEMENTS}/%252e%252e/x": NO_ACTION,
    f"{STATEMENTS}/.%00./x": MALFORMED,
    "/oidc/v1/token/x": NO_ACTION,
    "/oidc/v1/authorize": NO_ACTION,
    "/healthz/x": NO_ACTION,
    "/": NO_ACTION,
    "/api": NO_ACTION,
    "/../../../etc/passwd": NO_ACTION,
    "//": NO_ACTION,
    "/api/2.1/jobs/list": NOT_GRANTED,
    "/api/2.0/secrets/get": NOT_GRANTED,
    START: NO_ACTION,
    "/api/2.0/token/create": NO_ACTION,
    f"/x{ME}": NO_ACTION,
    f"/.{ME}x": NO_ACTION,
    f"{ME}/../../v2": NO_ACTION,
    f"/%61pi{ME[4:]}x": NO_ACTION,
    "/ajax-api/2.0/sql/statements": NO_ACTION,
    f"//elsewhere{ME}": NO_ACTION,
    ME[1:]: UNREAD,
    "*": UNREAD,
    f"{ME} x": UNREAD,
    f"{ME}\xff": UNREAD,
    f"{ME}\x01": UNREAD,
    # Absolute-form (RFC 9112 §3.2.2): the host is not believed, the path is decided about.
    f"http://elsewhere{START}": NO_ACTION,
    f"http://elsewhere/x{ME}": NO_ACTION,
    f"https://elsewhere{ME}": UNREAD,
    f"ftp://elsewhere{ME}": UNREAD,
    "http://": UNREAD,
    f"http:{ME}": UNREAD,
}
RESOLVED = (
    "/api//2.0/preview///scim/v2/Me",
    "/api/2.0/x/../preview/scim/v2/Me",
    "/api/2.0/x/%2e%2e/preview/scim/v2/Me",
    f"/%61pi{ME[4:]}",
    f"http://elsewhere{ME}",
    f"http://Nightly-1:x@elsewhere:1{ME}",
    f"{ME}?a=/../../x",
    "/api/2.0\\preview/scim\\v2/Me",
)
"""What is decided about is what goes on: the plain path, to the workspace's own host."""

CASES = [
    *(Case(f"method {m[:20]!r}", lambda w, m=m: w.ask(m, ME, token=w.token), (end,)) for m, end in METHODS.items()),
    *(Case(f"path {p}", lambda w, p=p: w.ask(target=p, token=w.token), (end,)) for p, end in PATHS.items()),
    *(Case(f"path resolved: {p}", lambda w, p=p: w.ask(target=p, token=w.token), (READ,)) for p in RESOLVED),
    # It has no path, so no rule of authentication is about it; nobody has a route for what has no verified subject.
    Case("method CONNECT to a host", lambda w: w.ask("CONNECT", "gateway:443", token=w.token), (NO_SUBJECT,)),
    Case("method OPTIONS of everything", lambda w: w.ask("OPTIONS", "*", token=w.token), (MALFORMED,)),
    Case("method GET, blanks around", lambda w: w.ask("GET ", f" {ME}", token=w.token), (READ,)),
    *(
        Case(f"version {v}", lambda w, v=v: w.ask(token=w.token).replace(b"HTTP/1.1", v.encode(), 1), (end,))
        for v, end in {
            **dict.fromkeys(("HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.2", ""), UNREAD),
            **dict.fromkeys(("http/1.1", "HTTP/11", "XTTP/1.1", "HTTP/1.1x"), UNREAD),
        }.items()
    ),
]
