"""What the gateway has to fetch to do its work: Databricks tokens, issuers' keys, the workspace's metadata."""

import asyncio
import contextlib
import random
import ssl
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import certifi
import httpx

from lakelatch.access.switches import Switches
from lakelatch.envoy.compiler import Compiled, compile_gateway
from lakelatch.envoy.config import GatewayConfig, TrustedIssuer
from lakelatch.envoy.credentials import secret_name
from lakelatch.envoy.runtime import Files, Runtime
from lakelatch_gateway import web
from lakelatch_gateway.broker import Broker, Principal
from lakelatch_gateway.endpoints import Served
from lakelatch_gateway.errors import ExchangeFailed, FetchError
from lakelatch_gateway.exchange import exchange
from lakelatch_gateway.issuer import Issuer
from lakelatch_gateway.jwks import Jwk, fetch_keys
from lakelatch_gateway.keeper import KeyKeeper
from lakelatch_gateway.log import Log
from lakelatch_gateway.metrics import Recorder, Snapshot
from lakelatch_gateway.people import PeopleBroker
from lakelatch_gateway.people_server import Reading, readings
from lakelatch_gateway.schedule import AWAITED, Lease
from lakelatch_gateway.secret_server import SecretServer

SETTLE_SECONDS: Final = 10.0
"""How long a start or a change waits for tokens and keys; then it goes on, and services without a token get 503."""
METADATA_SECONDS: Final = 300.0
EXCHANGES_AT_ONCE: Final = 50
"""With thousands of services, more would wait for connections (httpx opens 100) until they time out."""


def principals(config: GatewayConfig) -> dict[str, Principal]:
    """Service name to whose token it needs."""
    host = config.workspace.host
    return {name: (name, host, service.application_id) for name, service in config.services.items()}


def system_authorities(environment: Mapping[str, str]) -> str:
    """PEM file of the system's authorities, as OpenSSL finds it; else certifi's."""
    found = environment.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    return found if found and Path(found).is_file() else certifi.where()


