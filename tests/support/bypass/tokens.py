"""Tokens that must not be taken: each a small change of one that would be."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support.bypass.world import (
    NO_SUBJECT,
    NO_TOKEN,
    POD,
    READ,
    STRANGER,
    UNREAD,
    Case,
    World,
    encoded,
    es256,
    rs256,
    signed,
)

NONE = ["none", "None", "NONE", "nOnE", "none ", "", "null", "NoNe\u0000"]
FORMS: dict[str, Callable[[Any], bytes]] = {
    "PEM": lambda i: i.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "PEM without line end": lambda i: FORMS["PEM"](i).rstrip(),
    "DER": lambda i: i.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "JWK": lambda i: json.dumps(i.jwk(), sort_keys=True).encode(),
    "JWK without spaces": lambda i: json.dumps(i.jwk(), separators=(",", ":")).encode(),
    "nothing": lambda i: b"",
}
HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
KIDS: list[Any] = [
    "",
    "other",
    "../../dev/null",
    "key-1 ",
    "KEY-1",
    "key-1\u0000",
    "' OR 1=1--",
    "|id",
    "key-1/../key-1",
    ["key-1"],
    {"a": 1},
    1,
    None,
    "http://127.0.0.1/key",
    "x" * 2000,
    "kéy-1",
    "%6bey-1",
]
HEADERS: dict[str, Any] = {
    "jku": "http://127.0.0.1:1/jwks.json",
    "x5u": "http://127.0.0.1:1/c.pem",
    "x5c": ["MIIB"],
    "x5t": "AAAA",
    "x5t#S256": "AAAA",
    "crit": ["exp"],
    "b64": False,
    "zip": "DEF",
    "cty": "JWT",
    "typ": "none",
    "iss": "x",
}
CLAIMS: dict[str, dict[str, Any]] = {
    "aud missing": {"aud": None},
    "aud empty": {"aud": ""},
    "aud empty list": {"aud": []},
    "aud list": {"aud": ["a", "b"]},
    "aud longer": {"aud": "api-of-the-gateway-2"},
    "aud shorter": {"aud": "api-of-the"},
    "aud case": {"aud": "API-of-the-gateway"},
    "aud object": {"aud": {"api-of-the-gateway": 1}},
    "aud number": {"aud": 1},
    "aud true": {"aud": True},
    "aud nested": {"aud": [["api-of-the-gateway"]]},
    "aud blank": {"aud": "api-of-the-gateway other"},
    "aud wildcard": {"aud": "*"},
    "aud of the other issuer": {"aud": "lakelatch"},
    "iss missing": {"iss": None},
    "iss empty": {"iss": ""},
    "iss list": {"iss": ["https://login.example.test/tenant/v2.0"]},
    "iss slash": {"iss": "https://login.example.test/tenant/v2.0/"},
    "iss case": {"iss": "https://LOGIN.example.test/tenant/v2.0"},
    "iss http": {"iss": "http://login.example.test/tenant/v2.0"},
    "iss lookalike": {"iss": "https://l\u043egin.example.test/tenant/v2.0"},
    "iss shorter": {"iss": "https://login.example.test/tenant"},
    "iss port": {"iss": "https://login.example.test:443/tenant/v2.0"},
    "iss user": {"iss": "https://x@login.example.test/tenant/v2.0"},
    "iss blank": {"iss": " https://login.example.test/tenant/v2.0"},
    "iss of the cluster": {"iss": "https://cluster.example.test/"},
    "iss of the gateway": {"iss": "https://gateway.example.test"},
    "exp missing": {"exp": None},
    "exp text": {"exp": "9999999999"},
    "exp zero": {"exp": 0},
    "exp one": {"exp": 1},
    "exp negative": {"exp": -1},
    "exp list": {"exp": [9999999999]},
    "exp object": {"exp": {}},
    "exp true": {"exp": True},
    "nbf text": {"nbf": "0"},
    "nbf list": {"nbf": []},
    "iat text": {"iat": "0"},
}
SUBJECTS: dict[str, tuple[dict[str, Any], str]] = {
    "list": ({"sub": ["Nightly-1"]}, NO_TOKEN),
    "number": ({"sub": 1}, NO_TOKEN),
    "true": ({"sub": True}, NO_TOKEN),
    "object": ({"sub": {"Nightly-1": 1}}, NO_TOKEN),
    "missing": ({"sub": None}, NO_SUBJECT),
    "empty": ({"sub": ""}, NO_SUBJECT),
    "elsewhere": ({"sub": None, "azp": "Nightly-1"}, NO_SUBJECT),
    "line break": ({"sub": "Nightly-1\r\nx-a: b"}, NO_SUBJECT),
    "what stands for nobody": ({"sub": "no verified subject"}, NO_SUBJECT),
    "case": ({"sub": "nightly-1"}, STRANGER),
    "upper case": ({"sub": "NIGHTLY-1"}, STRANGER),
    "wildcard": ({"sub": "*"}, STRANGER),
    "NUL": ({"sub": "Nightly-1\u0000"}, STRANGER),
    "blank after": ({"sub": "Nightly-1 "}, STRANGER),
    "blank before": ({"sub": " Nightly-1"}, STRANGER),
    "tab": ({"sub": "Nightly-1\t"}, STRANGER),
    "long": ({"sub": "Nightly-1" * 900}, STRANGER),
    "comma": ({"sub": "Nightly-1,Nightly-1"}, STRANGER),
    "of another service": ({"sub": POD}, STRANGER),
    "lookalike": ({"sub": "Nightly\u20111"}, STRANGER),
    "dot": ({"sub": "Nightly-1."}, STRANGER),
    "port": ({"sub": "Nightly-1:443"}, STRANGER),
}
RELATIVE = {
    "exp 40 s ago": ("exp", -40),
    "exp an hour ago": ("exp", -3600),
    "nbf in a minute": ("nbf", 60),
    "nbf in a day": ("nbf", 86400),
}
HARMLESS: dict[str, Callable[[World], str]] = {
    # The bytes that were signed and their signature are the same; only the base64 has what RFC 7515 §2 leaves out.
    "padded": lambda w: w.token + "==",
    # Empty sections are passed over; header, payload and signature are those that were signed.
    "dots around": lambda w: "." + w.token.replace(".", "..") + "." * 60_000,
    # Within the 30 s that clocks may differ.
    "exp 15 s ago": lambda w: ours(w, w.claims(exp=int(time.time()) - 15)),
    "nbf in 15 s": lambda w: ours(w, w.claims(nbf=int(time.time()) + 15)),
    # Made out to the gateway, and to somebody else as well (RFC 7519 §4.1.3).
    "aud of two": lambda w: ours(w, w.claims(aud=["other", w.entra.audience])),
    # As long as headers may be.
    "60 KiB": lambda w: ours(w, w.claims(groups="g" * 44_000)),
}
"""Tokens that are fine, although they look odd: what goes on has the service's Databricks token and nothing of them."""
PAYLOADS: list[Any] = [[], "x", 1, None, True, b"", b"{", b"\xff"]
RAW = {
    "exp 1e400": '"exp":1e400',
    "exp NaN": '"exp":NaN',
    "exp -1e400": '"exp":-1e400',
    "exp 2^80": '"exp":1208925819614629174706176',
}


