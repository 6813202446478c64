"""The Databricks API as the databricks plugin speaks to it: host metadata, levels, sign-in by secret or federation."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lakelatch_sandbox.plugins.errors import PluginError, VendorError
from lakelatch_sandbox.plugins.http import Http, TokenCache, require_loopback
from lakelatch_sandbox.plugins.spec import State
from lakelatch_sandbox.plugins.vendor_api import VendorApi

ENVIRONMENT: Final = {
    "host": "DATABRICKS_HOST",
    "accountId": "DATABRICKS_ACCOUNT_ID",
    "clientId": "DATABRICKS_CLIENT_ID",
    "clientSecret": "DATABRICKS_CLIENT_SECRET",
    "authType": "DATABRICKS_AUTH_TYPE",
    "token": "DATABRICKS_TOKEN",
    "oidcTokenEnv": "DATABRICKS_OIDC_TOKEN_ENV",
    "databricksIdTokenFilepath": "DATABRICKS_OIDC_TOKEN_FILEPATH",
}
"""Provider arguments that may come from the environment; an argument of the program wins."""

TOKEN_VARIABLE: Final = "DATABRICKS_OIDC_TOKEN"  # noqa: S105 - the name of a variable
"""Where `env-oidc` looks when no other variable is named."""

_METHODS: Final = {
    "env-oidc": ("oidcTokenEnv",),
    "file-oidc": ("databricksIdTokenFilepath",),
    "oauth": ("clientId", "clientSecret"),
    "pat": ("token",),
}
"""Which arguments belong to which way of signing in; without `auth_type` only one of them may be given."""

_EXCHANGE: Final = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    "scope": "all-apis",
}


def auth_type(configuration: Mapping[str, str], environment: Mapping[str, str]) -> str:
    """How to sign in: as `auth_type` says, else by what is configured; raises `PluginError` when that is ambiguous."""
    if asked := configuration.get("authType"):
        return asked
    found = [method for method, names in _METHODS.items() if any(configuration.get(name) for name in names)]
    if len(found) > 1:
        raise PluginError(
            f"validate: more than one authorization method configured: {' and '.join(found)}",
            hint="set `auth_type` on the provider",
        )
    if not found and environment.get(TOKEN_VARIABLE):
        return "env-oidc"
    return "oauth-m2m" if found in ([], ["oauth"]) else found[0]


class DatabricksApi(VendorApi):
    """An account or a workspace, as its host says."""

    plugin = "databricks"
    environment = ENVIRONMENT

    def __init__(
        self, configuration: Mapping[str, str], http: Http, environment: Mapping[str, str] = os.environ
    ) -> None:
        super().__init__(configuration, http)
        self._environment = environment
        self._metadata: Mapping[str, Any] | None = None
        self._token = TokenCache(self._login, time.monotonic)
        self._workspaces: dict[str, DatabricksApi] = {}

    @property
    def host(self) -> str:
        """The host's URL without a trailing slash."""
        host = self._need("host").rstrip("/")
        return host if "://" in host else f"https://{host}"

    @property
    def account_path(self) -> str:
        """Where the account's API begins; raises `PluginError` on a provider that is no account's."""
        if not self._configuration.get("accountId"):
            raise PluginError(
                "invalid Databricks Account configuration",
                hint="this resource belongs to the account: its provider needs the account's host and `account_id`",
            )
        return f"/api/2.0/accounts/{self._configuration['accountId']}"

    async def metadata(self) -> Mapping[str, Any]:
        """What the host says about itself; nothing when it does not say."""
        if self._metadata is None:
            try:
                response = await self._http.request("GET", f"{self.host}/.well-known/databricks-config")
                self._metadata = response.json()
            except VendorError:
                self._metadata = {}
        return self._metadata or {}

    async def level(self, state: State) -> str:
        """`account` or `workspace`: as the resource's `api` says, else as the host does, in lower case."""
        if level := state.get("api"):
            return str(level)
        level = (await self.metadata()).get("host_type")
        if level == "unified":
            raise PluginError("please set api to account or workspace", hint='pass `api="account"` to the resource')
        return "account" if level == "account" else "workspace"

    async def workspace(self, state: State) -> "DatabricksApi":
        """The workspace that a workspace's resource is in: the provider's own, or that of `provider_config`."""
        wanted = (state.get("providerConfig") or {}).get("workspaceId")
        metadata = await self.metadata()
        if metadata.get("host_type") == "account":
            if not wanted:
                raise PluginError(
                    "invalid Databricks Workspace configuration",
                    hint="this resource belongs to a workspace: give it a provider with the workspace's host, "
                    "or `provider_config` with the `workspace_id`",
                )
            return await self._workspace_of_account(str(wanted))
        own = metadata.get("workspace_id")
        if wanted and own and str(wanted) != str(own):
            raise PluginError(
                f"workspace_id mismatch: provider is configured for workspace {own} but got {wanted} in provider_config"
            )
        return self

    async def _workspace_of_account(self, id: str) -> "DatabricksApi":
        if id not in self._workspaces:
            found = await self.call("GET", f"{self.account_path}/workspaces/{id}")
            configuration = {**self._configuration, "host": f"https://{found['deployment_name']}"}
            self._workspaces[id] = DatabricksApi(configuration, self._http, self._environment)
        return self._workspaces[id]

    async def _login(self) -> Mapping[str, Any]:
        """A token of the endpoint that discovery names: client credentials (RFC 6749 §4.4) or exchange (RFC 8693)."""
        base = str((await self.metadata()).get("oidc_endpoint") or f"{self.host}/oidc")
        if "{account_id}" in base:
            base = base.replace("{account_id}", self._need("accountId"))
        form, basic = self._credentials()
        discovery = (await self._http.request("GET", f"{base}/.well-known/oauth-authorization-server")).json()
        options: dict[str, Any] = {"data": form} if basic is None else {"data": form, "auth": basic}
        answer: Mapping[str, Any] = (await self._http.request("POST", discovery["token_endpoint"], **options)).json()
        return answer

    def _credentials(self) -> tuple[dict[str, str], tuple[str, str] | None]:
        """The form of the token request, and what goes into HTTP Basic."""
        kind = auth_type(self._configuration, self._environment)
        if kind == "oauth-m2m":
            form = {"grant_type": "client_credentials", "scope": "all-apis"}
            return form, (self._need("clientId"), self._need("clientSecret"))
        if kind == "env-oidc":
            variable = self._configuration.get("oidcTokenEnv") or TOKEN_VARIABLE
            token = self._environment.get(variable, "")
            source = f"the environment variable {variable}"
        else:
            path = Path(self._need("databricksIdTokenFilepath"))
            source = f"the file {path}"
            # as the official plugin: the file's last newline is sent too
            token = path.read_text(encoding="utf-8") if path.is_file() else ""
        if not token:
            raise PluginError(f"`auth_type` is {kind}, and {source} holds no token")
        client_id = self._configuration.get("clientId")
        return {**_EXCHANGE, "subject_token": token, **({"client_id": client_id} if client_id else {})}, None

    async def _bearer(self) -> str:
        kind = auth_type(self._configuration, self._environment)
        if kind == "pat":
            return self._need("token")
        if kind not in ("oauth-m2m", "env-oidc", "file-oidc"):
            raise PluginError(
                f"this stand-in does not know the auth_type `{kind}`",
                hint="use `oauth-m2m`, `env-oidc`, `file-oidc`, or `pat` with a token",
            )
        return await self._token.get()

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        *,
        scim: bool = False,
        missing: bool = False,
    ) -> Any:
        """Call the API and return its JSON; with `missing`, None for what is not there (404)."""
        require_loopback(self.host)  # before a credential goes anywhere
        headers = {"Authorization": f"Bearer {await self._bearer()}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/scim+json; charset=utf-8" if scim else "application/json"
        url = f"{self.host}{path}"
        return await self._json(method, url, missing=missing, json=body, params=query, headers=headers)
