"""The cloud's metadata document, by which the azuread provider finds login and Graph."""

from typing import Any

from lakelatch_sandbox.endpoints import Endpoints

API_VERSION = "2022-09-01"
"""The version that go-azure-sdk asks for (`sdk/internal/metadata/client.go`)."""


def document(endpoints: Endpoints) -> dict[str, Any]:
    """The members that `sdk/environments/from_endpoint.go` needs; Resource Manager is not here and has this host."""
    return {
        "name": "LakelatchSandbox",
        "resourceManager": f"{endpoints.graph_base}/",
        "microsoftGraphResourceId": endpoints.graph_base,
        "authentication": {
            "loginEndpoint": endpoints.entra_authority,
            "tenant": "common",
            "identityProvider": "AAD",
            "audiences": [f"{endpoints.graph_base}/"],
        },
        "portal": endpoints.entra_authority,
        "graphAudience": endpoints.graph_base,
        "graph": endpoints.graph_base,
        "suffixes": {},
    }
