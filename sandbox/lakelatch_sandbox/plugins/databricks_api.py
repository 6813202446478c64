"""The Databricks API as the databricks plugin speaks to it: host metadata, OAuth discovery, client credentials."""

import time
from collections.abc import Mapping
from typing import Any, Final

from lakelatch_sandbox.plugins.errors import PluginError, VendorError
from lakelatch_sandbox.plugins.http import Http, TokenCache, require_loopback

ENVIRONMENT: Final = {
    "host": "DATABRICKS_HOST",
    "accountId": "DATABRICKS_ACCOUNT_ID",
    "clientId": "DATABRICKS_CLIENT_ID",
    "clientSecret": "DATABRICKS_CLIENT_SECRET",
    "authType": "DATABRICKS_AUTH_TYPE",
    "token": "DATABRICKS_TOKEN",
}
"""Provider arguments that may come from the environment; an argument of the program wins."""


class DatabricksApi:
    """An account or a workspace, as its host says."""

    def __init__(self, configuration: Mapping[str, str], http: Http) -> None:
        self._configuration = configuration
        self._http = http
        self._metadata: Mapping[str, Any] | None = None
        self._token = TokenCache(self._login, time.monotonic)

    def _need(self, name: str) -> str:
        value = self._configuration.get(name)
        if not value:
            raise PluginError(
                f"the databricks provider has no `{name}`", hint=f"pass it to the Provider, or set {ENVIRONMENT[name]}"
            )
        return value

    @property
    def _host(self) -> str:
        host = self._need("host").rstrip("/")
        return host if "://" in host else f"https://{host}"

    @property
    def account_path(self) -> str:
        """Where the account's API begins."""
        return f"/api/2.0/accounts/{self._need('accountId')}"

    async def metadata(self) -> Mapping[str, Any]:
        """What the host says about itself; nothing when it does not say."""
        if self._metadata is None:
            try:
                response = await self._http.request("GET", f"{self._host}/.well-known/databricks-config")
                self._metadata = response.json()
            except VendorError:
                self._metadata = {}
        return self._metadata or {}

    async def _login(self) -> Mapping[str, Any]:
        """Client credentials (RFC 6749 §4.4) at the endpoint that discovery names."""
        base = str((await self.metadata()).get("oidc_endpoint") or f"{self._host}/oidc")
        if "{account_id}" in base:
            base = base.replace("{account_id}", self._need("accountId"))
        discovery = (await self._http.request("GET", f"{base}/.well-known/oauth-authorization-server")).json()
        response = await self._http.request(
            "POST",
            discovery["token_endpoint"],
            data={"grant_type": "client_credentials", "scope": "all-apis"},
            auth=(self._need("clientId"), self._need("clientSecret")),
        )
        answer: Mapping[str, Any] = response.json()
        return answer

    async def _bearer(self) -> str:
        kind = self._configuration.get("authType") or ("pat" if self._configuration.get("token") else "oauth-m2m")
        if kind == "pat":
            return self._need("token")
        if kind != "oauth-m2m":
            raise PluginError(
                f"this stand-in does not know the auth_type `{kind}`", hint="use `oauth-m2m`, or `pat` with a token"
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
        require_loopback(self._host)  # before a credential goes anywhere
        headers = {"Authorization": f"Bearer {await self._bearer()}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/scim+json; charset=utf-8" if scim else "application/json"
        try:
            url = f"{self._host}{path}"
            response = await self._http.request(method, url, json=body, params=query, headers=headers)
        except VendorError as error:
            if missing and error.status == 404:
                return None
            raise
        return response.json() if response.content else {}
