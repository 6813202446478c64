"""What a hostile request is made from: raw bytes, the issuers' tokens, and keys of an attacker."""

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

ME = "/api/2.0/preview/scim/v2/Me"
STATEMENTS = "/api/2.0/sql/statements"
START = "/api/2.0/sql/warehouses/w1/start"
POD = "system:serviceaccount:ns:pod"


@dataclass
class World:
    """Whose tokens there are. `agent` is the user agent of one case, unlike all others."""

    entra: Any
    cluster: Any
    agent: str = ""

    @cached_property
    def attacker(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def attacker_ec(self) -> ec.EllipticCurvePrivateKey:
        return ec.generate_private_key(ec.SECP256R1())

    @cached_property
    def token(self) -> str:
        """A token that is fine: of `nightly`, which may only read."""
        return str(self.entra.token("Nightly-1"))

    @cached_property
    def pod(self) -> str:
        """A token that is fine: of `pod`, which may only execute statements."""
        return str(self.cluster.token(POD))

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
        """One request as bytes; `token` goes into a plain Authorization header."""
        target = target.encode("latin-1") if isinstance(target, str) else target
        lines = [method.encode() + b" " + target + b" HTTP/1.1", b"host: gateway", b"connection: close"]
        lines.append(b"user-agent: " + self.agent.encode())
        if token is not None:
            lines.append(b"authorization: Bearer " + token.encode())
        if body:
            lines.append(b"content-length: %d" % len(body))
        lines += [f"{name}: {value}".encode("latin-1") for name, value in headers]
        return b"\r\n".join(lines) + b"\r\n\r\n" + body


@dataclass(frozen=True)
class Case:
    """One hostile request and what is allowed to become of it."""

    id: str
    make: Callable[..., bytes]
    reaches: str | None = None
    """Method and target that the workspace may be asked instead, with the service's Databricks token."""


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
