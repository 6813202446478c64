"""The published azuread SDK on the real engine over the stand-in: every further type with values that are unknown at
preview, an empty second up, drift that refresh shows, and secrets that never stand in state in the clear."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.engine import EngineProject
from support.tenant import Tenant

pytestmark = pytest.mark.line

PROGRAM = """
import pulumi
import pulumi_azuread as azuread

domain = pulumi.Config().require("domain")
me = azuread.get_client_config()
graph = azuread.get_service_principal(client_id="00000003-0000-0000-c000-000000000000")
person = azuread.User(
    "ann", user_principal_name=f"ann@{domain}", display_name="Ann", password=pulumi.Output.secret("a word of Ann 1")
)
team = azuread.Group("team", display_name="team", security_enabled=True, owners=[me.object_id])
azuread.GroupMember("ann", group_object_id=team.object_id, member_object_id=person.object_id)
api = azuread.Application(
    "api", display_name="api", group_membership_claims=["ApplicationGroup"],
    api={
        "requested_access_token_version": 2,
        "oauth2_permission_scopes": [{
            "id": "7a3c6d4e-5a8e-4c57-9a34-6a5c1f0f9a11", "value": "ask", "admin_consent_display_name": "Ask",
            "admin_consent_description": "Asks",
        }],
    },
    app_roles=[{
        "id": "7a3c6d4e-5a8e-4c57-9a34-6a5c1f0f9a12", "value": "Call", "display_name": "Call", "description": "Calls",
        "allowed_member_types": ["Application", "User"],
    }],
    optional_claims={"access_tokens": [{"name": "acrs"}, {"name": "idtyp"}]},
    required_resource_accesses=[{
        "resource_app_id": graph.client_id,
        "resource_accesses": [{"id": graph.app_role_ids["User.Read.All"], "type": "Role"}],
    }],
    web={"redirect_uris": ["https://api.example.com/callback"]}, feature_tags=[{"enterprise": True}],
    password={"display_name": "inline"},
)
principal = azuread.ServicePrincipal("api", client_id=api.client_id, owners=[me.object_id])
azuread.AppRoleAssignment(
    "team", app_role_id=api.app_role_ids["Call"], principal_object_id=team.object_id,
    resource_object_id=principal.object_id,
)
client = azuread.ApplicationRegistration("client", display_name="client")
caller = azuread.ServicePrincipal("client", client_id=client.client_id)
azuread.ServicePrincipalDelegatedPermissionGrant(
    "client", claim_values=["ask"], resource_service_principal_object_id=principal.object_id,
    service_principal_object_id=caller.object_id,
)
azuread.ApplicationApiAccess(
    "client", application_id=client.id, api_client_id=api.client_id, scope_ids=[api.oauth2_permission_scope_ids["ask"]]
)
azuread.ApplicationRedirectUris(
    "client", application_id=client.id, type="SPA", redirect_uris=["https://client.example.com/"]
)
azuread.ApplicationFlexibleFederatedIdentityCredential(
    "etl", application_id=client.id, display_name="etl", issuer="https://token.actions.githubusercontent.com",
    audience="api://AzureADTokenExchange", claims_matching_expression="claims['sub'] matches 'repo:acme/etl:*'",
)
secret = azuread.ServicePrincipalPassword("client", service_principal_id=caller.id, end_date="2040-01-01T00:00:00Z")
strength = azuread.AuthenticationStrengthPolicy("keys", display_name="keys", allowed_combinations=["fido2"])
azuread.AuthenticationStrengthPolicyFido2CombinationConfiguration(
    "keys", authentication_strength_policy_id=strength.object_id,
    allowed_aaguids=["2fc0579f-8113-47ea-b116-bb5a8db9202a"],
)
office = azuread.NamedLocation("office", display_name="office", ip={"ip_ranges": ["10.0.0.0/8"], "trusted": True})
azuread.ConditionalAccessPolicy(
    "api", display_name="keys for the api", state="enabledForReportingButNotEnforced",
    conditions={
        "applications": {"included_applications": [api.client_id]}, "client_app_types": ["all"],
        "users": {"included_groups": [team.object_id]},
        "locations": {"included_locations": ["All"], "excluded_locations": [office.object_id]},
    },
    grant_controls={"operator": "OR", "authentication_strength_policy_id": strength.id},
    session_controls={"sign_in_frequency": 8, "sign_in_frequency_period": "hours"},
)
pulumi.export("secret", secret.value)
pulumi.export("inline", api.password)
pulumi.export("team", team.object_id)
"""


def objects(sandbox: Any) -> Any:
    return sandbox.http.get(f"{sandbox.endpoints.control_url}/objects").json()["objects"]


def test_the_life_of_a_stack(tmp_path: Path, sandbox: Any) -> None:
    before, tenant = objects(sandbox), Tenant(sandbox)
    environment = {
        "SSL_CERT_FILE": sandbox.endpoints.ca_bundle_file,
        "ARM_METADATA_HOSTNAME": sandbox.endpoints.metadata_host,
        "ARM_TENANT_ID": sandbox.endpoints.tenant_id,
        "ARM_CLIENT_ID": sandbox.endpoints.entra_admin_client_id,
        "ARM_CLIENT_SECRET": sandbox.endpoints.entra_admin_client_secret,
    }
    stack = EngineProject(tmp_path, "people", PROGRAM, environment=environment)
    stack.configure(domain=tenant.domain)
    stack.run("preview")
    assert objects(sandbox) == before

    stack.run("up", "--yes", "--skip-preview")
    made = objects(sandbox)
    outputs = json.loads(stack.run("stack", "output", "--json", "--show-secrets"))
    state = stack.run("stack", "export")
    for word in (outputs["secret"], outputs["inline"]["value"], "a word of Ann 1"):
        assert word not in state
    stack.run("up", "--yes", "--skip-preview", "--expect-no-changes")

    tenant.ok("PATCH", f"/groups/{outputs['team']}", {"displayName": "renamed behind its back"})
    assert "~ 1" in stack.run("refresh", "--yes", "--skip-preview")
    assert "displayName" in stack.run("preview", "--diff")
    stack.run("up", "--yes", "--skip-preview")
    assert objects(sandbox) == made

    stack.run("destroy", "--yes", "--skip-preview")
    assert objects(sandbox) == before