class Sources:
    """Fetches for one configuration at a time and keeps everything fresh; `changed` is called when something is new."""

    def __init__(
        self,
        config: GatewayConfig,
        issuer: Issuer,
        *,
        paths: Files,
        secrets: SecretServer,
        environment: Mapping[str, str],
        changed: Callable[[], None],
        log: Log,
        key_refresh_seconds: float,
    ) -> None:
        self.config, self.issuer = config, issuer
        self._paths, self._secrets, self._environment, self._log = paths, secrets, environment, log
        self.recorder = Recorder()
        self._compiled: tuple[GatewayConfig, Runtime, Compiled] | None = None
        self._clients: dict[str | None, httpx.AsyncClient] = {}
        self._metadata: dict[str, Any] = {}
        self._exchanges = asyncio.Semaphore(EXCHANGES_AT_ONCE)
        self._broker = Broker(
            fetch=self._fetch_token,
            store=self._store_token,
            changed=changed,
            clock=time.time,
            sleep=asyncio.sleep,
            chance=random.random,
            log=log,
        )
        self.people = PeopleBroker(fetch=self._fetch_persons, clock=time.time, chance=random.random, log=log)
        self._readings = readings(config)
        self._keys = KeyKeeper(
            fetch=self._fetch_keys,
            changed=changed,
            sleep=asyncio.sleep,
            chance=random.random,
            log=log,
            refresh_seconds=key_refresh_seconds,
        )

    def compile(
        self,
        config: GatewayConfig,
        audit_file: str | None,
        switches: Switches,
        *,
        unaudited: bool,
        counted: bool = False,
        hopeful: bool = False,
    ) -> Compiled:
        """Compile a configuration with what is known and switched now; `unaudited`: nothing may pass.

        `hopeful`: as it will be when every token that was never asked for has come. It may be validated, not delivered.
        """
        wanted = principals(config)
        # A token that is not kept yet is not served yet, and Envoy waits for what it cannot get.
        awaited = set() if hopeful else set(wanted.values()) - self._broker.kept
        missing = dict.fromkeys(awaited, AWAITED) | self._broker.unavailable()
        runtime = Runtime(
            files=self._paths,
            system_ca_file=system_authorities(self._environment),
            keys=self._keys.keys(config.issuers),
            unavailable={name: missing[key] for name, key in wanted.items() if key in missing},
            audit_file=audit_file,
            unaudited=unaudited,
            closed=switches.closed(datetime.now(UTC)),
            revoked_keys=switches.revoked("key"),
            revoked_subjects=switches.revoked("subject"),
            revoked_token_ids=switches.revoked("jti"),
            counted=counted,
        )
        if self._compiled is None or self._compiled[:2] != (config, runtime):
            # Kept: a delivery compiles what was validated a moment ago, and mostly nothing came between.
            self._compiled = config, runtime, compile_gateway(config, runtime)
        return self._compiled[2]

    def served(self) -> Served:
        """What the endpoints speak of now."""
        return Served(self.config, self.issuer, self._keys.keys(self.config.issuers), self._metadata)

    def readings(self) -> Mapping[str, Reading]:
        """What people's tokens are read by now."""
        return self._readings

    def snapshot(self) -> Snapshot:
        """How things stand now, for the metrics."""
        expires, wanted = self._broker.expires(), principals(self.config)
        had = {name: expires[principal] for name, principal in wanted.items() if principal in expires}
        keys = {name: len(found) for name, found in self._keys.keys(self.config.issuers).items()}
        return Snapshot(had, len(wanted) - len(had), keys)

    async def learn(self) -> None:
        """Fetch what serving needs, keys and metadata, and wait until both were tried once; no tokens yet."""
        self._keys.keep(set(self.config.issuers.values()))
        await settled(self._keys.settled(), self._fetch_metadata())

    async def use(self, config: GatewayConfig, issuer: Issuer) -> None:
        """Fetch for this configuration from now on, and wait until everything was tried once.

        What only the one before needs is kept, until `forget` says that it is not needed.
        """
        self._readings |= readings(config)
        moved = config.workspace != self.config.workspace
        self.config, self.issuer = config, issuer
        self._broker.keep(set(principals(config).values()))
        self._keys.keep(set(config.issuers.values()))
        # A policy must not wait for a workspace that answers slowly, so its metadata is asked for only where it is new.
        await settled(self._broker.settled(), self._keys.settled(), *([self._fetch_metadata()] if moved else []))

    def forget(self) -> None:
        """Drop what the configuration in use does not need."""
        gone = self._broker.kept - set(principals(self.config).values())
        self._broker.drop(gone)
        for principal in gone:
            self._secrets.drop(secret_name(*principal))
        self._readings = readings(self.config)
        self._keys.drop(self._keys.kept - set(self.config.issuers.values()))

    async def refresh_metadata(self) -> None:
        """Fetch the workspace's metadata again and again; runs until cancelled."""
        while True:
            await asyncio.sleep(METADATA_SECONDS)
            await self._fetch_metadata()

    async def close(self) -> None:
        """Stop everything."""
        await self._broker.close()
        await self.people.close()
        await self._keys.close()
        for client in self._clients.values():
            await client.aclose()

    def _client(self, ca_file: str | None) -> httpx.AsyncClient:
        if ca_file not in self._clients:
            self._clients[ca_file] = web.client(ca_file)
        return self._clients[ca_file]

    async def _fetch_token(self, principal: Principal) -> Lease:
        service, workspace, application_id = principal

        def minted(now: float) -> str:
            return self.issuer.mint(service, now=now, token_id=str(uuid.uuid4()))

        return await self._exchange(workspace, minted, application_id)

    async def _fetch_persons(self, workspace: str, shown: str) -> Lease:
        return await self._exchange(workspace, lambda _: shown, None)

    async def _exchange(
        self, workspace: str, subject_token: Callable[[float], str], application_id: str | None
    ) -> Lease:
        try:
            client = self._client(self.config.workspace.ca_file)
        except FetchError as error:
            raise ExchangeFailed(str(error), transient=True) from None
        async with self._exchanges:
            now, began = time.time(), time.monotonic()
            shown = subject_token(now)
            try:
                lease = await exchange(client, workspace, minted=shown, application_id=application_id, now=now)
            except ExchangeFailed as error:
                self.recorder.exchanged("transient" if error.transient else "refused", time.monotonic() - began)
                raise
            self.recorder.exchanged("done", time.monotonic() - began)
            return lease

    def _store_token(self, principal: Principal, token: str) -> None:
        self._secrets.set(secret_name(*principal), token)

    async def _fetch_keys(self, issuer: TrustedIssuer) -> tuple[list[Jwk], list[str]]:
        [name, *_] = [*(name for name, one in self.config.issuers.items() if one == issuer), "-"]
        try:
            found = await fetch_keys(self._client(issuer.ca_file), issuer)
        except FetchError:
            self.recorder.fetched_keys(name, "failed")
            raise
        self.recorder.fetched_keys(name, "done")
        return found

    async def _fetch_metadata(self) -> None:
        workspace = self.config.workspace
        try:
            url = f"{workspace.host}/.well-known/databricks-config"
            self._metadata = await web.fetch_object(self._client(workspace.ca_file), url)
        except FetchError as error:
            self._log.warning("workspace metadata not fetched", reason=str(error))


async def settled(*attempts: Awaitable[None], seconds: float = SETTLE_SECONDS) -> None:
    """Wait for first attempts, but not for ever.

    With `timeout`, here and elsewhere: before Python 3.12, `wait_for` loses a cancellation that comes as it ends.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.gather(*attempts)
