"""HTTP as the gateway speaks it to issuers and workspace: verified TLS, no redirects, bounded answers and times."""

import json
import ssl
from typing import Any, Final

import httpx

from lakelatch_gateway.errors import FetchError

TIMEOUT_SECONDS: Final = 10.0
MAX_BYTES: Final = 256 * 1024
"""A discovery document is about 2 KiB, Entra's key set about 20 KiB."""


def client(ca_file: str | None) -> httpx.AsyncClient:
    """An HTTP client that trusts the authorities in a PEM file, or those of the system.

    Raises:
        FetchError: the file cannot be read.

    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError):
        raise FetchError(f"authorities file `{ca_file}` cannot be read as PEM") from None
    # A redirect would carry a minted token, or trust, to a host that nobody named.
    return httpx.AsyncClient(verify=context, timeout=TIMEOUT_SECONDS, follow_redirects=False)


async def fetch_object(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    """Fetch a JSON object.

    Raises:
        FetchError: it cannot be had, is too large, or is no JSON object.

    """
    content = b""
    try:
        async with client.stream("GET", url, headers={"accept": "application/json"}) as response:
            if response.status_code != httpx.codes.OK:
                raise FetchError(f"`{url}` answered {response.status_code}")
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > MAX_BYTES:
                    raise FetchError(f"`{url}` is longer than {MAX_BYTES} bytes")
    except httpx.HTTPError as error:
        raise FetchError(f"`{url}` cannot be fetched ({type(error).__name__})") from None
    try:
        document = json.loads(content)
    except ValueError:
        raise FetchError(f"`{url}` is no JSON") from None
    if not isinstance(document, dict):
        raise FetchError(f"`{url}` is no JSON object")
    return document
