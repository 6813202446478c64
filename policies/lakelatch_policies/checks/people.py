"""People: sign-in that cannot be phished, and that cannot lock everybody out."""

from typing import Final

from pulumi_policy import Severity

from lakelatch_policies.check import ADVISORY, MANDATORY, Check
from lakelatch_policies.groups import Group
from lakelatch_policies.judges import sign_in_proxy, types
from lakelatch_policies.judges.people import (
    break_glass,
    device_code,
    grants,
    keycloak_attestation,
    keycloak_grants,
    models,
    okta_constraints,
    resistant,
    strength,
)
from lakelatch_policies.reading import all_of, must_be

CHECKS: Final = (
    Check(
        "phishing-resistant",
        "A sign-in that decides about access resists phishing.",
        MANDATORY,
        Severity.HIGH,
        "Microsoft Entra, authentication strengths; NIST SP 800-63B §2.3; Okta, app sign-on policy",
        "Allow `fido2`, `windowsHelloForBusiness` and `x509CertificateMultiFactor` only; in Okta, require it.",
        {
            "azuread:index/authenticationStrengthPolicy:AuthenticationStrengthPolicy": resistant,
            "okta:index/appSignonPolicyRule:AppSignonPolicyRule": okta_constraints,
        },
    ),
    Check(
        "authentication-strength",
        "Conditional Access asks for an authentication strength rather than for any second factor.",
        ADVISORY,
        Severity.MEDIUM,
        "Microsoft Entra, authentication strengths",
        "Set `authentication_strength_policy_id`; `mfa` and a strength exclude each other.",
        {types.CONDITIONAL_ACCESS: strength},
    ),
    Check(
        "break-glass",
        "A Conditional Access policy for everybody excludes the emergency accounts.",
        MANDATORY,
        Severity.HIGH,
        "Microsoft Entra, manage emergency access accounts",
        "Exclude the group of the emergency accounts.",
        {types.CONDITIONAL_ACCESS: break_glass},
    ),
    Check(
        "device-code",
        "The device code flow is blocked.",
        MANDATORY,
        Severity.HIGH,
        "RFC 8628 §5.4; Microsoft Entra, authentication flows",
        "Set `built_in_controls` to `block`.",
        {types.CONDITIONAL_ACCESS: device_code},
    ),
    Check(
        "grant-types",
        "No client gets tokens by implicit, password or device code grants.",
        MANDATORY,
        Severity.HIGH,
        "RFC 9700 §2.1.2, §2.4; RFC 8628 §5.4",
        "Use the authorization code with PKCE for people, client credentials or token exchange for machines.",
        {
            types.OKTA_RULE: grants,
            types.OKTA_CLIENT: grants,
            types.AUTH0_CLIENT: grants,
            types.KEYCLOAK_CLIENT: keycloak_grants,
        },
    ),
    Check(
        "sign-in-proxy",
        "oauth2-proxy checks issuer, address and certificate, and keeps its session to itself.",
        MANDATORY,
        Severity.HIGH,
        "oauth2-proxy, configuration overview; OpenID Connect Core 1.0 §3.1.3.7; RFC 9700 §2.1.1",
        "Leave the insecure option out; use `code-challenge-method=S256`.",
        sign_in_proxy.each(sign_in_proxy.unsafe),
    ),
    Check(
        "implicit-tokens",
        "An Entra application gets no tokens in an address.",
        MANDATORY,
        Severity.MEDIUM,
        "RFC 9700 §2.1.2",
        "Leave implicit issuance out.",
        {
            types.ENTRA_APPLICATION: must_be(
                "web.implicitGrant.accessTokenIssuanceEnabled", False, "puts access tokens into addresses"
            ),
            "azuread:index/applicationRegistration:ApplicationRegistration": must_be(
                "implicitAccessTokenIssuanceEnabled", False, "puts access tokens into addresses"
            ),
        },
    ),
    Check(
        "attestation",
        "A list of authenticator models is enforced by attestation.",
        MANDATORY,
        Severity.MEDIUM,
        "WebAuthn level 3 §6.5; Keycloak, server administration, WebAuthn; Okta, authenticators",
        "Ask for direct attestation, and list models by their AAGUID.",
        {
            "azuread:index/authenticationStrengthPolicyFido2CombinationConfiguration"
            ":AuthenticationStrengthPolicyFido2CombinationConfiguration": models("allowedAaguids"),
            "okta:index/authenticatorMethodWebauthn:AuthenticatorMethodWebauthn": must_be(
                "certBasedAttestationValidation", True, "takes an authenticator at its word"
            ),
            types.KEYCLOAK_REALM: all_of(
                keycloak_attestation("webAuthnPolicy"), keycloak_attestation("webAuthnPasswordlessPolicy")
            ),
        },
    ),
)


GROUP: Final = Group(
    "people",
    "People who are who they say",
    "People sign in by what cannot be phished.",
    "Set what the finding names at the identity provider.",
    CHECKS,
)
