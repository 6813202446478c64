"""What the compiler must know beside the configuration: facts of the running gateway.

They are handed in, so that compiling stays pure.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

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
    def certificate(self) -> str:
        """Secret discovery (SDS): the certificate shown to clients."""
        return str(self.folder / "certificate.json")

    def token(self, service: str, workspace: str, application_id: str) -> str:
        """Secret discovery (SDS): one service's token for one principal of one workspace.

        Another principal means another file, so that a route never meets the token of the principal before.
        """
        principal = hashlib.sha256(f"{workspace}\n{application_id}".encode()).hexdigest()[:16]
        return str(self.folder / "tokens" / f"{service}.{principal}.json")

    @property
    def admin_socket(self) -> str:
        """Unix socket of Envoy's administration interface."""
        return str(self.folder / "admin.sock")

    @property
    def endpoints_socket(self) -> str:
        """Unix socket of the gateway's own endpoints: discovery, keys, token exchange."""
        return str(self.folder / "endpoints.sock")


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
    closed: str | None = None
    """Why no request may pass now, for the caller's eyes; None while requests pass."""


def any_of(type_name: str, value: Json) -> Json:
    """Wrap a message as a `google.protobuf.Any` in JSON."""
    return {"@type": f"type.googleapis.com/{type_name}", **value}


def file_source(path: str) -> Json:
    """A configuration source that follows a file which is replaced by renaming."""
    return {"path_config_source": {"path": path}, "resource_api_version": "V3"}


def where(expression: str) -> Json:
    """An access log filter that asks a CEL expression; one that fails or is no boolean does not match."""
    typed = any_of("envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter", {"expression": expression})
    return {"extension_filter": {"name": "envoy.access_loggers.extension_filters.cel", "typed_config": typed}}
