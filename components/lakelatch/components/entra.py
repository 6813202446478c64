"""An application in Microsoft Entra ID that needs no secret."""

import uuid
from typing import NotRequired, TypedDict

import pulumi

from lakelatch.access.subjects import looseness
from lakelatch.components.arguments import require
from lakelatch.errors import Finding

EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"
"""What a token must be made out to before Entra takes it instead of a secret (workload identity federation page)."""
CREDENTIALS_LIMIT = 20
"""Federated credentials of one application (workload identity federation, considerations)."""
_ROLE_NAMESPACE = uuid.UUID("3f2b5f0e-6c43-5b0c-9d7a-1f5b6a0f7f52")


class FederatedCredential(TypedDict):
    """A workload whose own platform token Entra takes instead of a secret."""

    issuer: str
    """The `iss` of the platform's token, to the letter; https."""
    subject: str
    """The `sub` of the platform's token, to the letter; case matters."""


class AppRoleGrant(TypedDict):
    """A right to ask for tokens of another application."""

    role_id: pulumi.Input[str]
    """Id of an app role of that application."""
    resource_object_id: pulumi.Input[str]
    """Object id of that application's service principal."""


class EntraApplicationArgs(TypedDict):
    """What an application is for."""

    display_name: str
    """The name that people see in the Entra portal."""
    app_roles: NotRequired[dict[str, str]]
    """For an application that is called: role value to description. It then gets the identifier `api://<client id>`."""
    federated_credentials: NotRequired[dict[str, FederatedCredential]]
    """For an application that calls: its workloads, each under a name that never changes."""
    grants: NotRequired[dict[str, AppRoleGrant]]
    """For an application that calls: the roles it holds, each under a name that never changes."""


class EntraApplication(pulumi.ComponentResource):
    """An app registration with its service principal: version 2 tokens, assignment required, no secret.

    The registration is made of its split resources, the only form in which it can carry its own client id in its
    identifier. Deleting one takes Entra 20 s for each part; that is Graph's pace, not a fault.
    """

    client_id: pulumi.Output[str]
    """The application (client) id: the audience of tokens for it."""
    object_id: pulumi.Output[str]
    """Object id of the service principal: the `sub` of tokens that the application asks for itself."""
    app_role_ids: pulumi.Output[dict[str, str]]
    """Role value to the id that grants name."""

    def __init__(self, name: str, args: EntraApplicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("lakelatch:index:EntraApplication", name, None, opts)
        credentials = args.get("federated_credentials") or {}
        require("EntraApplication", name, _findings(credentials))
        import pulumi_azuread as azuread

        here = pulumi.ResourceOptions(parent=self)
        registration = azuread.ApplicationRegistration(
            name,
            display_name=args["display_name"],
            sign_in_audience="AzureADMyOrg",
            requested_access_token_version=2,
            opts=here,
        )
        principal = azuread.ServicePrincipal(
            name, client_id=registration.client_id, app_role_assignment_required=True, opts=here
        )
        roles = {
            value: azuread.ApplicationAppRole(
                f"{name}-{value}",
                application_id=registration.id,
                role_id=str(uuid.uuid5(_ROLE_NAMESPACE, f"{name}/{value}")),
                value=value,
                display_name=value,
                description=description,
                allowed_member_types=["Application"],
                opts=here,
            )
            for value, description in (args.get("app_roles") or {}).items()
        }
        if roles:
            azuread.ApplicationIdentifierUri(
                name,
                application_id=registration.id,
                identifier_uri=pulumi.Output.concat("api://", registration.client_id),
                opts=here,
            )
            azuread.ApplicationOptionalClaims(
                name, application_id=registration.id, access_tokens=[{"name": "idtyp"}], opts=here
            )
        for key, credential in credentials.items():
            azuread.ApplicationFederatedIdentityCredential(
                f"{name}-{key}",
                application_id=registration.id,
                display_name=key,
                description=f"{credential['subject']} at {credential['issuer']}",
                issuer=credential["issuer"],
                subject=credential["subject"],
                audiences=[EXCHANGE_AUDIENCE],
                opts=here,
            )
        for key, grant in (args.get("grants") or {}).items():
            azuread.AppRoleAssignment(
                f"{name}-{key}",
                app_role_id=grant["role_id"],
                principal_object_id=principal.object_id,
                resource_object_id=grant["resource_object_id"],
                opts=here,
            )
        self.client_id = registration.client_id
        self.object_id = principal.object_id
        # Of the resources, not of the names: a grant must wait until its role is there.
        self.app_role_ids = pulumi.Output.from_input({value: role.role_id for value, role in roles.items()})
        self.register_outputs(
            {"client_id": self.client_id, "object_id": self.object_id, "app_role_ids": self.app_role_ids}
        )


def _findings(credentials: dict[str, FederatedCredential]) -> list[Finding]:
    findings = []
    if len(credentials) > CREDENTIALS_LIMIT:
        expected = f"one application has at most {CREDENTIALS_LIMIT}"
        findings.append(Finding("federated_credentials", f"has {len(credentials)} entries", expected))
    for key, credential in credentials.items():
        if not credential["issuer"].startswith("https://"):
            path = f"federated_credentials.{key}.issuer"
            findings.append(Finding(path, "does not begin with https://", "write the issuer's https address"))
        if reason := looseness(credential["subject"]):
            findings.append(Finding(f"federated_credentials.{key}.subject", reason, "write the exact subject"))
    return findings
