"""Lifetimes: how long tokens, secrets and sessions live, wherever that is set."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from lakelatch_policies.check import MANDATORY, Check, Finding, Judge, Remedy, Resource, Settings
from lakelatch_policies.checks import types
from lakelatch_policies.groups import Group
from lakelatch_policies.reading import (
    DAY,
    HOUR,
    MINUTE,
    all_of,
    at,
    ends_within,
    limit,
    lives_at_most,
    switch,
)
from lakelatch_policies.remedies import ended, shortened

TWO_YEARS: Final = "is missing, and Entra then makes it two years"


def entra_end(absent: str) -> Judge:
    """An end date, or where that is sent a relative one."""
    dated, relative = ends_within("endDate", "startDate", absent), lives_at_most("endDateRelative")

    def judge(resource: Resource, settings: Settings) -> Iterator[Finding]:
        yield from (dated if at(resource.props, "endDateRelative") is None else relative)(resource, settings)

    return judge


def workspace_tokens(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """The longest life of personal access tokens, where a workspace lets people have any."""
    conf = at(resource.props, "customConfig")
    if conf is None or not ({"enableTokensConfig", "maxTokenLifetimeDays"} & set(conf)):
        return
    if switch(at(conf, "enableTokensConfig")) is not False:
        yield from lives_at_most("customConfig.maxTokenLifetimeDays", DAY, "is not set, so tokens may live two years")(
            resource, settings
        )


def sign_in_frequency(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """How long a sign-in lasts: `signInFrequency` hours or days, or every time."""
    session = "sessionControls"
    if at(resource.props, f"{session}.signInFrequencyInterval") == "everyTime":
        return
    if at(resource.props, f"{session}.signInFrequency") is not None:
        unit = DAY if at(resource.props, f"{session}.signInFrequencyPeriod") == "days" else HOUR
        yield from lives_at_most(f"{session}.signInFrequency", unit)(resource, settings)


def _lifetime(
    name: str,
    what: str,
    most: int,
    after: str,
    steps: str,
    judges: dict[str, Judge],
    remedies: dict[str, Remedy] | None = None,
    severity: Severity = Severity.HIGH,
) -> Check:
    says = f"{what[0].upper()}{what[1:]} within the limit."
    return Check(
        name,
        says,
        MANDATORY,
        severity,
        after,
        steps,
        judges,
        {"max_seconds": limit(most, "life")["max_seconds"]},
        remedies or {},
    )


KEEP_NONE: Final = "Set `lifetime_seconds`; better, federate and have no token to keep."

CHECKS: Final = (
    _lifetime(
        "obo-token-lifetime",
        "a token on behalf of a service principal lives",
        DAY,
        "Databricks, token management API, `lifetime_seconds`",
        KEEP_NONE,
        {types.OBO_TOKEN: lives_at_most("lifetimeSeconds")},
        {types.OBO_TOKEN: shortened("lifetimeSeconds")},
    ),
    _lifetime(
        "personal-access-token-lifetime",
        "a personal access token lives",
        DAY,
        "Databricks, `personal access tokens` page; SAT IA-4, IA-6",
        KEEP_NONE,
        {types.TOKEN: lives_at_most("lifetimeSeconds")},
        {types.TOKEN: shortened("lifetimeSeconds")},
    ),
    _lifetime(
        "service-principal-secret-lifetime",
        "an OAuth secret of a service principal lives",
        90 * DAY,
        "Databricks, OAuth machine-to-machine page; SAT IA-9",
        "Set `lifetime`, as in `7776000s`; better, federate and have no secret.",
        {types.PRINCIPAL_SECRET: lives_at_most("lifetime", 1, "is not set, which is two years")},
        {types.PRINCIPAL_SECRET: shortened("lifetime", 1, "{}s".format)},
    ),
    _lifetime(
        "workspace-token-lifetime",
        "tokens of a workspace live",
        90 * DAY,
        "Databricks, workspace settings, `maxTokenLifetimeDays`; SAT IA-5",
        "Set `maxTokenLifetimeDays`, or switch tokens off with `enableTokensConfig`.",
        {types.WORKSPACE_CONF: workspace_tokens},
    ),
    _lifetime(
        "entra-secret-lifetime",
        "a secret of an Entra application lives",
        90 * DAY,
        "Microsoft Graph, application: addPassword, `endDateTime`",
        "Set `end_date`; better, a federated credential and no secret.",
        {
            # that a relative one never arrives, `entra-secret-end-date` says
            **types.each(types.ENTRA_PASSWORDS, entra_end(TWO_YEARS)),
            types.ENTRA_APPLICATION: lambda resource, settings: (
                ends_within("password.endDate", "password.startDate", TWO_YEARS)(resource, settings)
                if at(resource.props, "password")
                else ()
            ),
        },
        dict.fromkeys(types.ENTRA_PASSWORDS, ended()),
    ),
    _lifetime(
        "entra-certificate-lifetime",
        "a certificate of an Entra application lives",
        366 * DAY,
        "Microsoft Graph, `keyCredential`",
        "Set `end_date`, and rotate before it.",
        {
            **types.each(
                types.ENTRA_CERTIFICATES, entra_end("is missing, so its life is whatever the certificate says")
            ),
            "azuread:index/servicePrincipalTokenSigningCertificate:ServicePrincipalTokenSigningCertificate": (
                ends_within("endDate", None, "is missing, and Entra then makes it three years")
            ),
        },
        severity=Severity.MEDIUM,
    ),
    _lifetime(
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
    _lifetime(
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
    _lifetime(
        "issuer-token-lifetime",
        "access tokens of an identity provider live",
        HOUR,
        "Databricks, `oauth-federation-exchange` page: the exchanged token lives as long; RFC 9700 §2.2",
        "Set the lifetime to an hour or less: what Databricks gives for a token lives as long as that.",
        {
            types.OKTA_RULE: lives_at_most("accessTokenLifetimeMinutes", MINUTE, None),
            types.AUTH0_API: lives_at_most("tokenLifetime", 1, "is not set, which is a day"),
            types.KEYCLOAK_REALM: lives_at_most("accessTokenLifespan", 1, None),
            types.KEYCLOAK_CLIENT: lives_at_most("accessTokenLifespan", 1, None),
            "vault:identity/oidcRole:OidcRole": lives_at_most("ttl", 1, "is not set, which is a day"),
        },
        {
            types.OKTA_RULE: shortened("accessTokenLifetimeMinutes", MINUTE),
            types.AUTH0_API: shortened("tokenLifetime"),
            "vault:identity/oidcRole:OidcRole": shortened("ttl"),
        },
    ),
    _lifetime(
        "gateway-token-lifetime",
        "tokens that the gateway makes live",
        HOUR,
        "RFC 8725 §3.10",
        "Leave it at its default of ten minutes.",
        {types.GATEWAY_CONFIG: lives_at_most("config.issuer.token_lifetime_seconds", 1, None)},
    ),
    _lifetime(
        "sign-in-frequency",
        "a sign-in lasts",
        DAY,
        "Microsoft Entra, Conditional Access, session controls; NIST SP 800-63B §2.2.3",
        "Set `sign_in_frequency` to a day or less, or `everyTime`.",
        {types.CONDITIONAL_ACCESS: sign_in_frequency},
        severity=Severity.MEDIUM,
    ),
)

GROUP: Final = Group(
    "lifetimes",
    "Short lives",
    "Tokens, secrets and sessions live no longer than they must.",
    "Set the lifetime that the finding names. At the level `remediate` the pack shortens it itself.",
    CHECKS,
)
