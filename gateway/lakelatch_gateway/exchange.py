"""The token exchange at the workspace (RFC 8693; Databricks, `oauth-federation-exchange` page)."""

import re
from typing import Any, Final

import httpx

from lakelatch_gateway.errors import ExchangeFailed
from lakelatch_gateway.schedule import Lease

GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_TYPE: Final = "urn:ietf:params:oauth:token-type:jwt"
SCOPE: Final = "all-apis"
_TRANSIENT_STATUS: Final = frozenset({408, 425, 429})
"""Refusals below 500 that say nothing about the request itself: RFC 9110 §15.5.9, RFC 8470 §5.2, RFC 6585 §4."""
_ERROR_CODE: Final = re.compile(r"[A-Za-z_]{1,64}")


async def exchange(
    client: httpx.AsyncClient, workspace: str, *, minted: str, application_id: str | None, now: float
) -> Lease:
    """Exchange a minted token for the service principal's Databricks token, or a person's own for the user's.

    `client_id` makes it the principal's and never a user's: without it Databricks looks for an account-wide policy, and
    gives the token of the user that it names.

    Raises:
        ExchangeFailed: transient or not; the text has no token.

    """
    form = {
        "grant_type": GRANT,
        "subject_token": minted,
        "subject_token_type": JWT_TYPE,
        "scope": SCOPE,
        **({} if application_id is None else {"client_id": application_id}),
    }
    try:
        response = await client.post(f"{workspace}/oidc/v1/token", data=form)
    except httpx.HTTPError as error:
        reason = f"the workspace's token endpoint cannot be reached ({type(error).__name__})"
        raise ExchangeFailed(reason, transient=True) from None
    if response.status_code != httpx.codes.OK:
        raise _refusal(response, application_id)
    return _lease(response, now)


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _refusal(response: httpx.Response, application_id: str | None) -> ExchangeFailed:
    status = response.status_code
    code = _document(response).get("error")
    # The description may repeat what was sent, so only the code is told.
    told = f"{status} {code}" if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else f"{status}"
    if status in _TRANSIENT_STATUS or not 400 <= status < 500:
        return ExchangeFailed(f"the workspace's token endpoint answered {told}", transient=True)
    if application_id is None:
        return ExchangeFailed(
            f"Databricks refused the token exchange for a person ({told}): the account needs a federation policy with"
            " the token's issuer and audience, and the user that its subject claim names",
            transient=False,
        )
    return ExchangeFailed(
        f"Databricks refused the token exchange for service principal '{application_id}' ({told}): it needs a"
        " federation policy with the gateway as issuer, the service's name as subject and the gateway's audience, and"
        " it must be assigned to the workspace",
        transient=False,
    )


def _lease(response: httpx.Response, now: float) -> Lease:
    document = _document(response)
    token, life = document.get("access_token"), document.get("expires_in")
    # A line break in a token makes Envoy answer 503 to every request that would carry it.
    if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
        raise ExchangeFailed("the workspace's token endpoint answered without a usable access_token", transient=True)
    if isinstance(life, bool) or not isinstance(life, int | float) or life <= 0:
        raise ExchangeFailed("the workspace's token endpoint answered without a usable expires_in", transient=True)
    return Lease(token, now, now + life)
