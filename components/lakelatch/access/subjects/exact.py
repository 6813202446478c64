"""What makes a subject exact, whoever its issuer is."""

import re
from typing import Final

SUBJECT: Final = "sub"
"""The claim that names whom a token is about, unless a trust names another (RFC 7519 §4.1.2)."""

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NUMBER: Final = re.compile(r"[0-9]{1,25}")
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,255}")


def looseness(subject: str) -> str | None:
    """Say why a subject cannot be an exact one, or None when it can.

    A single blank inside is exact: names in Azure DevOps and GitHub environments have them.
    """
    if not subject:
        return "it is empty, and would have to match everybody"
    if "*" in subject or "?" in subject:
        return "it has a wildcard; subjects are compared to the letter, so it would match nobody"
    if subject != subject.strip() or "  " in subject or not subject.isprintable():
        return "it has white space, which no issuer puts into a subject"
    return None


def identifier(text: str, what: str = "the subject") -> str:
    """An identifier that an issuer puts into a token as it is.

    Raises:
        ValueError: when it is not exact.

    """
    if reason := looseness(text):
        raise ValueError(f"{what} is not exact: {reason.partition(';')[0]}; write it exactly as the token has it")
    return text


def number(text: str, what: str = "the identifier") -> str:
    """A number that names something, as text.

    Raises:
        ValueError: when it is none.

    """
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{what} is not a number; write the digits, in quotes")
    return text


def uuid(text: str, what: str = "the identifier") -> str:
    """A UUID as issuers write it: in lower case (RFC 9562 §4), because it is compared to the letter.

    Raises:
        ValueError: when it is none.

    """
    if not _UUID.fullmatch(text):
        raise ValueError(f"{what} is not a UUID in lower case; write 8-4-4-4-12 hexadecimal digits")
    return text


def client_id(text: str) -> str:
    """A client id as identity providers make them.

    Raises:
        ValueError: when it is none.

    """
    if not _CLIENT_ID.fullmatch(text):
        raise ValueError("the client id is empty or has a character that no provider puts into one; copy it from there")
    return text
