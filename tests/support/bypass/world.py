"""What a hostile request is made from: raw bytes, the issuers' tokens, and keys of an attacker."""

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

ME: Final = "/api/2.0/preview/scim/v2/Me"
STATEMENTS: Final = "/api/2.0/sql/statements"
START: Final = "/api/2.0/sql/warehouses/w1/start"
POD: Final = "system:serviceaccount:ns:pod"

NO_TOKEN: Final = "deny authentication"
NO_SUBJECT: Final = "deny no-subject"
STRANGER: Final = "deny unknown-identity"
NO_ACTION: Final = "deny unknown-action"
NOT_GRANTED: Final = "deny default-deny"
IN_QUERY: Final = "deny token-in-query"
MALFORMED: Final = "deny protocol"
UNREAD: Final = "deny protocol, unread"
"""Refused by the parser before there was a request: its line names no method, path or request id."""
READ: Final = "allow role:reader"
RUN: Final = "allow role:runner"
BROKEN: Final = "allow role:runner, broken off"
"""Allowed by its head, broken off in its body: the workspace saw no whole request."""


@dataclass(frozen=True)
class World:
    """Whose tokens there are. `agent` is the user agent of one case, unlike all others."""

    entra: Any
    cluster: Any
    attacker: rsa.RSAPrivateKey
    token: str
    """A token that is fine: of `nightly`, which may only read."""
    pod: str
    """A token that is fine: of `pod`, which may only execute statements."""
    limited: str
    """A token that is fine: of `limited`, about which there is a rule."""
    agent: str = ""

    @classmethod
    def of(cls, entra: Any, cluster: Any) -> "World":
        attacker = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return cls(entra, cluster, attacker, entra.token("Nightly-1"), cluster.token(POD), cluster.token("limited"))

    def claims(self, **changed: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {"iss": self.entra.url, "aud": self.entra.audience, "sub": "Nightly-1", "iat": now, "exp": now + 600}
        return {name: value for name, value in (claims | changed).items() if value is not None}

    def ask(
        self,
        method: str = "GET",
        target: str | bytes = ME,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        token: str | None = None,
    ) -> bytes:
        """One request as bytes, the last of its connection; `token` goes into a plain Authorization header."""
        length = [("content-length", str(len(body)))] if body else []
        lines = [f"{name}: {value}".encode("latin-1") for name, value in [*length, *headers]]
        return self.raw(method, target, [b"connection: close", *lines], token) + body

    def raw(self, method: str, target: str | bytes, lines: Sequence[bytes] = (), token: str | None = None) -> bytes:
        """The head of a request, `lines` to the letter."""
        target = target.encode("latin-1") if isinstance(target, str) else target
        head = [method.encode("latin-1") + b" " + target + b" HTTP/1.1", b"host: gateway"]
        head.append(b"user-agent: " + self.agent.encode())
        if token is not None:
            head.append(b"authorization: Bearer " + token.encode())
        return b"\r\n".join([*head, *lines]) + b"\r\n\r\n"


@dataclass(frozen=True)
class Case:
    """What a hostile client sends over one connection, and what is to become of it."""

    id: str
    make: Callable[..., bytes]
    ends: tuple[str, ...] = (NO_TOKEN,)
    """Decision and rule of each request in it, in order, as the audit trail tells; empty where none came to be one."""

    @property
    def hangs_up(self) -> bool:
        """Whether the client ends its side of the connection once it has sent everything: a body may lack its end."""
        return BROKEN in self.ends


def encoded(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: Mapping[str, Any] | bytes, payload: Any, sign: Callable[[bytes], bytes]) -> str:
    """A token of exactly these parts, whatever they are."""
    text = f"{encoded(header)}.{encoded(payload)}"
    return f"{text}.{encoded(sign(text.encode()))}"


def rs256(key: Any) -> Callable[[bytes], bytes]:
    return lambda text: bytes(jwt.get_algorithm_by_name("RS256").sign(text, key))


def es256(key: Any) -> Callable[[bytes], bytes]:
    return lambda text: bytes(jwt.get_algorithm_by_name("ES256").sign(text, key))
