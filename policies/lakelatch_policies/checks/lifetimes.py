"""Lifetimes: how long tokens, secrets and sessions live, wherever that is set."""

from typing import Final

from pulumi_policy import Severity

from lakelatch_policies.check import lifetime
from lakelatch_policies.checks import providers_lifetimes
from lakelatch_policies.groups import Group
from lakelatch_policies.judges import types
from lakelatch_policies.judges.lifetimes import workspace_tokens
from lakelatch_policies.reading import (
    DAY,
    HOUR,
    MINUTE,
    all_of,
    lives_at_most,
)
from lakelatch_policies.remedies import shortened

KEEP_NONE: Final = "Set `lifetime_seconds`; better, federate and have no token to keep."
CHECKS: Final = (
    lifetime(
        "obo-token-lifetime",
        "a token on behalf of a service principal lives",
        DAY,
        "Databricks, token management API, `lifetime_seconds`",
        KEEP_NONE,
        {types.OBO_TOKEN: lives_at_most("lifetimeSeconds")},
        {types.OBO_TOKEN: shortened("lifetimeSeconds")},
    ),
    lifetime(
        "personal-access-token-lifetime",
        "a personal access token lives",
        DAY,
        "Databricks, `personal access tokens` page; SAT IA-4, IA-6",
        KEEP_NONE,
        {types.TOKEN: lives_at_most("lifetimeSeconds")},
        {types.TOKEN: shortened("lifetimeSeconds")},
    ),
    lifetime(
        "service-principal-secret-lifetime",
        "an OAuth secret of a service principal lives",
        90 * DAY,
        "Databricks, OAuth machine-to-machine page; SAT IA-9",
        "Set `lifetime`, as in `7776000s`; better, federate and have no secret.",
        {types.PRINCIPAL_SECRET: lives_at_most("lifetime", 1, "is not set, which is two years")},
        {types.PRINCIPAL_SECRET: shortened("lifetime", 1, "{}s".format)},
    ),
    lifetime(
        "workspace-token-lifetime",
        "tokens of a workspace live",
        90 * DAY,
        "Databricks, workspace settings, `maxTokenLifetimeDays`; SAT IA-5",
        "Set `maxTokenLifetimeDays`, or switch tokens off with `enableTokensConfig`.",
        {types.WORKSPACE_CONF: workspace_tokens},
    ),
    lifetime(
        "oauth-app-token-lifetime",
        "access tokens of an OAuth application live",
        HOUR,
        "Databricks, custom OAuth applications, `token_access_policy`",
        "Set `access_token_ttl_in_minutes` to 60 or less.",
        {
            "databricks:index/customAppIntegration:CustomAppIntegration": lives_at_most(
                "tokenAccessPolicy.accessTokenTtlInMinutes", MINUTE, None
            )
        },
        {
            "databricks:index/customAppIntegration:CustomAppIntegration": shortened(
                "tokenAccessPolicy.accessTokenTtlInMinutes", MINUTE
            )
        },
    ),
    lifetime(
        "oauth-app-session-lifetime",
        "sessions of an OAuth application last",
        7 * DAY,
        "Databricks, custom OAuth applications, `token_access_policy`",
        "Set `refresh_token_ttl_in_minutes` and `absolute_session_lifetime_in_minutes`.",
        {
            "databricks:index/customAppIntegration:CustomAppIntegration": all_of(
                lives_at_most("tokenAccessPolicy.refreshTokenTtlInMinutes", MINUTE, "is not set"),
                lives_at_most("tokenAccessPolicy.absoluteSessionLifetimeInMinutes", MINUTE, None),
            )
        },
        severity=Severity.MEDIUM,
    ),
    lifetime(
        "gateway-token-lifetime",
        "tokens that the gateway makes live",
        HOUR,
        "RFC 8725 §3.10",
        "Leave it at its default of ten minutes.",
        {types.GATEWAY_CONFIG: lives_at_most("config.issuer.token_lifetime_seconds", 1, None)},
    ),
    *providers_lifetimes.CHECKS,
)

GROUP: Final = Group(
    "lifetimes",
    "Short lives",
    "Tokens, secrets and sessions live no longer than they must.",
    "Set the lifetime that the finding names. At the level `remediate` the pack shortens it itself.",
    CHECKS,
)
