"""Refusals of the login service: the AADSTS numbers with the OAuth error, HTTP status and wording they come with.

Source of numbers and texts: learn.microsoft.com/entra/identity-platform/reference-error-codes, and error bodies quoted
in public issue threads (Azure/azure-workload-identity #434, #605, #642, #1200, #1232; Azure/login #180, #482, #515).
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_FEDERATION_ADVICE = (
    "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. "
    "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
)


@dataclass(frozen=True)
class Refusal:
    """One kind of refusal: the OAuth error, its HTTP status, and the text with places for what was found."""

    error: str
    status: int
    text: str


REFUSALS: dict[int, Refusal] = {
    50027: Refusal("invalid_request", 400, "JWT token is invalid or malformed."),
    50034: Refusal(
        "invalid_grant",
        400,
        "The user account {user} does not exist in the {tenant} directory. To sign into this application, the account "
        "must be added to the directory.",
    ),
    50057: Refusal("invalid_grant", 400, "The user account is disabled."),
    50105: Refusal(
        "invalid_grant",
        400,
        "Your administrator has configured the application {resource_name} ('{resource}') to block users unless they "
        "are specifically granted ('assigned') access to the application. The signed in user '{user}' is blocked "
        "because they are not a direct member of a group with access, nor had access directly assigned by an "
        "administrator. Please contact your administrator to assign access to this application.",
    ),
    50166: Refusal("invalid_request", 400, "Request to External OIDC endpoint failed."),
    65001: Refusal(
        "invalid_grant",
        400,
        "The user or administrator has not consented to use the application with ID '{client}' named '{name}'. Send an "
        "interactive authorization request for this user and resource.",
    ),
    70003: Refusal("unsupported_grant_type", 400, "The app requested an unsupported grant type '{grant_type}'."),
    70025: Refusal(
        "invalid_client", 401, "The client '{client}'({name}) has no configured federated identity credentials."
    ),
    90023: Refusal("invalid_request", 400, "The authentication service request isn't valid: {reason}"),
    90002: Refusal(
        "invalid_request",
        400,
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
    ),
    500011: Refusal(
        "invalid_resource",
        400,
        "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You might have sent your authentication request to the wrong tenant.",
    ),
    500014: Refusal(
        "invalid_resource",
        400,
        "The service principal for resource '{resource}' is disabled. This indicate that a subscription within the "
        "tenant has lapsed, or that the administrator for this tenant has disabled the application, preventing tokens "
        "from being issued for it.",
    ),
    501051: Refusal(
        "invalid_grant",
        400,
        "Application '{client}'({name}) is not assigned to a role for the application '{resource}'({resource_name}).",
    ),
    650053: Refusal(
        "invalid_client",
        400,
        "The application '{client}' asked for scope '{scope}' that doesn't exist on the resource '{resource}'. Contact "
        "the app vendor.",
    ),
    700016: Refusal(
        "unauthorized_client",
        400,
        "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You may have sent your authentication request to the wrong tenant.",
    ),
    700021: Refusal(
        "invalid_client",
        401,
        "Client assertion application identifier doesn't match 'client_id' parameter.",
    ),
    700023: Refusal("invalid_client", 401, "Client assertion audience claim does not match Realm issuer."),
    700024: Refusal(
        "invalid_client",
        401,
        "Client assertion is not within its valid time range. Current time: {now}, assertion valid from {valid_from}, "
        "expiry time of assertion {expires}.",
    ),
    700027: Refusal("invalid_client", 401, "Client assertion failed signature validation. [Reason - {reason}]"),
    700211: Refusal(
        "invalid_client",
        401,
        "No matching federated identity record found for presented assertion issuer '{found}'. " + _FEDERATION_ADVICE,
    ),
    700212: Refusal(
        "invalid_client",
        401,
        "No matching federated identity record found for presented assertion audience '{found}'. " + _FEDERATION_ADVICE,
    ),
    700213: Refusal(
        "invalid_client",
        401,
        "No matching federated identity record found for presented assertion subject '{found}'. " + _FEDERATION_ADVICE,
    ),
    900144: Refusal("invalid_request", 400, "The request body must contain the following parameter: '{parameter}'."),
    1002012: Refusal(
        "invalid_scope",
        400,
        "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
        "/.default suffixed to the resource identifier (application ID URI).",
    ),
    7000112: Refusal("unauthorized_client", 400, "Application '{client}'({name}) is disabled."),
    7000215: Refusal(
        "invalid_client",
        401,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        "the client secret ID, for a secret added to app '{client}'.",
    ),
    7000216: Refusal(
        "invalid_client",
        401,
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
    ),
    7000222: Refusal("invalid_client", 401, "The provided client secret keys for app '{client}' are expired."),
    7000229: Refusal(
        "invalid_client", 401, "The client application {client} is missing service principal in the tenant {tenant}."
    ),
    7000272: Refusal(
        "invalid_client",
        401,
        "The certificate with identifier {key_id} used to sign the federated credential could not be found in the "
        "metadata of identity provider {issuer}.",
    ),
    7002138: Refusal(
        "invalid_client",
        401,
        "No matching federated identity record found for presented assertion subject '{found}'. The subject matches "
        "with case-insensitive comparison, but not with case-sensitive comparison. " + _FEDERATION_ADVICE,
    ),
}


class EntraError(Exception):
    """Raised when the login service refuses, with an AADSTS number of `REFUSALS` and what its text names."""

    def __init__(self, code: int, **found: str) -> None:
        self.code = code
        self.refusal = REFUSALS[code]
        self.text = self.refusal.text.format(**found)
        super().__init__(f"AADSTS{code}: {self.text}")


def error_body(error: EntraError, *, now: int, authority: str, correlation_id: str | None) -> dict[str, Any]:
    """The body of a refused token request (learn.microsoft.com, "Handling error codes in your application")."""
    timestamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    trace_id, correlation_id = str(uuid.uuid4()), correlation_id or str(uuid.uuid4())
    return {
        "error": error.refusal.error,
        "error_description": f"AADSTS{error.code}: {error.text} Trace ID: {trace_id} "
        f"Correlation ID: {correlation_id} Timestamp: {timestamp}",
        "error_codes": [error.code],
        "timestamp": timestamp,
        "trace_id": trace_id,
        "correlation_id": correlation_id,
        "error_uri": f"{authority}/error?code={error.code}",
    }
