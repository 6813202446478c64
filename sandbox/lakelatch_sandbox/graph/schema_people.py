"""Groups and users as Graph declares them (learn.microsoft.com/graph/api/resources/group, .../user)."""

from lakelatch_sandbox.graph.schema import Resource

_SYNCHRONISED = (
    "onPremisesDistinguishedName",
    "onPremisesDomainName",
    "onPremisesLastSyncDateTime",
    "onPremisesNetBiosName",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesSyncEnabled",
    "onPremisesUserPrincipalName",
)
"""What a synchronisation from an organisation's own directory writes; nobody else does."""

GROUP = Resource(
    odata_type="#microsoft.graph.group",
    # `mailEnabled` and `securityEnabled` are required as well, but false is a value
    required=frozenset({"displayName", "mailNickname"}),
    read_only=frozenset(
        {"id", "createdDateTime", "deletedDateTime", "mail", "proxyAddresses", "securityIdentifier", *_SYNCHRONISED}
    ),
    properties={
        "allowExternalSenders": None,
        "autoSubscribeNewMembers": None,
        "classification": None,
        "description": None,
        "displayName": None,
        "groupTypes": [],
        "hideFromAddressLists": None,
        "hideFromOutlookClients": None,
        "isAssignableToRole": None,
        "mail": None,
        "mailEnabled": None,
        "mailNickname": None,
        "membershipRule": None,
        "membershipRuleProcessingState": None,
        "preferredDataLocation": None,
        "preferredLanguage": None,
        "proxyAddresses": [],
        "resourceBehaviorOptions": [],
        "resourceProvisioningOptions": [],
        "securityEnabled": None,
        "theme": None,
        "visibility": None,
        "writebackConfiguration": {"isEnabled": None, "onPremisesGroupType": None},
        **dict.fromkeys(name for name in _SYNCHRONISED if "Distinguished" not in name and "Principal" not in name),
    },
)

USER = Resource(
    odata_type="#microsoft.graph.user",
    required=frozenset({"displayName", "mailNickname", "userPrincipalName"}),
    read_only=frozenset(
        {
            "id",
            "createdDateTime",
            "deletedDateTime",
            "creationType",
            "externalUserState",
            "imAddresses",
            "proxyAddresses",
            "securityIdentifier",
            *_SYNCHRONISED,
        }
    ),
    properties={
        **dict.fromkeys(
            (
                "aboutMe",
                "accountEnabled",
                "ageGroup",
                "city",
                "companyName",
                "consentProvidedForMinor",
                "country",
                "creationType",
                "department",
                "displayName",
                "employeeHireDate",
                "employeeId",
                "employeeType",
                "externalUserState",
                "faxNumber",
                "givenName",
                "jobTitle",
                "mail",
                "mailNickname",
                "mobilePhone",
                "officeLocation",
                "onPremisesImmutableId",
                "passwordPolicies",
                "postalCode",
                "preferredLanguage",
                "showInAddressList",
                "state",
                "streetAddress",
                "surname",
                "usageLocation",
                "userPrincipalName",
                *_SYNCHRONISED,
            )
        ),
        "businessPhones": [],
        "employeeOrgData": {"costCenter": None, "division": None},
        "imAddresses": [],
        "otherMails": [],
        "passwordProfile": {
            "password": None,
            "forceChangePasswordNextSignIn": None,
            "forceChangePasswordNextSignInWithMfa": None,
        },
        "proxyAddresses": [],
        "userType": "Member",
    },
)

USER_DEFAULT_PROPERTIES = frozenset(
    {
        "businessPhones",
        "displayName",
        "givenName",
        "id",
        "jobTitle",
        "mail",
        "mobilePhone",
        "officeLocation",
        "preferredLanguage",
        "surname",
        "userPrincipalName",
    }
)
"""What v1.0 answers without `$select` (learn.microsoft.com/graph/api/user-get); beta answers everything."""
