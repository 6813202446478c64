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
from support.bypass.world import POD, Case, World, encoded, es256, rs256, signed

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
    "sub missing": {"sub": None},
    "sub list": {"sub": ["Nightly-1"]},
    "sub number": {"sub": 1},
    "sub true": {"sub": True},
    "sub object": {"sub": {"Nightly-1": 1}},
    "sub empty": {"sub": ""},
    "sub case": {"sub": "nightly-1"},
    "sub upper case": {"sub": "NIGHTLY-1"},
    "sub wildcard": {"sub": "*"},
    "sub line break": {"sub": "Nightly-1\r\nx-a: b"},
    "sub NUL": {"sub": "Nightly-1\u0000"},
    "sub blank after": {"sub": "Nightly-1 "},
    "sub blank before": {"sub": " Nightly-1"},
    "sub tab": {"sub": "Nightly-1\t"},
    "sub long": {"sub": "Nightly-1" * 900},
    "sub comma": {"sub": "Nightly-1,Nightly-1"},
    "sub of another service": {"sub": POD},
    "sub as nobody": {"sub": "no verified subject"},
    "sub lookalike": {"sub": "Nightly\u20111"},
    "sub dot": {"sub": "Nightly-1."},
    "sub port": {"sub": "Nightly-1:443"},
    "sub elsewhere": {"sub": None, "azp": "Nightly-1"},
}
RELATIVE = {
    "exp 40 s ago": ("exp", -40),
    "exp an hour ago": ("exp", -3600),
    "nbf in a minute": ("nbf", 60),
    "nbf in a day": ("nbf", 86400),
}
PAYLOADS: list[Any] = [[], "x", 1, None, True, b"", b"{", b"\xff"]
RAW = {
    "exp 1e400": '"exp":1e400',
    "exp NaN": '"exp":NaN',
    "exp -1e400": '"exp":-1e400',
    "exp 2^80": '"exp":1208925819614629174706176',
}


def case(name: str, make: Callable[..., str], reaches: str | None = None) -> Case:
    return Case(f"token: {name}", lambda w: w.ask(token=make(w)), reaches)


def header(w: World, **more: Any) -> dict[str, Any]:
    return {"alg": "RS256", "kid": "key-1", "typ": "JWT", **more}


def confused(w: World, issuer: str, algorithm: str, form: str) -> str:
    whose = getattr(w, issuer)
    secret, payload = FORMS[form](whose), w.claims(iss=whose.url, aud=whose.audience)
    return signed(header(w, alg=algorithm), payload, lambda text: hmac.new(secret, text, HASHES[algorithm]).digest())


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
    "padded": lambda h, p, s: f"{h}.{p}.{s}==",
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
