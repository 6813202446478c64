"""Judging a JSON Web Key Set that stands in a document: what in it must not verify tokens."""

import json
from typing import Any, Final

from lakelatch.access.algorithms import weakness

INLINE_KEYS_LIMIT: Final = 5
"""Keys that a federation policy's `jwks_json` may hold (Databricks, `oauth-federation-policy` page)."""


def weaknesses(text: str | None) -> list[tuple[str, str]]:
    """Everything that is wrong with an inline key set: position (`.keys[0]`, or empty for the whole) and reason.

    Empty for None: no inline keys, nothing to judge. A reason never quotes a value.
    """
    if text is None:
        return []
    try:
        document: Any = json.loads(text, object_pairs_hook=_members)
    except _DoubledError:
        return [("", "names a member twice, so two readers may see two different key sets (RFC 7517 §4)")]
    except (ValueError, RecursionError):
        return [("", "is not JSON")]
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        return [("", "is not a JSON Web Key Set: it has no list `keys` (RFC 7517 §5)")]
    found: list[tuple[str, str]] = []
    if not keys:
        found.append(("", "has no key, so no token could be verified"))
    if len(keys) > INLINE_KEYS_LIMIT:
        found.append(("", f"has {len(keys)} keys; Databricks takes at most {INLINE_KEYS_LIMIT}"))
    seen: set[str] = set()
    for index, key in enumerate(keys):
        at = f".keys[{index}]"
        if not isinstance(key, dict):
            found.append((at, "is not a key (a JSON object)"))
            continue
        if reason := weakness(key):
            found.append((at, reason))
        kid = key.get("kid")
        if isinstance(kid, str):
            if kid in seen:
                found.append((at, "has the same kid as a key before it, so a verifier may pick the wrong one"))
            seen.add(kid)
    return found


class _DoubledError(Exception):
    """Raised inside when an object names a member twice."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _DoubledError
    return members
