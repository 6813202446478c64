"""Tokens in other places than one Authorization header, and headers that would be believed."""

import base64
from collections.abc import Callable

from support.bypass.world import IN_QUERY, ME, NO_TOKEN, NOT_GRANTED, READ, START, STRANGER, UNREAD, Case, World

from lakelatch.envoy.identity import CLIENT_HEADERS_REMOVED

LETTERS = "access_token"
NAMES = [
    LETTERS,
    "ACCESS_TOKEN",
    "Access_Token",
    "access%5Ftoken",
    "access%5ftoken",
    "%61ccess_token",
    "%41ccess_token",
    "acces%73_token",
    "acces%53_token",
    "".join(f"%{ord(letter):02x}" for letter in LETTERS),
    "".join(f"%{ord(letter):02X}" for letter in LETTERS.upper()),
    "%2561ccess_token",
    "access%255Ftoken",
    "access_toke%6e",
    "access_toke%6E",
    "a%63cess_token",
]
BEFORE = {
    b"?": IN_QUERY,
    b"?a=b&": IN_QUERY,
    b"?a=b;": IN_QUERY,
    b"?&": IN_QUERY,
    b"?%ff&": IN_QUERY,
    b"?\xff&": UNREAD,
}
OTHERS = ["token", "jwt", "id_token", "authorization", "Authorization", "bearer", "auth", "assertion", "api_key"]


def basic(w: World) -> str:
    return "Basic " + base64.b64encode(f"token:{w.token}".encode()).decode()


VALUES: dict[str, Callable[[World], str]] = {
    "lower case": lambda w: f"bearer {w.token}",
    "upper case": lambda w: f"BEARER {w.token}",
    "two blanks": lambda w: f"Bearer  {w.token}",
    "tab": lambda w: f"Bearer\t{w.token}",
    "no blank": lambda w: f"Bearer{w.token}",
    "alone": lambda w: w.token,
    "Basic": basic,
    "list": lambda w: f"Bearer {w.token}, Bearer {w.token}",
    "list, first wrong": lambda w: f"Bearer x, Bearer {w.token}",
    "colon": lambda w: f"Bearer: {w.token}",
    "quoted": lambda w: f'Bearer "{w.token}"',
    "equals": lambda w: f"Bearer token={w.token}",
    "Token": lambda w: f"Token {w.token}",
    "JWT": lambda w: f"JWT {w.token}",
    "DPoP": lambda w: f"DPoP {w.token}",
    "Negotiate": lambda w: f"Negotiate {w.token}",
    "empty": lambda w: "",
    "scheme only": lambda w: "Bearer",
    "twice the scheme": lambda w: f"Bearer Bearer {w.token}",
}
HARMLESS = {
    # RFC 7235 §2.1 has one blank or more behind the scheme; the token is the one that was verified.
    "authorization: two blanks": (READ,),
    # Nothing beside the token that was verified; both fields are replaced by one.
    "second authorization: empty": (READ,),
}
"""What goes on has one Authorization, the service's Databricks token."""
INSTEAD = [
    "proxy-authorization",
    "x-authorization",
    "x-access-token",
    "x-auth-token",
    "x-forwarded-authorization",
    "x-forwarded-access-token",
    "x-amzn-oidc-data",
    "x-original-authorization",
    "x-databricks-token",
    "authorization-bearer",
]
COOKIES = ["access_token", "token", "authorization", "jwt", "DBAUTH", "Authorization"]
FORGED = {
    "x-lakelatch-subject": "Nightly-1",
    "X-LakeLatch-Subject": "Nightly-1",
    "x-lakelatch-issuer": "https://login.example.test/tenant/v2.0",
    "x-lakelatch-action": "current_user.me",
    "x-lakelatch-class": "1",
    "x-lakelatch-rule": "role:reader",
    "x-forwarded-user": "Nightly-1",
    "x-forwarded-email": "a@b",
    "x-envoy-original-path": ME,
    "x-envoy-internal": "true",
    "x-original-url": ME,
    "x-rewrite-url": ME,
    "x-forwarded-for": "127.0.0.1",
    "x-http-method-override": "GET",
    "forwarded": "for=127.0.0.1",
    "x-real-ip": "127.0.0.1",
    "remote-user": "Nightly-1",
}
PRETENDED = ("subject", "issuer", "action", "class", "token-id", "principal", "rule", "new")
BESIDE = [
    *CLIENT_HEADERS_REMOVED,
    *(
        f"x-lakelatch-{name}"
        for name in ("subject", "issuer", "action", "class", "token-id", "principal", "rule", "new")
    ),
    *(f"x-envoy-{name}" for name in ("original-path", "upstream-rq-timeout-ms", "retry-on", "external-address")),
]
FORM = ("content-type", "application/x-www-form-urlencoded")

CASES = [
    *(
        Case(
            f"query: {before!r} {name}, beside a token",
            lambda w, n=name, b=before: w.ask(
                target=ME.encode() + b + n.encode() + b"=" + w.token.encode(), token=w.token
            ),
            (end,),
        )
        for name in NAMES
        for before, end in BEFORE.items()
    ),
    *(
        Case(f"query: {name}, alone", lambda w, n=name: w.ask(target=f"{ME}?{n}={w.token}"))
        for name in [*NAMES, *OTHERS]
    ),
    *(
        Case(
            f"authorization: {n}",
            lambda w, v=v: w.ask(headers=[("authorization", v(w))]),
            HARMLESS.get(f"authorization: {n}", (NO_TOKEN,)),
        )
        for n, v in VALUES.items()
    ),
    *(
        Case(
            f"second authorization: {n}",
            lambda w, v=v: w.ask(headers=[("Authorization", v(w))], token=w.token),
            HARMLESS.get(f"second authorization: {n}", (NO_TOKEN,)),
        )
        for n, v in VALUES.items()
    ),
    *(Case(f"header: {n}", lambda w, n=n: w.ask(headers=[(n, f"Bearer {w.token}")])) for n in INSTEAD),
    *(Case(f"cookie: {n}", lambda w, n=n: w.ask(headers=[("cookie", f"{n}={w.token}")])) for n in COOKIES),
    *(Case(f"forged without a token: {n}", lambda w, n=n, v=v: w.ask(headers=[(n, v)])) for n, v in FORGED.items()),
    *(
        Case(
            f"forged by a stranger: {n}",
            lambda w, n=n, v=v: w.ask(headers=[(n, v)], token=w.entra.token("nobody")),
            (STRANGER,),
        )
        for n, v in FORGED.items()
    ),
    *(
        Case(
            f"forged by a service: {n}", lambda w, n=n, v=v: w.ask("POST", START, [(n, v)], token=w.pod), (NOT_GRANTED,)
        )
        for n, v in FORGED.items()
    ),
    # Nothing of these goes on beside what was decided about.
    *(
        Case(
            f"forged beside what is granted: {n}", lambda w, n=n: w.ask(headers=[(n, "forged")], token=w.token), (READ,)
        )
        for n in BESIDE
    ),
    Case("form", lambda w: w.ask("POST", headers=[FORM], body=f"access_token={w.token}".encode())),
]
