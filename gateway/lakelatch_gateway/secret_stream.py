"""What one Envoy wants of the secrets, has been sent and holds: the delta protocol of one stream. Pure.

Envoy keeps routes back that refer to a secret until it has that secret. Two answers would let such routes into force
without it: that the secret does not exist, and a secret that Envoy refuses. So neither is ever sent.
"""

from collections.abc import Mapping
from typing import Any, Final

from lakelatch.envoy.credentials import SECRET_TYPE
from lakelatch_gateway.discovery import DeltaDiscoveryResponse, Resource, Secret

TYPE_URL: Final = f"type.googleapis.com/{SECRET_TYPE}"
BATCH: Final = 500
"""Secrets in one message: half a megabyte of tokens, packed in a few milliseconds, in which nothing else runs."""


class SecretStream:
    """The state of one stream; `secrets` is what there is to be had, by name, and may change at any time."""

    def __init__(self, secrets: Mapping[str, Any]) -> None:
        self._secrets = secrets
        self._wanted: set[str] = set()
        self._due: dict[str, None] = {}
        self._flights: dict[str, dict[str, str]] = {}
        self._held: dict[str, str] = {}
        self._sent = 0

    def receive(self, request: Any) -> list[str]:
        """Take a request, which may subscribe, answer a response, or both; returns the names that Envoy refused."""
        if request.type_url != TYPE_URL:
            return []
        for name in request.resource_names_unsubscribe:
            self._wanted.discard(name)
            self._held.pop(name, None)
        # Names that are subscribed to again are sent again, since Envoy may have dropped them; but not those that it
        # says to hold as it comes back on a new stream.
        known = {version.key: version.value for version in request.initial_resource_versions}
        self._wanted.update(request.resource_names_subscribe)
        for name in request.resource_names_subscribe:
            secret = self._secrets.get(name)
            if secret is not None and known.get(name) == secret.version:
                self._held[name] = secret.version
            else:
                self.offer(name)
        flight = self._flights.pop(request.response_nonce, {})
        if request.HasField("error_detail"):
            return sorted(flight)
        self._held.update((name, version) for name, version in flight.items() if name in self._wanted)
        return []

    def offer(self, name: str) -> None:
        """A secret is new or has changed: it is due if Envoy wants it."""
        if name in self._wanted and name in self._secrets:
            self._due[name] = None

    def response(self) -> Any | None:
        """The next message to send, or None when nothing is due."""
        resources: list[Any] = []
        while self._due and len(resources) < BATCH:
            name = next(iter(self._due))
            del self._due[name]
            if name in self._wanted and name in self._secrets:
                resources.append(self._secrets[name])
        if not resources:
            return None
        self._sent += 1
        self._flights[str(self._sent)] = {resource.name: resource.version for resource in resources}
        return DeltaDiscoveryResponse(type_url=TYPE_URL, nonce=str(self._sent), resources=resources)

    def holds(self, name: str) -> bool:
        """Whether Envoy has said that it holds this secret as it is now."""
        return name in self._secrets and self._held.get(name) == self._secrets[name].version


def secret_resource(name: str, token: str, version: str) -> Any:
    """A token as the resource that Envoy takes for `%SECRET(…)%`."""
    secret = Secret(name=name)
    secret.generic_secret.secret.inline_string = token
    resource = Resource(name=name, version=version)
    resource.resource.type_url = TYPE_URL
    resource.resource.value = secret.SerializeToString()
    return resource
