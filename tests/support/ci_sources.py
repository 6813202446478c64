"""Where CI runs, in every way that `CiIdentity` knows."""

from typing import Any

GITHUB: Any = {"repository": "acme/etl", "environment": "production"}
GITLAB: Any = {"project": "acme/data/etl", "branch": "main"}
AZURE: Any = {
    "organization": "acme",
    "organization_id": "2f3f0d5e-7a3c-4c53-9c7b-1b6a3e0f4d55",
    "project": "Data Platform",
    "pipeline": "etl preview",
    "service_connection": "etl production",
}
IDS = {"owner_id": "12345", "repository_id": "67890"}
BY_ENTRA = {
    "connection_issuer": "https://login.microsoftonline.com/7f3b6c1e-9a42-4b8e-8d55-2c9e1f0a6b37/v2.0",
    "connection_subject": "/eid1/c/pub/t/AAA/a/BBB/sc/2f3f0d5e-7a3c-4c53-9c7b-1b6a3e0f4d55/etl",
}
BARE: Any = {
    "preview_grants": None,
    "deploy_groups": None,
    "deploy_entitlements": None,
    "deploy_grants": None,
    "workspace_provider": None,
}
"""The component without any right of its principals."""

SOURCES: dict[str, dict[str, Any]] = {
    "github by names": {"github": GITHUB},
    "github by ids": {"github": {**GITHUB, **IDS}},
    "github server, a branch": {
        "github": {"repository": "acme/etl", "branch": "main", "issuer": "https://git.example.com/_services/token"}
    },
    "gitlab": {"gitlab": GITLAB, "github": None},
    "azure devops": {"azure_devops": AZURE, "github": None},
    "azure devops, a connection of Entra": {
        "azure_devops": {**AZURE, **BY_ENTRA, "service_connection": None},
        "github": None,
    },
}
