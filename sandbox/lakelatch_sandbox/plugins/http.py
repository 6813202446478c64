"""HTTP to a vendor's API on this machine, and only there: bounded retries, no proxy, no redirect."""

import asyncio
import ipaddress
import os
import ssl
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from lakelatch_sandbox.plugins.errors import PluginError, VendorError

RETRIED: Final = frozenset({429, 503})
"""What the official plugins try again: real-world throttling and short outages."""
ATTEMPTS: Final = 6
"""The official databricks plugin has no limit and so hangs for ever on a host that stays down; here it ends."""
LONGEST_WAIT_SECONDS: Final = 4.0
TIMEOUT_SECONDS: Final = 30.0

Sleep = Callable[[float], Awaitable[None]]


def require_loopback(url: str) -> None:
    """Raise PluginError unless the address is on this machine: stand-ins never serve a real account."""
    host = urlsplit(url).hostname or ""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise PluginError(
            f"this is a stand-in plugin for local development; it refuses `{host}`, which is not on this machine",
            hint="for a real account use the official plugin, without the PULUMI_HOME of the local stack",
        )


class Http:
    """One pool of connections for a plugin's life; trusts what SSL_CERT_FILE holds, else the system's roots."""

    def __init__(self, *, sleep: Sleep = asyncio.sleep, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._sleep = sleep
        self._transport = transport

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        context = ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE") or None)
        return httpx.AsyncClient(
            verify=context, trust_env=False, timeout=TIMEOUT_SECONDS, transport=self._transport, follow_redirects=False
        )

    async def close(self) -> None:
        """Close the connections; a plugin's end does it too."""
        await self._client.aclose()

    async def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Send a request and return a 2xx answer.

        Raises:
            VendorError: for any other answer, after 429 and 503 were tried again a few times.
            PluginError: when the host is not loopback, or does not answer.

        """
        require_loopback(url)
        for attempt in range(ATTEMPTS):
            try:
                response = await self._client.request(method, url, **options)
            except httpx.TransportError as error:
                raise PluginError(
                    f"{method} {url} got no answer: {error}", hint="is the sandbox up? `lakelatch status` shows it"
                ) from None
            if response.status_code not in RETRIED or attempt == ATTEMPTS - 1:
                break
            await self._sleep(_wait(response.headers, attempt))
        if not response.is_success:
            raise VendorError(f"{method} {url}", response.status_code, *_words(response))
        return response


def _wait(headers: Mapping[str, str], attempt: int) -> float:
    asked = headers.get("retry-after", "")
    seconds = float(asked) if asked.isdecimal() else 0.25 * 2**attempt
    return min(seconds, LONGEST_WAIT_SECONDS)


def _words(response: httpx.Response) -> tuple[str, str]:
    """Code and message of a refusal, as Databricks, Graph, OAuth (RFC 6749 §5.2) or SCIM (RFC 7644 §3.12) do."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, Mapping):
        return "", response.text or response.reason_phrase
    error = body.get("error")
    if isinstance(error, Mapping):
        return str(error.get("code", "")), str(error.get("message", ""))
    code = body.get("error_code") or error or body.get("scimType") or ""
    return str(code), str(body.get("message") or body.get("error_description") or body.get("detail") or "")


class TokenCache:
    """An access token, fetched by whoever needs it first and again shortly before it expires."""

    _MARGIN_SECONDS: Final = 30.0

    def __init__(self, fetch: Callable[[], Awaitable[Mapping[str, Any]]], now: Callable[[], float]) -> None:
        self._fetch = fetch
        self._now = now
        self._lock = asyncio.Lock()
        self._token = ""
        self._until = float("-inf")

    async def get(self) -> str:
        """The token; `fetch` answers as RFC 6749 §5.1 says."""
        async with self._lock:
            if self._now() >= self._until:
                answer = await self._fetch()
                self._token = str(answer["access_token"])
                self._until = self._now() + float(answer.get("expires_in", 0)) - self._MARGIN_SECONDS
            return self._token
