"""Applications and what belongs to them, as Graph declares them (v1.0, and what clients ask of beta).

From learn.microsoft.com/graph/api/resources: application, servicePrincipal, federatedIdentityCredential,
oAuth2PermissionGrant.
"""

from lakelatch_sandbox.graph.schema import Resource

APPLICATION = Resource(
    odata_type="#microsoft.graph.application",
    required=frozenset({"displayName"}),
    read_only=frozenset(
        {"id", "appId", "createdDateTime", "deletedDateTime", "passwordCredentials", "publisherDomain", "certification"}
    ),
    properties={
        "addIns": [],
        "api": {
            "acceptMappedClaims": None,
            "knownClientApplications": [],
            "oauth2PermissionScopes": [],
            "preAuthorizedApplications": [],
            "requestedAccessTokenVersion": None,
        },
        "appRoles": [],
        "applicationTemplateId": None,
        "defaultRedirectUri": None,
        "description": None,
        "disabledByMicrosoftStatus": None,
        "displayName": None,
        "groupMembershipClaims": None,
        "identifierUris": [],
        "info": {
            "logoUrl": None,
            "marketingUrl": None,
            "privacyStatementUrl": None,
            "supportUrl": None,
            "termsOfServiceUrl": None,
        },
        "isDeviceOnlyAuthSupported": None,
        "isFallbackPublicClient": None,
        "keyCredentials": [],
        "nativeAuthenticationApisEnabled": None,
        "notes": None,
        "oauth2RequirePostResponse": False,
        "optionalClaims": None,
        "parentalControlSettings": {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"},
        "passwordCredentials": [],
        "publicClient": {"redirectUris": []},
        "requestSignatureVerification": None,
        "requiredResourceAccess": [],
        "samlMetadataUrl": None,
        "serviceManagementReference": None,
        "servicePrincipalLockConfiguration": None,
        "signInAudience": "AzureADMyOrg",
        "spa": {"redirectUris": []},
        "tags": [],
        "tokenEncryptionKeyId": None,
        "verifiedPublisher": {"addedDateTime": None, "displayName": None, "verifiedPublisherId": None},
        "web": {
            "homePageUrl": None,
            "implicitGrantSettings": {"enableAccessTokenIssuance": False, "enableIdTokenIssuance": False},
            "logoutUrl": None,
            "redirectUriSettings": [],
            "redirectUris": [],
        },
    },
)

SERVICE_PRINCIPAL = Resource(
    odata_type="#microsoft.graph.servicePrincipal",
    required=frozenset({"appId"}),
    read_only=frozenset(
        {
            "id",
            "appDescription",
            "appDisplayName",
            "appOwnerOrganizationId",
            "applicationTemplateId",
            "createdDateTime",
            "deletedDateTime",
            "oauth2PermissionScopes",
            "passwordCredentials",
            "signInAudience",
        }
    ),
    properties={
        "accountEnabled": True,
        "addIns": [],
        "alternativeNames": [],
        "appId": None,
        "appRoleAssignmentRequired": False,
        "description": None,
        "disabledByMicrosoftStatus": None,
        "info": {},
        "keyCredentials": [],
        "loginUrl": None,
        "notes": None,
        "notificationEmailAddresses": [],
        "passwordCredentials": [],
        "preferredSingleSignOnMode": None,
        "preferredTokenSigningKeyThumbprint": None,
        "samlMetadataUrl": None,
        "samlSingleSignOnSettings": None,
        "servicePrincipalType": "Application",
        "tags": [],
        "tokenEncryptionKeyId": None,
    },
)

FEDERATED_CREDENTIAL = Resource(
    odata_type="#microsoft.graph.federatedIdentityCredential",
    required=frozenset({"name", "issuer", "audiences"}),
    read_only=frozenset({"id"}),
    properties={
        "name": None,
        "issuer": None,
        "subject": None,
        "audiences": [],
        "description": None,
        "claimsMatchingExpression": None,
    },
)

DELEGATED_GRANT = Resource(
    odata_type="#microsoft.graph.oAuth2PermissionGrant",
    required=frozenset({"clientId", "consentType", "resourceId"}),
    read_only=frozenset({"id"}),
    properties={"clientId": None, "consentType": None, "principalId": None, "resourceId": None, "scope": None},
)
