"""Conditional Access and authentication strengths as Graph declares them.

From learn.microsoft.com/graph/api/resources: conditionalAccessPolicy, namedLocation, authenticationStrengthPolicy,
authenticationCombinationConfiguration, authenticationContextClassReference.
"""

from lakelatch_sandbox.graph.schema import Resource

_MADE = frozenset({"id", "createdDateTime", "modifiedDateTime"})

CONDITIONAL_ACCESS_POLICY = Resource(
    odata_type="#microsoft.graph.conditionalAccessPolicy",
    required=frozenset({"displayName", "state", "conditions"}),
    read_only=_MADE | {"templateId"},
    properties={
        "conditions": {
            "applications": None,
            "authenticationFlows": None,
            "clientAppTypes": ["all"],
            "clientApplications": None,
            "devices": None,
            "insiderRiskLevels": None,
            "locations": None,
            "platforms": None,
            "servicePrincipalRiskLevels": [],
            "signInRiskLevels": [],
            "userRiskLevels": [],
            "users": None,
        },
        "displayName": None,
        "grantControls": None,
        "sessionControls": None,
        "state": None,
        "templateId": None,
    },
)

NAMED_LOCATION = Resource(
    odata_type="#microsoft.graph.namedLocation",
    required=frozenset({"displayName"}),
    read_only=_MADE,
    properties={
        "@odata.type": None,
        "countriesAndRegions": None,
        "countryLookupMethod": None,
        "displayName": None,
        "includeUnknownCountriesAndRegions": None,
        "ipRanges": None,
        "isTrusted": None,
    },
)

AUTHENTICATION_STRENGTH = Resource(
    odata_type="#microsoft.graph.authenticationStrengthPolicy",
    required=frozenset({"displayName", "allowedCombinations"}),
    read_only=_MADE | {"policyType", "requirementsSatisfied"},
    properties={
        "allowedCombinations": [],
        "description": "",
        "displayName": None,
        "policyType": "custom",
        "requirementsSatisfied": "none",
    },
)

COMBINATION_CONFIGURATION = Resource(
    odata_type="#microsoft.graph.authenticationCombinationConfiguration",
    required=frozenset({"appliesToCombinations"}),
    read_only=frozenset({"id"}),
    properties={
        "@odata.type": None,
        "allowedAAGUIDs": None,
        "allowedIssuerSkis": None,
        "allowedPolicyOIDs": None,
        "appliesToCombinations": [],
    },
)

AUTHENTICATION_CONTEXT = Resource(
    odata_type="#microsoft.graph.authenticationContextClassReference",
    required=frozenset({"id"}),
    properties={"description": None, "displayName": None, "id": None, "isAvailable": False},
)
