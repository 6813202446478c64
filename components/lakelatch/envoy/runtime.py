"""What the compiler must know beside the configuration: facts of the running gateway.

They are handed in, so that compiling stays pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from lakelatch.access.switches import Maintenance

Json = dict[str, Any]
"""A JSON object, here always a piece of Envoy's configuration (protobuf JSON of its v3 API)."""


@dataclass(frozen=True)
class Unavailable:
    """Why the gateway has no Databricks token for a service just now."""

    reason: str
    """For the caller's eyes: says what is wrong and whom to ask; holds no token."""
    transient: bool
    """True: trying again later may help (503 and Retry-After). False: Databricks refused for good (403)."""


@dataclass(frozen=True)
class Files:
    """Where the running gateway keeps what Envoy reads; the folder is private to its user."""

    folder: PurePosixPath

    @property
    def listeners(self) -> str:
        """Listener discovery (LDS)."""
        return str(self.folder / "listeners.json")

    @property
    def clusters(self) -> str:
        """Cluster discovery (CDS)."""
        return str(self.folder / "clusters.json")

    @property
    def routes(self) -> str:
        """Route discovery (RDS): who may do what."""
        return str(self.folder / "routes.json")

    @property
    def authentication(self) -> str:
        """Extension configuration discovery (ECDS): whose tokens are taken, with their keys."""
        return str(self.folder / "authentication.json")

    @property
    def gate(self) -> str:
        """Extension configuration discovery (ECDS): what operators closed or revoked."""
        return str(self.folder / "gate.json")

    @property
    def certificate(self) -> str:
        """Secret discovery (SDS): the certificate shown to clients."""
        return str(self.folder / "certificate.json")

    @property
    def admin_socket(self) -> str:
        """Unix socket of Envoy's administration interface."""
        return str(self.folder / "admin.sock")

    @property
    def endpoints_socket(self) -> str:
        """Unix socket of the gateway's own endpoints: discovery, keys, token exchange."""
        return str(self.folder / "endpoints.sock")

    @property
    def secrets_socket(self) -> str:
        """Unix socket on which the gateway serves Databricks tokens to Envoy."""
        return str(self.folder / "secrets.sock")

    @property
    def people_socket(self) -> str:
        """Unix socket on which the gateway exchanges people's tokens for Envoy."""
        return str(self.folder / "people.sock")


@dataclass(frozen=True)
class Runtime:
    """Facts of the running gateway at one moment."""

    files: Files
    system_ca_file: str
    """PEM file of the authorities that are trusted where the configuration names none."""
    keys: Mapping[str, Sequence[Json]] = field(default_factory=dict)
    """Issuer name to its public keys (JWK), sanitised: each with `kid`, each pinned to one `alg`."""
    unavailable: Mapping[str, Unavailable] = field(default_factory=dict)
    """Services that have no Databricks token now."""
    audit_file: str | None = None
    """Where audit lines go; None means standard output."""
    unaudited: bool = False
    """Audit lines cannot be written, so nothing may pass."""
    closed: Sequence[Maintenance] = ()
    """What is under maintenance now."""
    revoked_keys: frozenset[str] = frozenset()
    """`kid` of keys that verify nothing any more, whatever their issuers publish."""
    revoked_subjects: frozenset[str] = frozenset()
    revoked_token_ids: frozenset[str] = frozenset()
    counted: bool = False
    """Whether Envoy counts decisions and answers, for whoever asks for metrics. Never changes."""


def any_of(type_name: str, value: Json) -> Json:
    """Wrap a message as a `google.protobuf.Any` in JSON."""
    return {"@type": f"type.googleapis.com/{type_name}", **value}


def left_out(*filters: str) -> Json:
    """The per-route configuration of a route whose requests do not meet these filters."""
    return {name: any_of("envoy.config.route.v3.FilterConfig", {"disabled": True}) for name in filters}


def file_source(path: str) -> Json:
    """A configuration source that follows a file which is replaced by renaming."""
    return {"path_config_source": {"path": path}, "resource_api_version": "V3"}


def stream_source() -> Json:
    """A configuration source that is the one stream between Envoy and the gateway (ADS), waited for without limit.

    After a limit, Envoy would bring into force what refers to a secret that has not come, and send an empty one.
    """
    return {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}


def where(expression: str) -> Json:
    """An access log filter that asks a CEL expression; one that fails or is no boolean does not match."""
    typed = any_of("envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter", {"expression": expression})
    return {"extension_filter": {"name": "envoy.access_loggers.extension_filters.cel", "typed_config": typed}}
