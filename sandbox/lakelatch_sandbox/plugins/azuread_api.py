"""Microsoft Graph as the azuread plugin speaks to it: the cloud's metadata, client credentials, application locks."""

import asyncio
import base64
import json
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

from lakelatch_sandbox.plugins.errors import PluginError, VendorError
from lakelatch_sandbox.plugins.http import Http, TokenCache
from lakelatch_sandbox.plugins.vendor_api import VendorApi

ENVIRONMENT: Final = {
    "metadataHost": "ARM_METADATA_HOSTNAME",
    "tenantId": "ARM_TENANT_ID",
    "clientId": "ARM_CLIENT_ID",
    "clientSecret": "ARM_CLIENT_SECRET",
    "oidcToken": "ARM_OIDC_TOKEN",
    "oidcTokenFilePath": "ARM_OIDC_TOKEN_FILE_PATH",
    "oidcRequestUrl": "ARM_OIDC_REQUEST_URL",
    "oidcRequestToken": "ARM_OIDC_REQUEST_TOKEN",
}
"""Provider arguments that may come from the environment; an argument of the program wins."""
_PROOFS: Final = ("clientSecret", "oidcToken", "oidcTokenFilePath", "oidcRequestUrl")
_AUDIENCE: Final = "api://AzureADTokenExchange"
_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LATE_READS: Final = 10
"""How often a read of what was just made is tried: the official plugin polls for minutes, ten times at least."""
_HEADERS: Final = {"Accept": "application/json; charset=utf-8; IEEE754Compatible=false", "OData-Version": "4.0"}


class AzureAdApi(VendorApi):
    """One tenant's Graph."""

    plugin = "azuread"
    environment = ENVIRONMENT

    def __init__(self, configuration: Mapping[str, str], http: Http) -> None:
        super().__init__(configuration, http)
        self._metadata: Mapping[str, Any] | None = None
        self._token = TokenCache(self._login, time.monotonic)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def tenant_id(self) -> str:
        """The directory that the provider is for."""
        return self._need("tenantId")

    @property
    def client_id(self) -> str:
        """The application that the provider signs in as."""
        return self._need("clientId")

    async def caller(self) -> str:
        """The object id of the service principal that signs in: `oid` of its token, as the official plugin takes it."""
        claims = (await self._token.get()).split(".")[1]
        decoded: Mapping[str, Any] = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        return str(decoded["oid"])

    async def link(self, id: str) -> str:
        """The address by which a directory object is named in links."""
        return f"{await self._graph()}/v1.0/directoryObjects/{id}"

    def lock(self, application: str) -> asyncio.Lock:
        """Held while an application's lists are read and written back; the official plugin serialises the same."""
        return self._locks[application]

    async def metadata(self) -> Mapping[str, Any]:
        """Where this cloud has its login and its Graph."""
        if self._metadata is None:
            url = f"https://{self._need('metadataHost')}/metadata/endpoints"
            response = await self._http.request("GET", url, params={"api-version": "2022-09-01"})
            self._metadata = response.json()
        return self._metadata or {}

    async def _graph(self) -> str:
        return str((await self.metadata())["microsoftGraphResourceId"]).rstrip("/")

    async def _login(self) -> Mapping[str, Any]:
        login = str((await self.metadata())["authentication"]["loginEndpoint"]).rstrip("/")
        response = await self._http.request(
            "POST",
            f"{login}/{self._need('tenantId')}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": self._need("clientId"),
                "scope": f"{await self._graph()}/.default",
                **await self._proof(),
            },
        )
        answer: Mapping[str, Any] = response.json()
        return answer

    async def _proof(self) -> dict[str, str]:
        """How the client proves itself: by its secret, else by an ID token: given, in a file, or a runner's."""
        given = self._configuration
        if given.get("clientSecret"):
            return {"client_secret": given["clientSecret"]}
        if given.get("oidcToken"):
            token = given["oidcToken"]
        elif given.get("oidcTokenFilePath"):
            token = Path(given["oidcTokenFilePath"]).read_text(encoding="utf-8").strip()
        elif given.get("oidcRequestUrl"):
            headers = {"Authorization": f"Bearer {self._need('oidcRequestToken')}"}
            url = f"{given['oidcRequestUrl']}&audience={quote(_AUDIENCE, safe='')}"
            token = str((await self._http.request("GET", url, headers=headers)).json()["value"])
        else:
            raise PluginError(
                "the azuread provider has no `clientSecret` and no ID token",
                hint="pass client_secret, or use_oidc=True with oidc_token, oidc_token_file_path or oidc_request_url; "
                f"or set one of {', '.join(ENVIRONMENT[name] for name in _PROOFS)}",
            )
        return {"client_assertion": token, "client_assertion_type": _ASSERTION_TYPE}

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        *,
        missing: bool = False,
        beta: bool = False,
    ) -> Any:
        """Call Graph v1.0, or beta, and return its JSON; with `missing`, None for what is not there (404)."""
        url = f"{await self._graph()}/{'beta' if beta else 'v1.0'}{path}"
        headers = {**_HEADERS, "Authorization": f"Bearer {await self._token.get()}"}
        return await self._json(method, url, missing=missing, json=body, params=query, headers=headers)

    async def patiently(self, method: str, path: str, body: Any = None, *, beta: bool = False) -> Any:
        """Call about an object just made, which readers may not see yet (404): again, a few times.

        The official plugin waits seconds between its tries; here nothing waits, because the doubles delay by reads.
        """
        for attempt in range(LATE_READS):
            try:
                return await self.call(method, path, body, beta=beta)
            except VendorError as error:
                if error.status != 404 or attempt == LATE_READS - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def listed(self, path: str, query: Mapping[str, str] | None = None, *, beta: bool = False) -> list[Any]:
        """Every object of a listing, from all its pages; none when what it belongs to is not there."""
        found: list[Any] = []
        page = await self.call("GET", path, query=query, missing=True, beta=beta)
        while page is not None:
            found += page["value"]
            following = page.get("@odata.nextLink")
            if following is None:
                break
            query = dict(parse_qsl(urlsplit(following).query))
            page = await self.call("GET", path, query=query, missing=True, beta=beta)
        return found
