"""The two programs that `bench.components` compares: an access model by components, and the same resources by hand."""

from typing import Any

ACCOUNT = "0d26daa6-5e44-4c97-a497-ef015f91254a"
TENANT = "7f3b6c1e-9a42-4b8e-8d55-2c9e1f0a6b37"
WORKSPACE_ID = "4029384756102938"
WORKSPACE = "https://adb-4029384756102938.18.azuredatabricks.net"
GATEWAY = "https://databricks.example.com"
CLUSTER = "https://oidc.example.com/cluster/"
GITHUB = "https://token.actions.githubusercontent.com"
KINDS = ("components", "by hand")

MODEL = f"""
account: {{id: {ACCOUNT}, host: https://accounts.azuredatabricks.net}}
workspaces:
  analytics: {{id: "{WORKSPACE_ID}", host: {WORKSPACE}}}
issuers:
  entra: {{type: entra, tenant: {TENANT}}}
  cluster: {{type: kubernetes, url: {CLUSTER}}}
  github: {{type: github}}
roles:
  reader: {{actions: [current_user.me], group: {{create: readers}}}}
gateway: {{host: {GATEWAY}, workspace: analytics, signing_key_file: key.pem}}
"""
CALLER = """  service-{number}:
    issuer: entra
    workspace: analytics
    roles: [reader]
    workload: {{issuer: cluster, namespace: team, service_account: service-{number}}}
"""
JOB = """  service-{number}:
    issuer: github
    via: direct
    workspace: analytics
    roles: [reader]
    workload: {{repository: acme/service-{number}, environment: production}}
"""


def calls_gateway(number: int) -> bool:
    """One in ten."""
    return number % 10 == 0


def model(services: int) -> str:
    """The access model of that many services."""
    rows = ((CALLER if calls_gateway(number) else JOB).format(number=number) for number in range(services))
    return MODEL + ("services:\n" + "".join(rows) if services else "services: {}\n")


def with_components(services: int) -> None:
    """The program as this project's users write it."""
    import pulumi

    from lakelatch import DatabricksAccess

    args: Any = {"model": model(services), "gateway_directory": "gateway"}
    DatabricksAccess("access", args, pulumi.ResourceOptions(providers=providers()))


def providers() -> dict[str, Any]:
    """The providers of both programs."""
    import pulumi_azuread as azuread
    import pulumi_databricks as databricks

    return {
        "azuread": azuread.Provider("entra", tenant_id=TENANT, use_cli=False),
        "databricks": databricks.Provider(
            "account", host="http://127.0.0.1:9", account_id=ACCOUNT, token="none", retry_timeout_seconds=1
        ),
    }


