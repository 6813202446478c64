"""What makes a federation policy acceptable: the vendor's rules, as pure functions.

Source: docs.databricks.com/aws/en/dev-tools/auth/oauth-federation-policy and the Authentication API reference;
the misleading message about policy ids is terraform-provider-databricks#5290.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from lakelatch_sandbox.databricks.errors import ApiError, invalid

MAX_POLICIES = 20
"""Per service principal, and per account."""

MAX_INLINE_KEYS = 5
MAX_TEXT = 65_536
"""No field of a policy is longer; inline key sets of five keys stay far below."""

_POLICY_ID = re.compile(r"[0-9a-z-]{2,63}")
_LOOPBACK = ("127.0.0.1", "localhost")
_OIDC_FIELDS = ("issuer", "audiences", "subject", "subject_claim", "jwks_uri", "jwks_json")
_FIELDS = ("description", "oidc_policy")


def check_policy_id(policy_id: str) -> str:
    """The id, if it may be one; raises `ApiError` 400, in the vendor's words even when only the length is wrong."""
    if not _POLICY_ID.fullmatch(policy_id):
        raise invalid(f"Invalid federation policy id: '{policy_id[:200]}'. Must contain only 0-9, a-z, and hyphen.")
    return policy_id


def is_trusted_url(url: str) -> bool:
    """Whether tokens' issuers and keys may be fetched there: https anywhere, plain http on loopback only."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment or parts.query:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)


def _text(oidc: Mapping[str, Any], name: str) -> str | None:
    value = oidc.get(name)
    if value is not None and (not isinstance(value, str) or not value or len(value) > MAX_TEXT):
        raise invalid(f"oidc_policy.{name} must be a non-empty string")
    return value


def check_oidc_policy(oidc: Any, *, of_service_principal: bool) -> dict[str, Any]:
    """The `oidc_policy` as it was sent, if it may be one; raises `ApiError` 400 with the rule that it breaks."""
    if not isinstance(oidc, dict):
        raise invalid("oidc_policy is required")
    unknown = sorted(set(oidc) - set(_OIDC_FIELDS))
    if unknown:
        raise invalid(f"oidc_policy has no field `{str(unknown[0])[:100]}`; it has {', '.join(_OIDC_FIELDS)}")
    issuer = _text(oidc, "issuer")
    if issuer is None:
        raise invalid("oidc_policy.issuer is required")
    if not is_trusted_url(issuer):
        raise invalid(f"oidc_policy.issuer must be an https URL, not '{issuer[:200]}'")
    audiences = oidc.get("audiences")
    if audiences is not None and (
        not isinstance(audiences, list) or not all(isinstance(one, str) and one for one in audiences)
    ):
        raise invalid("oidc_policy.audiences must be a list of non-empty strings")
    subject = _text(oidc, "subject")
    if of_service_principal and subject is None:
        raise invalid("oidc_policy.subject must be set for a service principal federation policy")
    if not of_service_principal and subject is not None:
        raise invalid("oidc_policy.subject must not be set for an account federation policy")
    _text(oidc, "subject_claim")
    _check_keys(_text(oidc, "jwks_uri"), _text(oidc, "jwks_json"))
    return oidc


def _check_keys(jwks_uri: str | None, jwks_json: str | None) -> None:
    if jwks_uri is not None and jwks_json is not None:
        raise invalid("oidc_policy.jwks_uri and oidc_policy.jwks_json exclude each other")
    if jwks_uri is not None and not is_trusted_url(jwks_uri):
        raise invalid(f"oidc_policy.jwks_uri must be an https URL, not '{jwks_uri[:200]}'")
    if jwks_json is None:
        return
    try:
        keys = json.loads(jwks_json)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise invalid("oidc_policy.jwks_json must be a JSON Web Key Set") from error
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise invalid("oidc_policy.jwks_json must be a JSON Web Key Set")
    if len(keys) > MAX_INLINE_KEYS:
        raise invalid(f"oidc_policy.jwks_json may have {MAX_INLINE_KEYS} keys at most; use jwks_uri for more")


def masked(body: Mapping[str, Any], update_mask: str | None) -> list[str]:
    """The paths that an update sets: those of its mask, all for `*`, those in the body when there is no mask.

    A path of the mask that the body lacks clears the field. Raises `ApiError` 400 for a path that is none.
    """
    if update_mask is None:
        return [name for name in _FIELDS if name in body]
    if update_mask == "*":
        return list(_FIELDS)
    paths = [path.strip() for path in update_mask.split(",") if path.strip()]
    known = {*_FIELDS, *(f"oidc_policy.{name}" for name in _OIDC_FIELDS)}
    for path in paths:
        if path not in known:
            raise invalid(f"update_mask has the unknown path '{path[:200]}'")
    return paths


def updated(policy: Mapping[str, Any], body: Mapping[str, Any], update_mask: str | None) -> dict[str, Any]:
    """The policy with the masked fields taken from the body; the result is not checked yet."""
    result: dict[str, Any] = {**policy, "oidc_policy": dict(policy["oidc_policy"])}
    sent = body.get("oidc_policy")
    for path in masked(body, update_mask):
        target, source, name = result, body, path
        if path.startswith("oidc_policy."):
            target, source, name = result["oidc_policy"], sent if isinstance(sent, dict) else {}, path.partition(".")[2]
        if source.get(name) is None:
            target.pop(name, None)
        else:
            target[name] = source[name]
    return result


def too_many(count: int) -> ApiError | None:
    """The refusal of one more policy, when there are as many as there may be."""
    if count < MAX_POLICIES:
        return None
    return ApiError(
        400, "RESOURCE_LIMIT_EXCEEDED", f"There are {count} federation policies; the limit is {MAX_POLICIES}."
    )
