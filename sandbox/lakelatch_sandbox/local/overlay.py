"""The addresses of this machine's doubles, in the shape of an access model. Pure."""

from collections.abc import Callable
from typing import Any, Final

from lakelatch.access.issuers import Issuer
from lakelatch.access.model import AccessModel
from lakelatch_sandbox.endpoints import HOST, Endpoints

OWN_PATH: Final[dict[str, Callable[[str], dict[str, Any]]]] = {
    "github": lambda url: {"url": url},
    "gitlab": lambda url: {"url": url},
    "azure-devops": lambda url: {"host": url},
    "kubernetes": lambda url: {"url": url, "jwks_json": None},
    "circleci": lambda url: {"host": url},
    "auth0": lambda url: {"domain": url.removeprefix("https://")},
    "okta": lambda url: {"url": url},
    "google": lambda url: {"url": url},
    "keycloak": lambda url: {"host": url},
    "aws": lambda url: {"url": url},
    "oidc": lambda url: {"url": url, "jwks_uri": None, "jwks_json": None},
}
"""Kind of issuer to the keys that bring its tokens from a double at an address."""


def issuers(model: AccessModel, endpoints: Endpoints) -> dict[str, dict[str, Any]]:
    """Issuer name to its address here.

    There is one Entra and one cluster, which stand for the first of their kind; every other issuer is a path of its own
    below `issuers_url`.
    """
    cluster = next((name for name, issuer in model.issuers.items() if issuer.type == "kubernetes"), None)

    def place(name: str, issuer: Issuer) -> dict[str, Any]:
        if issuer.type == "entra":
            return {"tenant": endpoints.tenant_id, "authority": endpoints.entra_authority}
        if name == cluster:
            return {"url": endpoints.cluster_issuer, "jwks_json": None}
        return OWN_PATH[issuer.type](f"{endpoints.issuers_url}/{issuer.type}/{name}")

    return {name: place(name, issuer) for name, issuer in model.issuers.items()}


def overlay(model: AccessModel, endpoints: Endpoints, gateway: dict[str, Any]) -> dict[str, Any]:
    """Everything of a model that is another address here; one double stands for every workspace."""
    workspace = {"id": endpoints.workspace_id, "host": endpoints.workspace_host}
    changed: dict[str, Any] = {
        "account": {"id": endpoints.account_id, "host": endpoints.account_host, "stack": None},
        "workspaces": {name: {**workspace, "stack": None} for name in model.workspaces},
        "issuers": issuers(model, endpoints),
    }
    return changed | ({"gateway": gateway} if model.gateway is not None else {})


def issuer_name(endpoints: Endpoints, issuer: str) -> str | None:
    """What the double calls an issuer by its address; None for addresses of other doubles."""
    below = f"{endpoints.issuers_url}/"
    return issuer.removeprefix(below).rstrip("/") if issuer.startswith(below) else None


def gateway_addresses(port: int, tls: dict[str, str], ca_file: str, signing_key_file: str) -> dict[str, Any]:
    """Where the gateway is here."""
    return {
        "host": f"https://{HOST}:{port}",
        "address": HOST,
        "port": port,
        "tls": tls,
        "ca_file": ca_file,
        "signing_key_file": signing_key_file,
    }