def case(name: str, make: Callable[..., str], *ends: str) -> Case:
    return Case(f"token: {name}", lambda w: w.ask(token=make(w)), ends or (NO_TOKEN,))


def header(w: World, **more: Any) -> dict[str, Any]:
    return {"alg": "RS256", "kid": "key-1", "typ": "JWT", **more}


def confused(w: World, issuer: str, algorithm: str, form: str) -> str:
    whose = getattr(w, issuer)
    secret, payload = FORMS[form](whose), w.claims(iss=whose.url, aud=whose.audience)
    return signed(header(w, alg=algorithm), payload, lambda text: hmac.new(secret, text, HASHES[algorithm]).digest())


def brought(w: World, algorithm: str, place: str) -> str:
    """Signed with a shared secret that the token brings along."""
    secret = b"secret" * 8
    key = {"kty": "oct", "k": encoded(secret), "alg": algorithm, "kid": "key-1"}
    value = {"jwk": key, "jku": f"data:application/json,{json.dumps({'keys': [key]})}", "kid": encoded(secret)}[place]
    return signed(
        header(w, alg=algorithm, **{place: value}),
        w.claims(),
        lambda text: hmac.new(secret, text, HASHES[algorithm]).digest(),
    )


def ours(w: World, payload: Any) -> str:
    return signed(header(w), payload, rs256(w.entra.key))


def raw_claims(w: World, member: str, *, without: str = "exp") -> bytes:
    rest = {name: value for name, value in w.claims().items() if name != without}
    return json.dumps(rest).encode()[:-1] + b"," + member.encode() + b"}"


def parts(w: World, change: Callable[[str, str, str], str]) -> str:
    return change(*w.token.split("."))


SHAPES: dict[str, Callable[[str, str, str], str]] = {
    "no signature": lambda h, p, s: f"{h}.{p}.",
    "two parts": lambda h, p, s: f"{h}.{p}",
    "four parts": lambda h, p, s: f"{h}.{p}.{s}.{s}",
    "five parts": lambda h, p, s: f"{h}..{p}.{s}.{s}",
    "only dots": lambda h, p, s: "..",
    "short signature": lambda h, p, s: f"{h}.{p}.{s[:20]}",
    "no header": lambda h, p, s: f".{p}.{s}",
    "no payload": lambda h, p, s: f"{h}..{s}",
    "twice": lambda h, p, s: f"{h}.{p}.{s}{s}",
    "plus": lambda h, p, s: f"{h}.{p}.+{s[1:]}",
    "slash": lambda h, p, s: f"{h}.{p}.{s[:-1]}/",
    "blank inside": lambda h, p, s: f"{h}. {p}.{s}",
    "header twice": lambda h, p, s: f"{h}.{h}.{s}",
    "payload swapped": lambda h, p, s: f"{p}.{h}.{s}",
    "one letter more": lambda h, p, s: f"{h}.{p}.{s}A",
    "one letter less": lambda h, p, s: f"{h}.{p}.{s[:-2]}",
    "percent": lambda h, p, s: f"{h}%2E{p}.{s}",
    "zero signature": lambda h, p, s: f"{h}.{p}.{'A' * len(s)}",
    "8 KiB": lambda h, p, s: f"{h}.{p}{'A' * 8192}.{s}",
    "60 KiB, unsigned": lambda h, p, s: f"{h}.{p}{'A' * 60_000}.{s}",
    "60 KiB of sections": lambda h, p, s: f"{h}.{p}.{s}{'.x' * 30_000}",
    "NUL-like": lambda h, p, s: f"{h}.{p}.{s}%00",
    "payload of another": lambda h, p, s: f"{h}.{encoded({'sub': 'Nightly-1'})}.{s}",
    "no JSON": lambda h, p, s: f"{encoded(b'x')}.{p}.{s}",
    "header a list": lambda h, p, s: f"{encoded([1])}.{p}.{s}",
    "header empty": lambda h, p, s: f"{encoded({})}.{p}.{s}",
}

