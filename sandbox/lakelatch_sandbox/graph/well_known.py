"""What is in every tenant from the beginning: Microsoft Graph itself, and here the sandbox's own administrator.

Nobody made these objects, so they are computed and never stored: a tenant whose objects are all gone is empty.
"""

import uuid
from collections.abc import Mapping

from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.graph.schema import APPLICATION, SERVICE_PRINCIPAL, Document

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
"""The client id that Microsoft Graph has in every tenant."""

PERMISSIONS: Mapping[str, str] = {
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "Application.ReadWrite.All": "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
    "AppRoleAssignment.ReadWrite.All": "06b708a9-e830-4db3-a914-8e69da51d44f",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    "Directory.ReadWrite.All": "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
    "Group.ReadWrite.All": "62a82d76-70ea-41e2-9197-370581804d09",
    "Policy.Read.All": "246dd0d5-5bd0-4def-940b-0421030a5b68",
    "Policy.ReadWrite.ConditionalAccess": "01c0a623-fc9b-48e9-b794-0756f8e8f067",
}
"""Graph's application permissions with the ids of their app roles (learn.microsoft.com/graph/permissions-reference)."""

_ADMINISTRATOR_ROLES = (
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "Directory.ReadWrite.All",
    "Group.ReadWrite.All",
    "Policy.Read.All",
    "Policy.ReadWrite.ConditionalAccess",
)
_CREATED = "2020-01-01T00:00:00Z"


def applications(endpoints: Endpoints) -> tuple[Document, ...]:
    """The registrations behind the built-in service principals."""
    graph = _registration(endpoints, GRAPH_APP_ID, "Microsoft Graph") | {
        "identifierUris": [endpoints.graph_base, f"{endpoints.graph_base}/"],
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
