"""Internal request headers that carry the verified identity from authentication to routing."""

from typing import Final

SUBJECT_HEADER: Final = "x-lakelatch-subject"
ISSUER_HEADER: Final = "x-lakelatch-issuer"
NO_SUBJECT: Final = "no verified subject"
"""Set before authentication: without the header Envoy looks for no virtual host at all. A subject has no blanks."""

TOKEN_ID_HEADER: Final = "x-lakelatch-token-id"  # noqa: S105 - the name of a header
"""The verified `jti`, while one is revoked."""
PEOPLE_HEADER: Final = "x-lakelatch-people"
"""The verified issuer of a token that is made out for people: what leads to the people's route."""
USER_HEADER: Final = "x-lakelatch-user"
"""The Databricks user that such a token names. It goes on to the workspace, so that the audit line can have it."""
ROLES_HEADER: Final = "x-lakelatch-roles"
"""The roles of a person, each between commas; empty for whoever is in no group of the model."""
EXCHANGE_HEADER: Final = "x-lakelatch-exchange"
"""Why there is no Databricks token for a person: `unavailable`, `refused` or `expiring`."""
PEOPLE_HEADERS: Final = (ROLES_HEADER, EXCHANGE_HEADER)
"""Those of people's requests that go no further than the gateway."""
ACTION_HEADER: Final = "x-lakelatch-action"
"""What the request asks for, by the catalogue; set by the route that its method and path lead to."""
CLASS_HEADER: Final = "x-lakelatch-class"
"""The class of that action: what decisions look at. Absent for what no role grants."""
QUERY_CLASS: Final = "token in query"
"""The class of every request with a token in its query, whatever its action."""
PRINCIPAL_HEADER: Final = "x-lakelatch-principal"
"""The application id of the service principal whose token the request goes on with."""
RULE_HEADER: Final = "x-lakelatch-rule"
"""The role that let the request through, where that is all that was asked."""
INTERNAL_HEADERS: Final = (CLASS_HEADER, TOKEN_ID_HEADER)
"""Those that go no further than the gateway. Subject, issuer, action, principal and rule do: the workspace may know
for whom what was decided. The audit line is written after that; a header costs it a tenth of what metadata would."""
UNKNOWN_ACTION: Final = "unknown"
"""The action of a request that is none of the catalogue, whose names have a dot."""

ENDPOINT_ROUTE: Final = "gateway endpoint"
"""The routes of the gateway's own endpoints, which need no identity. A service's route has its name, without blanks."""
PROBE_ROUTE: Final = "gateway probe"
"""Those that only tell its health: asked every few seconds, so good news is not written down."""

INTERNAL_PREFIXES: Final = ("x-lakelatch-", "x-envoy-")
"""Headers that mean something to the gateway or to Envoy: dropped from every request before anything reads them."""

CLIENT_HEADERS_REMOVED: Final = (
    "proxy-authorization",
    # Identity as a trusted proxy (Databricks Apps among them) would state it: a client must not be able to.
    "x-forwarded-access-token",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-preferred-username",
    "x-forwarded-user",
    # Addresses as a trusted proxy would state them; the gateway takes that of the connection.
    "x-forwarded-for",
    # A second method beside the one that was decided upon.
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    # A second path beside the one that was decided upon.
    "x-original-url",
    "x-rewrite-url",
    # Cloud credentials that Databricks would act upon: databricks-sdk `azure-client-secret` and `google-id` send them.
    "x-databricks-azure-sp-management-token",
    "x-databricks-gcp-sa-access-token",
)
