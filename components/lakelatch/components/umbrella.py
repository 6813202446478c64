"""Everything that one access model asks for."""

from typing import Any, NotRequired, TypedDict

import pulumi

from lakelatch.access.model import AccessModel, EntraIssuer
from lakelatch.components.arguments import account_provider, known_later, read_model, require
from lakelatch.components.entra import EntraApplication
from lakelatch.components.gateway import AccessGateway
from lakelatch.components.identity import ServiceIdentity
from lakelatch.components.trust import FederationTrust
from lakelatch.envoy.resolve import Identity, gateway_config

CALL_ROLE = "Gateway.Call"
"""The app role of the gateway's own application; Entra gives its tokens to nobody without it."""


class DatabricksAccessArgs(TypedDict):
    """The model, as text so that it crosses languages."""

    model: str
    """An access model in YAML."""
    overlay: NotRequired[dict[str, Any]]
    """Of the same shape, laid over it: the addresses of this stack."""
    gateway_directory: str
    """Folder that the gateway watches; relative to the project."""


class DatabricksAccess(pulumi.ComponentResource):
    """App registrations, service principals, trusts and the gateway for every service of an access model.

    Needs an azuread provider and an account-level databricks provider, both in `opts.providers`.
    """

    audience: pulumi.Output[str]
    """What services name when they ask Entra for a token for the gateway."""
    services: pulumi.Output[dict[str, Any]]
    """Service name to `client_id` (Entra), `subject` (of its tokens) and `application_id` (Databricks)."""
    gateway_version: pulumi.Output[str]
    """Hash of the gateway's configuration in force."""

    def __init__(self, name: str, args: DatabricksAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("lakelatch:index:DatabricksAccess", name, None, opts)
        require("DatabricksAccess", name, [*known_later(args), *account_provider(self)])
        model = read_model(args["model"], f"DatabricksAccess {name!r}", args.get("overlay"))
        here = pulumi.ResourceOptions(parent=self)
        front = EntraApplication(
            name,  # without a suffix, so that no service's name meets it
            {
                "display_name": "Lakelatch gateway",
                "app_roles": {
                    CALL_ROLE: "May call Databricks through the gateway; what it may do there, the model says"
                },
            },
            here,
        )
        identities = {service: self._service(name, service, model, front) for service in model.services}
        gateway = AccessGateway(
            name,
            {
                "directory": args["gateway_directory"],
                "config": gateway_config(model, audience=front.client_id, identities=identities),
            },
            here,
        )
        self.audience = front.client_id
        self.services = pulumi.Output.from_input({service: dict(row) for service, row in identities.items()})
        self.gateway_version = gateway.version
        self.register_outputs(
            {"audience": self.audience, "services": self.services, "gateway_version": self.gateway_version}
        )

    def _service(self, name: str, service: str, model: AccessModel, front: EntraApplication) -> Identity:
        """One service's application, principal and trust."""
        here = pulumi.ResourceOptions(parent=self)
        row = model.services[service]
        platform, entra = model.issuers[row.workload.issuer], model.issuers[row.issuer]
        if not isinstance(entra, EntraIssuer):
            raise TypeError(f"service {service!r} passed validation with an issuer that is not Entra")
        application = EntraApplication(
            f"{name}-{service}",
            {
                "display_name": service,
                "federated_credentials": {
                    row.workload.issuer: {"issuer": platform.issuer, "subject": row.workload.subject}
                },
                "grants": {
                    "call": {"role_id": front.app_role_ids[CALL_ROLE], "resource_object_id": front.object_id},
                },
            },
            here,
        )
        workspace = model.workspaces[row.workspace]
        principal = ServiceIdentity(f"{name}-{service}", {"display_name": service, "workspace_id": workspace.id}, here)
        FederationTrust(
            f"{name}-{service}",
            {
                "service_principal_id": principal.service_principal_id,
                "policies": {
                    "lakelatch-gateway": {
                        "issuer": model.gateway.host,
                        "audiences": [model.account.id],
                        "subject": service,
                        "description": f"Lakelatch: the gateway acts as {service}",
                    }
                },
            },
            here,
        )
        return Identity(
            client_id=application.client_id, subject=application.object_id, application_id=principal.application_id
        )
