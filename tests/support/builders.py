"""One full instance of every component, with the providers that it needs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_azuread as azuread
import pulumi_databricks as databricks
from support.recorder import SERVICE_PRINCIPAL_ID

import lakelatch

MODEL = (Path(__file__).parents[2] / "stacks" / "access.yaml").read_text(encoding="utf-8")
ACCOUNT_ID = "0d26daa6-5e44-4c97-a497-ef015f91254a"
TRUST: Any = {"issuer": "https://gateway.example.com", "audiences": ["other", "account"], "subject": "nightly-report"}
PEOPLE: Any = {
    "issuer": "https://login.example.com/acme",
    "audiences": ["databricks-acme"],
    "subject_claim": "upn",
    "description": "everybody at Acme",
}
NETWORK_POLICY: Any = {"account_id": ACCOUNT_ID, "policy_id": "analytics", "egress": "FULL_ACCESS"}
RIGHTS: Any = {
    "entitlements": ["databricks-sql-access"],
    "grants": [{"catalog": "main", "privileges": ["USE_SCHEMA", "USE_CATALOG"]}],
}


def options(**more: Any) -> pulumi.ResourceOptions:
    """Both providers of a program, as `opts.providers`."""
    providers = {
        "azuread": azuread.Provider("entra"),
        "databricks": databricks.Provider("account", account_id=ACCOUNT_ID),
    }
    return pulumi.ResourceOptions(providers=providers, **more)


def workspace() -> databricks.Provider:
    """The provider of a workspace."""
    return databricks.Provider("workspace", host="https://workspace.example.com")


ARGUMENTS: dict[str, Callable[[], Any]] = {
    "AccessGateway": lambda: {"directory": "d", "config": {"a": 1}},
    "AccountFederation": lambda: {"account_id": ACCOUNT_ID, "policies": {"people": PEOPLE, "others": PEOPLE}},
    "AccountGroup": lambda: {"group": {"create": "readers"}, "members": {"job": SERVICE_PRINCIPAL_ID}},
    "CiIdentity": lambda: {
        "display_name": "ETL",
        "account_id": ACCOUNT_ID,
        "workspace_id": "123",
        "github": {"repository": "acme/etl", "environment": "production"},
        "preview_grants": [{"catalog": "main", "privileges": ["BROWSE"]}],
        "deploy_groups": {"deployers": "77"},
        "workspace_provider": workspace(),
        **{f"deploy_{key}": value for key, value in RIGHTS.items()},
    },
    "DatabricksAccess": lambda: {"model": MODEL, "gateway_directory": "d"},
    "EntraApplication": lambda: {
        "display_name": "App",
        "app_roles": {"Call": "may call"},
        "federated_credentials": {"cluster": {"issuer": "https://k", "subject": "system:serviceaccount:a:b"}},
        "grants": {"call": {"role_id": "role", "resource_object_id": "resource"}},
    },
    "FederationTrust": lambda: {
        "service_principal_id": SERVICE_PRINCIPAL_ID,
        "policies": {"one": TRUST, "two": {**TRUST, "issuer": "https://other.example.com", "subject": "other"}},
    },
    "SecureWorkspace": lambda: {
        "workspace_id": "123",
        "gateway_addresses": ["203.0.113.7"],
        "operator_addresses": ["198.51.100.0/24"],
        "network_policy": NETWORK_POLICY,
        "workspace_provider": workspace(),
    },
    "ServiceIdentity": lambda: {
        "display_name": "Job",
        "workspace_id": "123",
        "groups": {"readers": "77"},
        "workspace_provider": workspace(),
        **RIGHTS,
    },
    "WorkspaceRole": lambda: {
        "group": {"create": "readers"},
        "workspace_id": "123",
        "members": {"job": SERVICE_PRINCIPAL_ID},
        "workspace_provider": workspace(),
        **RIGHTS,
    },
}


def build(component: str, opts: pulumi.ResourceOptions | None = None, name: str = "app", **changed: Any) -> Any:
    """Make the component; `changed` replaces arguments, None takes one away."""
    arguments = {**ARGUMENTS[component](), **changed}
    arguments = {key: value for key, value in arguments.items() if value is not None}
    return getattr(lakelatch, component)(name, arguments, options() if opts is None else opts)
