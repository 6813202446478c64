"""An application in Microsoft Entra ID that needs no secret."""

import uuid
from typing import Any, NamedTuple, NotRequired, TypedDict

import pulumi

from lakelatch.access.subjects import looseness
from lakelatch.components.arguments import is_https, known_later, require
from lakelatch.errors import Finding

EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"
"""What a token must be made out to before Entra takes it instead of a secret (workload identity federation page)."""
CREDENTIALS_LIMIT = 20
"""Federated credentials of one application (workload identity federation, considerations)."""
TOKEN_VERSIONS = (1, 2)
DISPLAY_NAME_LIMIT = 120
"""Characters of a federated credential's name (azuread, `application_federated_identity_credential`)."""
OPTIONAL_CLAIMS = ("acrs", "idtyp", "xms_cc")
"""What whoever is called has to see in a token (optional claims reference): the authentication contexts that were met,
whether it stands for an application alone, and whether the client understands a demand for more. The property
`include_user_token` of `idtyp` would only name users as such too; the azuread plugin refuses it."""
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
    token_version: NotRequired[int]
    """Of tokens made out to it: 2 by default. Version 1 has another issuer, for what cannot take version 2."""


class EntraApplication(pulumi.ComponentResource):
    """An app registration with its service principal: version 2 tokens, assignment required, no secret.

    The registration is made of its split resources, the only form in which it can carry its own client id in its
    identifier. Tokens made out to it always name its client id as audience. Parts of one application are written one
    after another, and the azuread plugin waits 20 s for each part that it deletes: that is its pace, not a fault.
    """

    client_id: pulumi.Output[str]
    """The application (client) id: the audience of tokens for it."""
    object_id: pulumi.Output[str]
    """Object id of the service principal: the `sub` of tokens that the application asks for itself."""
    app_role_ids: pulumi.Output[dict[str, str]]
    """Role value to the id that grants name."""

    def __init__(self, name: str, args: EntraApplicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("lakelatch:index:EntraApplication", name, None, opts)
        later = known_later(args, ("role_id", "resource_object_id"))
        require("EntraApplication", name, later or _findings(args))
        self.client_id, self.object_id, self.app_role_ids = make_application(name, args, self)
        self.register_outputs(
            {"client_id": self.client_id, "object_id": self.object_id, "app_role_ids": self.app_role_ids}
        )


class Application(NamedTuple):
    """What others name of an application; the same as the component's outputs."""

    client_id: pulumi.Output[str]
    object_id: pulumi.Output[str]
    app_role_ids: pulumi.Output[dict[str, str]]


def make_application(name: str, args: EntraApplicationArgs, parent: pulumi.Resource) -> Application:
    """The resources of an application, below any component."""
    import pulumi_azuread as azuread

    version = int(args.get("token_version") or 2)  # numbers arrive from other languages as floats
    here = pulumi.ResourceOptions(parent=parent)
    registration = azuread.ApplicationRegistration(
        name,
        display_name=args["display_name"],
        sign_in_audience="AzureADMyOrg",
        requested_access_token_version=version,
        opts=here,
    )
    principal = azuread.ServicePrincipal(
        name, client_id=registration.client_id, app_role_assignment_required=True, opts=here
    )
    roles = {
        value: azuread.ApplicationAppRole(
            f"{name}/{value}",
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
            name, application_id=registration.id, access_tokens=_optional_claims(version), opts=here
        )
    for key, credential in (args.get("federated_credentials") or {}).items():
        azuread.ApplicationFederatedIdentityCredential(
            f"{name}/{key}",
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
            f"{name}/{key}",
            app_role_id=grant["role_id"],
            principal_object_id=principal.object_id,
            resource_object_id=grant["resource_object_id"],
            opts=here,
        )
    # Of the resources, not of the names: a grant must wait until its role is there.
    role_ids = pulumi.Output.from_input({value: role.role_id for value, role in roles.items()})
    return Application(registration.client_id, principal.object_id, role_ids)


def _optional_claims(version: int) -> list[dict[str, Any]]:
    claims: list[dict[str, Any]] = [{"name": claim} for claim in OPTIONAL_CLAIMS]
    if version == 1:
        # A version 1 token else names whichever identifier was asked for; version 2 always names the client id.
        claims.insert(1, {"name": "aud", "additional_properties": ["use_guid"]})
    return claims


def _findings(args: EntraApplicationArgs) -> list[Finding]:
    findings = []
    credentials = args.get("federated_credentials") or {}
    if not args["display_name"].strip():
        findings.append(Finding("display_name", "is empty", "write the name that people are to see"))
    if (args.get("token_version") or 2) not in TOKEN_VERSIONS:
        findings.append(Finding("token_version", "is not a version of Entra's tokens", "write 1 or 2"))
    if len(credentials) > CREDENTIALS_LIMIT:
        expected = f"one application has at most {CREDENTIALS_LIMIT}"
        findings.append(Finding("federated_credentials", f"has {len(credentials)} entries", expected))
    seen: dict[tuple[str, str], str] = {}
    for key, credential in credentials.items():
        at = f"federated_credentials.{key}"
        if not 0 < len(key) <= DISPLAY_NAME_LIMIT:
            findings.append(Finding(at, "is too long a name", f"use at most {DISPLAY_NAME_LIMIT} characters"))
        if not is_https(credential["issuer"]):
            expected = "write the issuer's https address"
            findings.append(Finding(f"{at}.issuer", "does not begin with https://", expected))
        if reason := looseness(credential["subject"]):
            findings.append(Finding(f"{at}.subject", reason, "write the exact subject"))
        first = seen.setdefault((credential["issuer"], credential["subject"]), key)
        if first != key:
            found = f"has issuer and subject of {first!r}"
            findings.append(Finding(at, found, "keep one: they are unique in an application"))
    return findings
