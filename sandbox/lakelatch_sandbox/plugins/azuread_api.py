"""Microsoft Graph as the azuread plugin speaks to it: the cloud's metadata, client credentials, application locks."""

import asyncio
import base64
import json
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from lakelatch_sandbox.plugins.errors import PluginError, VendorError
from lakelatch_sandbox.plugins.http import Http, TokenCache

ENVIRONMENT: Final = {
    "metadataHost": "ARM_METADATA_HOSTNAME",
    "tenantId": "ARM_TENANT_ID",
    "clientId": "ARM_CLIENT_ID",
    "clientSecret": "ARM_CLIENT_SECRET",
}
"""Provider arguments that may come from the environment; an argument of the program wins."""
LATE_READS: Final = 10
"""How often a read of what was just made is tried: the official plugin polls for minutes, ten times at least."""
_HEADERS: Final = {"Accept": "application/json; charset=utf-8; IEEE754Compatible=false", "OData-Version": "4.0"}


class AzureAdApi:
    """One tenant's Graph."""

    def __init__(self, configuration: Mapping[str, str], http: Http) -> None:
        self._configuration = configuration
        self._http = http
        self._metadata: Mapping[str, Any] | None = None
        self._token = TokenCache(self._login, time.monotonic)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def _need(self, name: str) -> str:
        value = self._configuration.get(name)
        if not value:
            raise PluginError(
                f"the azuread provider has no `{name}`", hint=f"pass it to the Provider, or set {ENVIRONMENT[name]}"
            )
        return value

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
                "client_secret": self._need("clientSecret"),
                "scope": f"{await self._graph()}/.default",
            },
        )
        answer: Mapping[str, Any] = response.json()
        return answer

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
        try:
            response = await self._http.request(method, url, json=body, params=query, headers=headers)
        except VendorError as error:
            if missing and error.status == 404:
                return None
            raise
        return response.json() if response.content else {}

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
