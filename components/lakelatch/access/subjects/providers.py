"""Subjects that identity providers give to clients: Auth0, Okta, Keycloak, Microsoft Entra ID."""

from lakelatch.access.subjects import exact


def auth0(client_id: str) -> str:
    """The subject of an Auth0 machine-to-machine token: `<client id>@clients`.

    Source: Auth0 documentation, "Access token profiles".

    Raises:
        ValueError: for what no client id can be.

    """
    return f"{exact.client_id(client_id)}@clients"


def okta(client_id: str) -> str:
    """The subject of an Okta machine-to-machine token: the client id. Source: Okta, "Client Credentials flow".

    Raises:
        ValueError: for what no client id can be.

    """
    return exact.client_id(client_id)


def keycloak(service_account_id: str) -> str:
    """The subject of a Keycloak client's own token: the UUID of its service account's user, not the client's name.

    Source: Keycloak, "Server Administration Guide", using a service account.

    Raises:
        ValueError: for what is no UUID in lower case.

    """
    return exact.uuid(service_account_id, "the service account's id")


def keycloak_client(client_id: str) -> str:
    """The claim `azp` of a Keycloak client's token: its client id, which people can read.

    Raises:
        ValueError: for what is not exact.

    """
    return exact.identifier(client_id, "the client id")


def entra(service_principal_object_id: str) -> str:
    """The subject of an Entra token for an application alone: its service principal's object id (`sub` = `oid`).

    Neither its client id nor its application's object id. The same in version 1 and version 2 tokens.
    Source: Microsoft, "Access token claims reference".

    Raises:
        ValueError: for what is no UUID in lower case.

    """
    return exact.uuid(service_principal_object_id, "the service principal's object id")
