"""Lifetimes at identity providers: secrets and certificates in Entra, access tokens, sign-ins."""

from typing import Final

from pulumi_policy import Severity

from lakelatch_policies.check import lifetime
from lakelatch_policies.judges import sign_in_proxy, types
from lakelatch_policies.judges.lifetimes import TWO_YEARS, entra_end, sign_in_frequency
from lakelatch_policies.reading import (
    DAY,
    HOUR,
    MINUTE,
    at,
    ends_within,
    lives_at_most,
)
from lakelatch_policies.remedies import ended, shortened

CHECKS: Final = (
    lifetime(
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
    lifetime(
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
    lifetime(
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
    lifetime(
        "sign-in-frequency",
        "a sign-in lasts",
        DAY,
        "Microsoft Entra, Conditional Access, session controls; NIST SP 800-63B §2.2.3",
        "Set `sign_in_frequency` to a day or less, or `everyTime`.",
        {types.CONDITIONAL_ACCESS: sign_in_frequency},
        severity=Severity.MEDIUM,
    ),
    lifetime(
        "sign-in-proxy-lifetime",
        "a session of oauth2-proxy lasts",
        DAY,
        "oauth2-proxy, configuration overview, `cookie-expire`; NIST SP 800-63B §2.2.3",
        "Set `cookie-expire` to a day or less, as in `12h`.",
        sign_in_proxy.each(sign_in_proxy.session),
        severity=Severity.MEDIUM,
    ),
)
