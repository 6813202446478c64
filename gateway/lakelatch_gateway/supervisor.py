"""The running gateway: one loop that brings configuration, keys and tokens together and keeps Envoy in step with them.

Everything that can change only rings a bell; the loop then compiles what is true now, has Envoy validate it, and
delivers the files that differ. So there is one place where anything comes into force, and what is bad never does.
"""

import asyncio
import contextlib
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

import uvicorn

from lakelatch.access.switches import Switches
from lakelatch.envoy.compiler import Compiled
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.routes import ROUTE_CONFIGURATION
from lakelatch.envoy.runtime import Files
from lakelatch.errors import LakelatchError
from lakelatch_gateway import delivery, files, people_server, switchboard
from lakelatch_gateway.audit.events import Event
from lakelatch_gateway.audit.trail import Trail
from lakelatch_gateway.endpoints import application
from lakelatch_gateway.envoy_keeper import EnvoyKeeper
from lakelatch_gateway.envoy_process import find_envoy, validate
from lakelatch_gateway.errors import GatewayError
from lakelatch_gateway.folder import ConfigFolder, Fingerprint
from lakelatch_gateway.gate import Gate
from lakelatch_gateway.health import problems
from lakelatch_gateway.issuer import Issuer, open_issuer
from lakelatch_gateway.keeper import REFRESH_SECONDS
from lakelatch_gateway.log import Log
from lakelatch_gateway.metrics import ENVOY_FILTER, exposition
from lakelatch_gateway.metrics_server import metrics_served
from lakelatch_gateway.secret_server import SecretServer
from lakelatch_gateway.server import KEPT_SECONDS, Server
from lakelatch_gateway.sources import Sources
from lakelatch_gateway.switchboard import Switchboard
from lakelatch_gateway.tasks import cancel

POLL_SECONDS: Final = 0.1
"""How often the config folder is looked at. A look is few system calls; folders on network shares tell of no change."""


@dataclass(frozen=True)
class Options:
    """How the gateway is run."""

    folder: ConfigFolder
    run: Path
    """Private folder for sockets and what Envoy reads; empty at the start, gone at the end."""
    audit_file: str | None
    """Where audit lines go; None means standard output."""
    switchboard: Switchboard | None
    """What operators switch; None where there is no state folder to switch anything in."""
    environment: Mapping[str, str]
    workers: int
    """Envoy's worker threads."""
    clock: Callable[[], float]
    """Seconds since the epoch."""
    deny_unaudited: bool = True
    """Whether requests are refused while audit lines cannot be written."""
    metrics: tuple[str, int] | None = None
    """Address and port for metrics; None: none are told, and Envoy counts no decisions."""
    key_refresh_seconds: float = REFRESH_SECONDS
    """How long a key that an issuer published may be unknown."""


