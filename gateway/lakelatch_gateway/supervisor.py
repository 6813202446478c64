"""The running gateway: one loop that brings configuration, keys and tokens together and keeps Envoy in step with them.

Everything that can change only rings a bell; the loop then compiles what is true now, has Envoy validate it, and
delivers the files that differ. So there is one place where anything comes into force, and what is bad never does.
"""

import asyncio
import contextlib
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import uvicorn

from lakelatch.envoy.compiler import Compiled
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.runtime import Files
from lakelatch.errors import LakelatchError
from lakelatch_gateway import delivery, files
from lakelatch_gateway.audit.events import Event
from lakelatch_gateway.audit.trail import Trail
from lakelatch_gateway.endpoints import application
from lakelatch_gateway.envoy_keeper import EnvoyKeeper
from lakelatch_gateway.envoy_process import find_envoy, validate
from lakelatch_gateway.errors import GatewayError
from lakelatch_gateway.folder import ConfigFolder, Fingerprint
from lakelatch_gateway.gate import Gate
from lakelatch_gateway.issuer import open_issuer
from lakelatch_gateway.log import Log
from lakelatch_gateway.sources import Sources
from lakelatch_gateway.tasks import cancel

POLL_SECONDS: Final = 0.25
"""How often the config folder is looked at. A look is few system calls; folders on network shares tell of no change."""


@dataclass(frozen=True)
class Options:
    """How the gateway is run."""

    folder: ConfigFolder
    run: Path
    """Private folder for sockets and tokens; empty at the start, gone at the end."""
    audit_file: str | None
    """Where audit lines go; None means standard output."""
    environment: Mapping[str, str]
    workers: int
    """Envoy's worker threads."""
    clock: Callable[[], float]
    """Seconds since the epoch."""
    deny_unaudited: bool = True
    """Whether requests are refused while audit lines cannot be written."""


class Supervisor:
    """Runs the gateway until it is told to stop."""

    def __init__(self, options: Options, log: Log, trail: Trail | None = None) -> None:
        self._options, self._log, self._trail = options, log, trail
        self._program = find_envoy(options.environment)
        self._bell = asyncio.Event()
        self._stopping = asyncio.Event()
        self._delivered = False
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
            sources = Sources(
                config,
                issuer,
                paths=paths,
                environment=options.environment,
                changed=self._bell.set,
                log=self._log,
            )
            stack.push_async_callback(sources.close)
            await stack.enter_async_context(self._endpoints(sources, paths))
            await sources.learn()
            compiled = sources.compile(config, options.audit_file)
            await self._validate(compiled)
            for path, content in compiled.discovery().items():
                files.replace(path, content)
            envoy = EnvoyKeeper(
                self._program,
                compiled,
                options.run,
                workers=options.workers,
                log=self._log,
                ended=None if self._trail is None else self._trail.envoy_ended,
            )
            stack.push_async_callback(envoy.stop)
            await envoy.start()
            if self._trail is not None:
                watch = asyncio.create_task(self._trail.watch(envoy, gate.audit_failed, deny=options.deny_unaudited))
                watch.add_done_callback(self._watch_ended)
                stack.push_async_callback(cancel, watch)
            # Tokens come after Envoy: to answer the first exchange, Databricks reads the gateway's keys through it.
            await sources.use(config, issuer)
            await self._deliver(sources, envoy, gate)
            self._tell_adopted("serving", config, host=config.host, port=config.listen.port)
            ready(config)
            for task in (self._watch(fingerprint), sources.refresh_metadata()):
                stack.push_async_callback(cancel, asyncio.create_task(task))
            await self._keep_in_step(sources, envoy, gate)

    async def _watch(self, fingerprint: Fingerprint) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            seen = self._options.folder.fingerprint()
            if seen != fingerprint:
                fingerprint, self._delivered = seen, True
                self._bell.set()

    async def _keep_in_step(self, sources: Sources, envoy: EnvoyKeeper, gate: Gate) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            try:
                if self._delivered:
                    self._delivered = False
                    await self._adopt(sources, envoy, gate)
                else:
                    await self._deliver(sources, envoy, gate)
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
        await self._validate(sources.compile(config, self._options.audit_file))
        try:
            await sources.use(config, issuer)
            await self._deliver(sources, envoy, gate)
        except LakelatchError:
            await sources.use(*before)
            raise
        finally:
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

    async def _deliver(self, sources: Sources, envoy: EnvoyKeeper, gate: Gate) -> None:
        closed = gate.closed
        compiled = sources.compile(sources.config, self._options.audit_file, closed)
        if delivery.changed(compiled.discovery()):
            await self._validate(compiled)
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
        app = application(sources.served, self._options.clock, self._log)
        # Envoy logs the requests, the application what it refuses.
        server = _Server(uvicorn.Config(app, uds=paths.endpoints_socket, log_config=None, lifespan="off"))
        task = asyncio.create_task(server.serve())
        try:
            yield
        finally:
            server.should_exit = True
            await task


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers: the process has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _prepare(run: Path) -> None:
    """Make the private folder anew."""
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(mode=0o700, parents=True)
    os.chmod(run, 0o700)
    (run / "tokens").mkdir(mode=0o700)
