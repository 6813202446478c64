"""A service as it lives in production: it holds a token of its own platform, and no secret."""

import json
from typing import Any

import httpx
import msal
import requests

from lakelatch.access.trusts import Trust
from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.errors import SandboxError
from lakelatch_sandbox.local.overlay import issuer_name

LIFETIME_SECONDS = 3600


def workload_token(endpoints: Endpoints, trust: Trust) -> str:
    """A token that a workload gets from its own platform, for the first audience that is asked for.

    Raises:
        SandboxError: for an issuer that no double stands for.

    """
    name = issuer_name(endpoints, trust.issuer)
    if name is not None:
        claims = {trust.subject_claim: trust.subject, "sub": trust.subject, "aud": trust.audiences[0]}
        response = httpx.post(
            f"{endpoints.control_url}/issuers/tokens",
            json={"issuer": name, "claims": claims, "lifetime_seconds": LIFETIME_SECONDS},
            verify=_trust(endpoints),
        )
        response.raise_for_status()
        return str(response.json()["token"])
    if trust.issuer != endpoints.cluster_issuer:
        raise SandboxError(f"no double signs as {trust.issuer!r}")
    _, _, namespace, service_account = (trust.subject or "").split(":")
    return _service_account_token(endpoints, namespace, service_account, trust.audiences[0])


def _service_account_token(endpoints: Endpoints, namespace: str, service_account: str, audience: str) -> str:
    """The token that the cluster would mount into the service's pod (Kubernetes TokenRequest API)."""
    response = httpx.post(
        f"{endpoints.cluster_issuer}/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token",
        headers={"Authorization": f"Bearer {endpoints.cluster_token}"},
        json={
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": [audience], "expirationSeconds": LIFETIME_SECONDS},
        },
        verify=_trust(endpoints),
    )
    response.raise_for_status()
    return str(response.json()["status"]["token"])


def entra_token(endpoints: Endpoints, client_id: str, scope: str, assertion: str) -> str:
    """A token from Entra for a platform token (workload identity federation); `scope` says whom it is for.

    Raises:
        SandboxError: when Entra refuses, with Entra's reason.

    """
    session = requests.Session()
    session.verify = endpoints.ca_file
    session.trust_env = False  # REQUESTS_CA_BUNDLE would win over the line above
    application = msal.ConfidentialClientApplication(
        client_id,
        authority=f"{endpoints.entra_authority}/{endpoints.tenant_id}",
        client_credential={"client_assertion": lambda: assertion},
        instance_discovery=False,
        http_client=session,
    )
    answer: dict[str, Any] = application.acquire_token_for_client([scope])
    if "access_token" not in answer:
        raise SandboxError(f"Entra refused the token: {answer.get('error_description', answer.get('error'))}")
    return str(answer["access_token"])


def _trust(endpoints: Endpoints) -> Any:
    import ssl

    return ssl.create_default_context(cafile=endpoints.ca_file)


QUESTION = """
SELECT pickup_zip, count(*) AS trips, round(avg(fare_amount), 2) AS average_fare
FROM samples.nyctaxi.trips GROUP BY pickup_zip ORDER BY trips DESC LIMIT 3
"""


def ask(warehouse_id: str) -> str:
    """What the service does: says who it is and runs a query, with the published SDK and its environment alone.

    Returns JSON with `user_name`, `columns` and `rows`.
    """
    from databricks.sdk import WorkspaceClient

    client = WorkspaceClient()
    me = client.current_user.me()
    answer = client.statement_execution.execute_statement(statement=QUESTION, warehouse_id=warehouse_id)
    schema = answer.manifest.schema.columns if answer.manifest and answer.manifest.schema else None
    return json.dumps(
        {
            "user_name": me.user_name,
            "columns": [column.name for column in schema or []],
            "rows": answer.result.data_array if answer.result else [],
        }
    )


if __name__ == "__main__":
    import sys

    print(ask(sys.argv[1]))
