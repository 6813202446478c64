"""What a token says of itself. Nothing here verifies it: a token that is read is not a token that is good."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lakelatch.errors import LakelatchError

MAX_BYTES: Final = 64 * 1024
"""Tokens with many groups take a few kilobytes; anything above this is another file."""


class TokenError(LakelatchError):
    """Raised when a text is no token that could be compared; never quotes it."""


@dataclass(frozen=True)
class Token:
    """Header and claims of a JSON Web Token (RFC 7519 §3), without its signature."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def parse(text: str) -> Token:
    """Read a signed token in compact form (RFC 7515 §7.1), with or without `Bearer` before it.

    Raises:
        TokenError: for anything else, with what it seems to be instead.

    """
    token = text.strip()
    if token[:7].lower() == "bearer ":
        token = token[7:].strip()
    if len(token) > MAX_BYTES:
        raise TokenError(f"the token is longer than {MAX_BYTES // 1024} KiB", hint="pass the token alone")
    parts = token.split(".")
    if len(parts) != 3:
        raise TokenError(f"this is no JSON Web Token: {_kind(token, len(parts))}")
    return Token(_member(parts[0], "header"), _member(parts[1], "claims"))


def audiences(token: Token) -> tuple[str, ...]:
    """Whom a token is made out to; `aud` is one text or a list of them (RFC 7519 §4.1.3)."""
    claim = token.claims.get("aud")
    return tuple(one for one in (claim if isinstance(claim, list) else [claim]) if isinstance(one, str))


def _kind(text: str, parts: int) -> str:
    if not text:
        return "there is nothing; pass the token that the workload sends"
    if text.startswith(("dapi", "dose", "dkea")):
        return "it looks like a Databricks secret or access token; nothing has to be federated for one"
    if parts == 5:
        return "it is encrypted (five parts), so nobody but its audience can read it; ask the issuer for a signed one"
    return "it has no three parts; opaque tokens cannot be exchanged, so ask the issuer for a JWT, with an audience"


def _member(text: str, name: str) -> Mapping[str, Any]:
    try:
        # A Python number of arbitrary size would take long to read, and `NaN` is no JSON (RFC 8259 §6).
        read = json.loads(_bytes(text), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise TokenError(f"this is no JSON Web Token: its {name} cannot be read") from None
    if not isinstance(read, dict):
        raise TokenError(f"this is no JSON Web Token: its {name} is no JSON object")
    return read


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeError) as error:
        raise ValueError from error


def _refuse(constant: str) -> None:
    raise ValueError(constant)
