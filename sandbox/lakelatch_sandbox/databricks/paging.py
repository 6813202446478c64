"""Pages of lists: an opaque token says where the next one begins.

A token holds the position, not the object: what is deleted meanwhile may shift a page by one, as with the vendor.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from lakelatch_sandbox.databricks.errors import invalid

T = TypeVar("T")


def token_for(position: int) -> str:
    """The token of the page that begins at this position."""
    return base64.urlsafe_b64encode(b"page:%d" % position).decode().rstrip("=")


def position_of(token: str | None) -> int:
    """Where a token's page begins, 0 without a token; raises `ApiError` 400 for a token of someone else's making."""
    if not token:
        return 0
    try:
        name, _, digits = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii").partition(":")
    except (binascii.Error, ValueError):
        name, digits = "", ""
    if name != "page" or not digits.isdigit() or len(digits) > 15:
        raise invalid("page_token is invalid")
    return int(digits)


def page(found: Sequence[T], token: str | None, size: int) -> tuple[Sequence[T], str | None, str | None]:
    """The objects of one page, the token of the next and that of the previous; None where there is none."""
    first = position_of(token)
    last = first + size
    following = token_for(last) if last < len(found) else None
    previous = token_for(max(0, first - size)) if first > 0 else None
    return found[first:last], following, previous