CASES = [
    *(
        case(f"alg {a!r}, {n}", lambda w, a=a, s=s: signed(header(w, alg=a), w.claims(), lambda _: s))
        for a in NONE
        for n, s in (("no signature", b""), ("a signature", b"x" * 256))
    ),
    *(
        case(f"{a} with the {f} of {i}", lambda w, i=i, a=a, f=f: confused(w, i, a, f))
        for i in ("entra", "cluster")
        for a in HASHES
        for f in FORMS
    ),
    *(
        case(f"kid {str(k)[:20]!r}", lambda w, k=k: signed(header(w, kid=k), w.claims(), rs256(w.attacker)))
        for k in KIDS
    ),
    *(
        case(
            f"attacker's key and {n}",
            lambda w, n=n: signed(header(w, **{n: HEADERS[n]}), w.claims(), rs256(w.attacker)),
        )
        for n in HEADERS
    ),
    *(case(n, lambda w, c=c: ours(w, w.claims(**c))) for n, c in CLAIMS.items()),
    *(case(n, lambda w, m=m, s=s: ours(w, w.claims(**{m: int(time.time()) + s}))) for n, (m, s) in RELATIVE.items()),
    *(case(n, lambda w, m=m: ours(w, raw_claims(w, m))) for n, m in RAW.items()),
    *(case(f"sub {n}", lambda w, c=c: ours(w, w.claims(**c)), end) for n, (c, end) in SUBJECTS.items()),
    *(case(n, make, READ) for n, make in HARMLESS.items()),
    case("66 KiB", lambda w: w.token + "A" * 66_000, UNREAD),
    *(case(n, lambda w, c=c: parts(w, c)) for n, c in SHAPES.items()),
    *(case(f"payload {p!r}", lambda w, p=p: ours(w, p)) for p in PAYLOADS),
    case(
        "jwk of the attacker",
        lambda w: signed(
            header(w, jwk=json.loads(jwt.get_algorithm_by_name("RS256").to_jwk(w.attacker.public_key()))),
            w.claims(),
            rs256(w.attacker),
        ),
    ),
    *(
        case(f"{a} with an oct key in {place}", lambda w, a=a, place=place: brought(w, a, place))
        for a in HASHES
        for place in ("jwk", "jku", "kid")
    ),
    case("nested", lambda w: signed(header(w, cty="JWT"), w.token.encode(), rs256(w.attacker))),
    case("encrypted", lambda w: f"{encoded({'alg': 'dir', 'enc': 'A256GCM', 'kid': 'key-1'})}..AAAA.AAAA.AAAA"),
    case("key of the other issuer", lambda w: signed(header(w, alg="ES256"), w.claims(), es256(w.cluster.key))),
    case(
        "for the other issuer",
        lambda w: signed(header(w), w.claims(iss=w.cluster.url, aud="lakelatch", sub=POD), rs256(w.entra.key)),
    ),
    case(
        "ES256 as DER",
        lambda w: signed(
            header(w, alg="ES256"),
            w.claims(iss=w.cluster.url, aud="lakelatch"),
            lambda t: bytes(w.cluster.key.sign(t, ec.ECDSA(hashes.SHA256()))),
        ),
    ),
    case(
        "ES256 of zeros",
        lambda w: signed(header(w, alg="ES256"), w.claims(iss=w.cluster.url, aud="lakelatch"), lambda _: bytes(64)),
    ),
    *(
        case(f"{a} by the right key", lambda w, a=a: str(jwt.encode(w.claims(), w.entra.key, a, {"kid": "key-1"})))
        for a in ("RS384", "RS512", "PS256", "PS384", "PS512")
    ),
    case(
        "sub twice, the other last", lambda w: ours(w, raw_claims(w, '"sub":"Nightly-1","sub":"nobody"', without="sub"))
    ),
    case(
        "iss twice",
        lambda w: ours(w, raw_claims(w, '"iss":"https://login.example.test/tenant/v2.0","iss":"x"', without="iss")),
    ),
]
