"""The vendor's own client of the sandbox's workspace, for tests of its APIs."""

from typing import Any

from databricks.sdk import WorkspaceClient


def administrator(sandbox: Any) -> WorkspaceClient:
    """A client of the workspace's administrator; `REQUESTS_CA_BUNDLE` must name the sandbox's bundle."""
    return client(sandbox, sandbox.endpoints.admin_client_id, sandbox.endpoints.admin_client_secret)


def client(sandbox: Any, client_id: str, client_secret: str) -> WorkspaceClient:
    """A client with this principal's OAuth secret."""
    return WorkspaceClient(
        host=sandbox.endpoints.workspace_host, client_id=client_id, client_secret=client_secret, auth_type="oauth-m2m"
    )


def other(sandbox: Any, account: Any, name: str) -> tuple[WorkspaceClient, str]:
    """A client of a new service principal without any rights but the workspace's, and its application id."""
    principal = account.principal(name=name)
    path = f"/servicePrincipals/{principal['id']}/credentials/secrets"
    secret = account.call("POST", path, {}).json()["secret"]
    return client(sandbox, principal["applicationId"], secret), principal["applicationId"]
