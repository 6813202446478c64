"""Resource types that several groups look at."""

from collections.abc import Iterable
from typing import Final

from lakelatch_policies.check import Judge

ACCOUNT_POLICY: Final = "databricks:index/accountFederationPolicy:AccountFederationPolicy"
PRINCIPAL_POLICY: Final = "databricks:index/servicePrincipalFederationPolicy:ServicePrincipalFederationPolicy"
POLICIES: Final = (ACCOUNT_POLICY, PRINCIPAL_POLICY)

ENTRA_CREDENTIAL: Final = "azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential"
ENTRA_FLEXIBLE: Final = (
    "azuread:index/applicationFlexibleFederatedIdentityCredential:ApplicationFlexibleFederatedIdentityCredential"
)
AZURE_CREDENTIALS: Final = (
    "azure-native:managedidentity:FederatedIdentityCredential",
    "azure:armmsi/federatedIdentityCredential:FederatedIdentityCredential",
)
CREDENTIALS: Final = (ENTRA_CREDENTIAL, *AZURE_CREDENTIALS)

ENTRA_PASSWORDS: Final = (
    "azuread:index/applicationPassword:ApplicationPassword",
    "azuread:index/servicePrincipalPassword:ServicePrincipalPassword",
)
ENTRA_CERTIFICATES: Final = (
    "azuread:index/applicationCertificate:ApplicationCertificate",
    "azuread:index/servicePrincipalCertificate:ServicePrincipalCertificate",
)
ENTRA_APPLICATION: Final = "azuread:index/application:Application"
CONDITIONAL_ACCESS: Final = "azuread:index/conditionalAccessPolicy:ConditionalAccessPolicy"
OBO_TOKEN: Final = "databricks:index/oboToken:OboToken"  # noqa: S105 - a type, not a secret
TOKEN: Final = "databricks:index/token:Token"  # noqa: S105
PRINCIPAL_SECRET: Final = "databricks:index/servicePrincipalSecret:ServicePrincipalSecret"  # noqa: S105
WORKSPACE_CONF: Final = "databricks:index/workspaceConf:WorkspaceConf"
WORKSPACE_ASSIGNMENT: Final = "databricks:index/mwsPermissionAssignment:MwsPermissionAssignment"
GATEWAY_CONFIG: Final = "lakelatch-native:index:GatewayConfig"
AZURE_KEY: Final = "azure:keyvault/key:Key"
AZURE_NATIVE_KEY: Final = "azure-native:keyvault:Key"
AZURE_VAULT: Final = "azure:keyvault/keyVault:KeyVault"
AZURE_NATIVE_VAULT: Final = "azure-native:keyvault:Vault"
AWS_KEY: Final = "aws:kms/key:Key"
AWS_NATIVE_KEY: Final = "aws-native:kms:Key"
VAULT_KEY: Final = "vault:transit/secretBackendKey:SecretBackendKey"
OKTA_CLIENT: Final = "okta:app/oAuth:OAuth"
OKTA_RULE: Final = "okta:auth/serverPolicyRule:ServerPolicyRule"
KEYCLOAK_REALM: Final = "keycloak:index/realm:Realm"
KEYCLOAK_CLIENT: Final = "keycloak:openid/client:Client"
AUTH0_API: Final = "auth0:index/resourceServer:ResourceServer"
AUTH0_CLIENT: Final = "auth0:index/client:Client"


def each(types: Iterable[str], judge: Judge) -> dict[str, Judge]:
    """The same judge for several types."""
    return dict.fromkeys(types, judge)