def by_hand(services: int) -> None:
    """The same resources, as somebody would write them who knows every hazard and has no components."""
    import uuid

    import pulumi
    import pulumi_azuread as azuread
    import pulumi_databricks as databricks

    from lakelatch.components.gateway import GatewayConfig

    found = providers()
    entra = pulumi.ResourceOptions(provider=found["azuread"])
    account = pulumi.ResourceOptions(provider=found["databricks"])
    first = pulumi.ResourceOptions(provider=found["databricks"], delete_before_replace=True)

    front = azuread.ApplicationRegistration(
        "access",
        display_name="Lakelatch gateway",
        sign_in_audience="AzureADMyOrg",
        requested_access_token_version=2,
        opts=entra,
    )
    front_principal = azuread.ServicePrincipal(
        "access", client_id=front.client_id, app_role_assignment_required=True, opts=entra
    )
    role = azuread.ApplicationAppRole(
        "access/Gateway.Call",
        application_id=front.id,
        role_id=str(uuid.uuid5(uuid.UUID("3f2b5f0e-6c43-5b0c-9d7a-1f5b6a0f7f52"), "access/Gateway.Call")),
        value="Gateway.Call",
        display_name="Gateway.Call",
        description="May call Databricks through the gateway; what it may do there, the model says",
        allowed_member_types=["Application"],
        opts=entra,
    )
    azuread.ApplicationIdentifierUri(
        "access",
        application_id=front.id,
        identifier_uri=pulumi.Output.concat("api://", front.client_id),
        opts=entra,
    )
    azuread.ApplicationOptionalClaims(
        "access",
        application_id=front.id,
        access_tokens=[{"name": "acrs"}, {"name": "idtyp"}, {"name": "xms_cc"}],
        opts=entra,
    )
    readers = databricks.Group("access-reader", display_name="readers", opts=account)
    databricks.MwsPermissionAssignment(
        "access-reader", principal_id=readers.id, workspace_id=WORKSPACE_ID, permissions=["USER"], opts=first
    )
    known: dict[str, Any] = {}
    for number in range(services):
        service = f"service-{number}"
        name = f"access-{service}"
        caller = calls_gateway(number)
        if caller:
            registration = azuread.ApplicationRegistration(
                name,
                display_name=service,
                sign_in_audience="AzureADMyOrg",
                requested_access_token_version=2,
                opts=entra,
            )
            application = azuread.ServicePrincipal(
                name, client_id=registration.client_id, app_role_assignment_required=True, opts=entra
            )
            subject = f"system:serviceaccount:team:{service}"
            azuread.ApplicationFederatedIdentityCredential(
                f"{name}/cluster",
                application_id=registration.id,
                display_name="cluster",
                description=f"{subject} at {CLUSTER}",
                issuer=CLUSTER,
                subject=subject,
                audiences=["api://AzureADTokenExchange"],
                opts=entra,
            )
            azuread.AppRoleAssignment(
                f"{name}/call",
                app_role_id=role.role_id,
                principal_object_id=application.object_id,
                resource_object_id=front_principal.object_id,
                opts=entra,
            )
        principal = databricks.ServicePrincipal(
            name, display_name=service, active=True, disable_as_user_deletion=False, opts=account
        )
        assignment = databricks.MwsPermissionAssignment(
            name, principal_id=principal.id, workspace_id=WORKSPACE_ID, permissions=["USER"], opts=first
        )
        databricks.GroupMember(f"{name}/reader", group_id=readers.id, member_id=principal.id, opts=account)
        assigned = pulumi.ResourceOptions(provider=found["databricks"], depends_on=[assignment])
        trusted = databricks.ServicePrincipalFederationPolicyOidcPolicyArgs(
            issuer=GATEWAY if caller else GITHUB,
            audiences=[ACCOUNT] if caller else [ACCOUNT, f"{WORKSPACE}/oidc/v1/token"],
            subject=service if caller else f"repo:acme/{service}:environment:production",
            subject_claim="sub",
        )
        databricks.ServicePrincipalFederationPolicy(
            f"{name}/lakelatch-{'gateway' if caller else 'workload'}",
            service_principal_id=principal.id.apply(int),
            policy_id="lakelatch-gateway" if caller else "lakelatch-workload",
            description=f"Lakelatch: the gateway acts as {service}"
            if caller
            else f"Lakelatch: {service} signs in by github",
            oidc_policy=trusted,
            opts=assigned,
        )
        if caller:
            known[service] = {
                "issuer": "entra",
                "subject": application.object_id,
                "application_id": principal.application_id,
                "environment": "production",
                "roles": {"reader": ["current_user.me"]},
            }
    GatewayConfig(
        "access",
        directory="gateway",
        config={
            "version": 1,
            "host": GATEWAY,
            "listen": {"address": "0.0.0.0", "port": 8443, "tls": None},
            "workspace": {"host": WORKSPACE, "id": WORKSPACE_ID, "account_id": ACCOUNT, "ca_file": None},
            "issuers": {
                "entra": {
                    "issuer": f"https://login.microsoftonline.com/{TENANT}/v2.0",
                    "audience": front.client_id,
                    "ca_file": None,
                }
            },
            "services": known,
            "issuer": {
                "url": GATEWAY,
                "key": {"type": "file", "path": "key.pem"},
                "audience": ACCOUNT,
                "token_lifetime_seconds": 600,
            },
        },
    )


PROGRAMS = dict(zip(KINDS, (with_components, by_hand), strict=True))
