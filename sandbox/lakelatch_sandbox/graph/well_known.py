"""What is in every tenant from the beginning: Microsoft Graph itself, and here the sandbox's own administrator.

Nobody made these objects, so they are computed and never stored: a tenant whose objects are all gone is empty.
"""

import uuid
from collections.abc import Mapping

from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.graph.schema import Document
from lakelatch_sandbox.graph.schema_applications import APPLICATION, SERVICE_PRINCIPAL

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
"""The client id that Microsoft Graph has in every tenant."""

PERMISSIONS: Mapping[str, str] = {
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "Application.ReadWrite.All": "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
    "Application.ReadWrite.OwnedBy": "18a4783c-866b-4cc7-a460-3d5e5662c884",
    "AppRoleAssignment.ReadWrite.All": "06b708a9-e830-4db3-a914-8e69da51d44f",
    "AuthenticationContext.Read.All": "381f742f-e1f8-4309-b4ab-e3d91ae4c5c1",
    "AuthenticationContext.ReadWrite.All": "a88eef72-fed0-4bf7-a2a9-f19df33f8b83",
    "DelegatedPermissionGrant.Read.All": "81b4724a-58aa-41c1-8a55-84ef97466587",
    "DelegatedPermissionGrant.ReadWrite.All": "8e8e4742-1d95-4f68-9d56-6ee75648c72a",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    "Directory.ReadWrite.All": "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
    "Group.Create": "bf7b1a76-6e77-406b-b258-bf5c7720e98f",
    "Group.Read.All": "5b567255-7703-4780-807c-7be8301ae99b",
    "Group.ReadWrite.All": "62a82d76-70ea-41e2-9197-370581804d09",
    "GroupMember.Read.All": "98830695-27a2-44f7-8c18-0c3ebc9698f6",
    "GroupMember.ReadWrite.All": "dbaae8cf-10b5-4b86-a4a1-f871c94c6695",
    "Policy.Read.All": "246dd0d5-5bd0-4def-940b-0421030a5b68",
    "Policy.Read.ConditionalAccess": "37730810-e9ba-4e46-b07e-8ca78d182097",
    "Policy.ReadWrite.AuthenticationMethod": "29c18626-4985-4dcd-85c0-193eef327366",
    "Policy.ReadWrite.ConditionalAccess": "01c0a623-fc9b-48e9-b794-0756f8e8f067",
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
    "User.ReadWrite.All": "741f803b-c850-494e-b5df-cde7c675a1ca",
}
"""Graph's application permissions with the ids of their app roles (learn.microsoft.com/graph/permissions-reference)."""

_ADMINISTRATOR_ROLES = (
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "AuthenticationContext.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.ReadWrite.All",
    "Group.ReadWrite.All",
    "Policy.Read.All",
    "Policy.ReadWrite.AuthenticationMethod",
    "Policy.ReadWrite.ConditionalAccess",
    "User.ReadWrite.All",
)
_CREATED = "2020-01-01T00:00:00Z"


def applications(endpoints: Endpoints) -> tuple[Document, ...]:
    """The registrations behind the built-in service principals."""
    graph = _registration(endpoints, GRAPH_APP_ID, "Microsoft Graph") | {
        "identifierUris": [endpoints.graph_base, f"{endpoints.graph_base}/"],
        "optionalClaims": {"accessToken": [{"name": "idtyp"}], "idToken": [], "saml2Token": []},
        "appRoles": [_role(value, id) for value, id in PERMISSIONS.items()],
    }
    return graph, _registration(endpoints, endpoints.entra_admin_client_id, "Sandbox administrator")


def service_principals(endpoints: Endpoints) -> tuple[Document, ...]:
    """Microsoft Graph and the administrator, as they stand in the tenant."""
    return tuple(
        SERVICE_PRINCIPAL.create({"appId": application["appId"]})
        | {"id": _id(endpoints, application["appId"], "servicePrincipal"), "createdDateTime": _CREATED, "owners": []}
        for application in applications(endpoints)
    )


def administrator_permissions(endpoints: Endpoints, principal_id: str) -> frozenset[str]:
    """The Graph permissions of a built-in principal: all of the administrator's, none of anybody else's."""
    administrator = _id(endpoints, endpoints.entra_admin_client_id, "servicePrincipal")
    return frozenset(_ADMINISTRATOR_ROLES) if principal_id == administrator else frozenset()


def _registration(endpoints: Endpoints, app_id: str, name: str) -> Document:
    return APPLICATION.create({"displayName": name}) | {
        "id": _id(endpoints, app_id, "application"),
        "appId": app_id,
        "createdDateTime": _CREATED,
        "owners": [],
    }


def _id(endpoints: Endpoints, app_id: str, kind: str) -> str:
    return str(uuid.uuid5(uuid.UUID(endpoints.tenant_id), f"{kind}/{app_id}"))


def _role(value: str, id: str) -> Document:
    return {
        "allowedMemberTypes": ["Application"],
        "description": value,
        "displayName": value,
        "id": id,
        "isEnabled": True,
        "origin": "Application",
        "value": value,
    }