class Supervisor:
    """Runs the gateway until it is told to stop."""

    def __init__(self, options: Options, log: Log, trail: Trail | None = None) -> None:
        self._options, self._log, self._trail = options, log, trail
        self._program = find_envoy(options.environment)
        self._bell = asyncio.Event()
        self._stopping = asyncio.Event()
        self._delivered = False
        self._switches, self._switches_at = Switches(), self._now()
        self._in_force = False
        self._switches_read = True
        self._switched: switchboard.Fingerprint = (None, ())
        self._switch_bell = asyncio.Event()
        self._defeat: GatewayError | None = None

    def stop(self) -> None:
        """Ask it to come to an end; a signal handler of the event loop may call this."""
        self._stopping.set()
        self._bell.set()

    async def run(self, ready: Callable[[GatewayConfig], None]) -> None:
        """Serve until stopped; `ready` is called once, when requests are served.

        Raises:
            LakelatchError: it cannot start; or the gate has to close and cannot. Nothing else but `stop` ends it.

        """
        serving = asyncio.create_task(self._serve(ready))
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                serving.result()
            if self._defeat is not None:
                raise self._defeat
        finally:
            await cancel(stopping)
            await cancel(serving)

    async def _serve(self, ready: Callable[[GatewayConfig], None]) -> None:
        options = self._options
        fingerprint = options.folder.fingerprint()
        config = options.folder.read()
        issuer = open_issuer(config.issuer)
        async with contextlib.AsyncExitStack() as stack:
            _prepare(options.run)
            stack.callback(shutil.rmtree, options.run, ignore_errors=True)
            paths = Files(PurePosixPath(options.run))
            gate = Gate(paths, changed=self._bell.set, defeated=self._defeated, deny=options.deny_unaudited)
            if self._trail is not None:
                await stack.enter_async_context(self._trail.kept())
            secrets = SecretServer(paths.secrets_socket, self._log)
            stack.push_async_callback(secrets.close)
            await secrets.start()
            sources = Sources(
                config,
                issuer,
                paths=paths,
                secrets=secrets,
                environment=options.environment,
                changed=self._bell.set,
                log=self._log,
                key_refresh_seconds=options.key_refresh_seconds,
            )
            stack.push_async_callback(sources.close)
            await stack.enter_async_context(self._endpoints(sources, paths))
            people = people_server.application(sources.readings, sources.people, options.clock)
            await stack.enter_async_context(people_server.people_served(paths.people_socket, people))
            await sources.learn()
            self._read_switches()
            await self._validate(validated := self._compile(sources, config, hopeful=True))
            compiled = self._compile(sources, config)
            for path, content in compiled.discovery().items():
                files.replace(path, content)
            ended = None if self._trail is None else self._trail.envoy_ended
            envoy = EnvoyKeeper(
                self._program, compiled, options.run, workers=options.workers, log=self._log, ended=ended
            )
            stack.push_async_callback(envoy.stop)
            await envoy.start()
            if self._trail is not None:
                watch = asyncio.create_task(self._trail.watch(envoy, gate.audit_failed, deny=options.deny_unaudited))
                watch.add_done_callback(self._watch_ended)
                stack.push_async_callback(cancel, watch)

            async def metrics() -> str:
                return exposition(sources.recorder, sources.snapshot(), await envoy.statistics(ENVOY_FILTER))

            await stack.enter_async_context(metrics_served(options.metrics, metrics))
            # Tokens come after Envoy: to answer the first exchange, Databricks reads the gateway's keys through it.
            await sources.use(config, issuer)
            await self._deliver(sources, config, envoy, gate, validated)
            self._in_force = True
            self._tell_adopted("serving", config, host=config.host, port=config.listen.port)
            ready(config)
            for task in (self._watch(fingerprint), self._watch_switches(), sources.refresh_metadata()):
                stack.push_async_callback(cancel, asyncio.create_task(task))
            await self._keep_in_step(sources, envoy, gate)

    async def _watch(self, fingerprint: Fingerprint) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            seen = self._options.folder.fingerprint()
            if seen != fingerprint:
                fingerprint, self._delivered = seen, True
                self._bell.set()

    async def _watch_switches(self) -> None:
        board = self._options.switchboard
        if board is None:
            return
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if board.fingerprint(self._switches, self._now()) != self._switched:
                self._read_switches()
                self._switch_bell.set()
                self._bell.set()

    def _read_switches(self) -> None:
        """Take over what is switched. What cannot be read switches nothing: what was in force stays so."""
        board = self._options.switchboard
        if board is None:
            return
        # Seen before it is read: what is written in between is noticed by the next look.
        before = board.fingerprint(self._switches, self._now())[0]
        try:
            switches = board.read()
        except LakelatchError as error:
            self._switches_read = False
            self._log.error(
                "switches refused, those before stay in force", event=Event.SWITCHES_REFUSED, reason=str(error)
            )
        else:
            self._switches_read = True
            now = self._now()
            if told := switchboard.difference(self._switches, self._switches_at, switches, now):
                self._log.warning("switches in force", event=Event.SWITCHED, **told)
            self._switches, self._switches_at = switches, now
        self._switched = before, board.fingerprint(self._switches, self._now())[1]

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._options.clock(), UTC)

    def _compile(
        self, sources: Sources, config: GatewayConfig, *, unaudited: bool = False, hopeful: bool = False
    ) -> Compiled:
        return sources.compile(
            config,
            self._options.audit_file,
            self._switches,
            unaudited=unaudited,
            counted=self._options.metrics is not None,
            hopeful=hopeful,
        )

    async def _keep_in_step(self, sources: Sources, envoy: EnvoyKeeper, gate: Gate) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            try:
                if self._delivered:
                    self._delivered = False
                    await self._adopt(sources, envoy, gate)
                else:
                    await self._deliver(sources, sources.config, envoy, gate)
            except LakelatchError as error:
                self._log.error(
                    "configuration refused, the one before stays in force",
                    event=Event.CONFIGURATION_REFUSED,
                    reason=str(error),
                )
            except OSError as error:
                # A full disk, most likely: what is in force stays, the next change tries again.
                self._log.error("configuration not written, the one before stays in force", reason=str(error.strerror))

    async def _adopt(self, sources: Sources, envoy: EnvoyKeeper, gate: Gate) -> None:
        config = self._options.folder.read()
        issuer = open_issuer(config.issuer)
        before = sources.config, sources.issuer
        # A broken one is refused before anything is fetched for it.
        await self._validate(validated := self._compile(sources, config, hopeful=True))
        try:
            await self._use(sources, config, issuer, envoy, gate)
            await self._deliver(sources, config, envoy, gate, validated)
        except LakelatchError:
            await sources.use(*before)
            sources.forget()
            raise
        # Not after another error: what was not written leaves files in force that refer to the tokens from before.
        sources.forget()
        self._tell_adopted("configuration in force", config)

    def _tell_adopted(self, message: str, config: GatewayConfig, **fields: Any) -> None:
        self._log.info(
            message,
            event=Event.CONFIGURATION_ADOPTED,
            services=sorted(config.services),
            configuration_sha256=hashlib.sha256(config.file().encode()).hexdigest(),
            **fields,
        )

    async def _use(
        self, sources: Sources, config: GatewayConfig, issuer: Issuer, envoy: EnvoyKeeper, gate: Gate
    ) -> None:
        """Fetch what a configuration needs. That may take a while, for which no operator's switch has to wait."""
        before = sources.config
        using = asyncio.create_task(sources.use(config, issuer))
        try:
            while not using.done():
                switched = asyncio.create_task(self._switch_bell.wait())
                await asyncio.wait({using, switched}, return_when=asyncio.FIRST_COMPLETED)
                await cancel(switched)
                if self._switch_bell.is_set():
                    await self._deliver(sources, before, envoy, gate)
        finally:
            await cancel(using)
        using.result()

    async def _deliver(
        self,
        sources: Sources,
        config: GatewayConfig,
        envoy: EnvoyKeeper,
        gate: Gate,
        validated: Compiled | None = None,
    ) -> None:
        self._switch_bell.clear()
        closed = gate.closed
        compiled = self._compile(sources, config, unaudited=closed)
        if changed := delivery.changed(compiled.discovery()):
            if compiled != validated:
                await self._validate(_unproven(compiled, changed))
            await gate.deliver(closed, lambda: envoy.deliver(compiled))

    def _watch_ended(self, watch: "asyncio.Task[None]") -> None:
        if not watch.cancelled() and (defect := watch.exception()) is not None:
            self._defeated(GatewayError(f"nobody watches the audit trail ({type(defect).__name__}): this is a defect"))

    def _defeated(self, error: GatewayError) -> None:
        self._defeat = error
        self.stop()

    async def _validate(self, compiled: Compiled) -> None:
        await validate(self._program, compiled, self._options.run)

    @contextlib.asynccontextmanager
    async def _endpoints(self, sources: Sources, paths: Files) -> AsyncIterator[None]:
        def unready() -> list[str]:
            return problems(
                in_force=self._in_force,
                keys=sources.served().keys,
                switches_read=self._switches_read,
                audit_file=self._options.audit_file,
            )

        app = application(sources.served, self._options.clock, self._log, unready)
        # Envoy logs the requests, the application what it refuses.
        server = Server(
            uvicorn.Config(
                app, uds=paths.endpoints_socket, log_config=None, lifespan="off", timeout_keep_alive=KEPT_SECONDS
            )
        )
        task = asyncio.create_task(server.serve())
        try:
            yield
        finally:
            server.should_exit = True
            await task


def _unproven(compiled: Compiled, changed: Mapping[str, str]) -> Compiled:
    """What Envoy has to validate: keys and switches come without the routes, which are nearly all and in force."""
    without_routes = changed.keys() <= {compiled.files.authentication, compiled.files.gate}
    return replace(compiled, routes={"name": ROUTE_CONFIGURATION}) if without_routes else compiled


def _prepare(run: Path) -> None:
    """Make the private folder anew."""
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(mode=0o700, parents=True)
    os.chmod(run, 0o700)
