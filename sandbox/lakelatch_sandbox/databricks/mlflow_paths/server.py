"""Starts the MLflow server when it is first needed, and ends it with the sandbox."""

import asyncio
import contextlib
import importlib.util
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Final

import httpx

from lakelatch_sandbox.databricks.errors import ApiError

START_SECONDS: Final = 150.0
"""Its first start makes the tables of its database, and imports 250 MB of code."""

POLL_SECONDS: Final = 0.1
ANSWER_SECONDS: Final = 60.0
"""The longest that a client of the vendor's waits."""


class MlflowServer:
    """One MLflow server below `folder`; `client` starts it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._sockets: Path | None = None
        self._http: httpx.AsyncClient | None = None

    async def client(self) -> httpx.AsyncClient:
        """A client of the running server. Raises `ApiError`: 501 when MLflow is not installed, 503 when it ended."""
        async with self._starting:
            if self._process is None or self._process.returncode is not None or self._http is None:
                await self.close()
                await self._start()
            assert self._http is not None  # noqa: S101
            return self._http

    async def _start(self) -> None:
        if importlib.util.find_spec("mlflow.server") is None:
            raise ApiError(
                501,
                "NOT_IMPLEMENTED",
                "The sandbox serves MLflow only with `mlflow` installed: pip install 'lakelatch-sandbox[mlflow]'.",
            )
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # a socket's path is short by nature (108 bytes on Linux), a state directory's need not be
        self._sockets = Path(tempfile.mkdtemp(prefix="lakelatch-mlflow-"))
        socket = self._sockets / "socket"
        log = os.open(self._folder / "server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "lakelatch_sandbox.databricks.mlflow_paths.child",
                str(socket),
                str(self._folder / "mlflow.sqlite"),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
            )
        finally:
            os.close(log)
        transport = httpx.AsyncHTTPTransport(uds=str(socket))
        # its host check knows localhost
        self._http = httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=ANSWER_SECONDS)
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await self._answers():
                    if self._process.returncode is not None:
                        raise self._failed(f"it ended with status {self._process.returncode}")
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError as error:
            await self.close()
            raise self._failed(f"it did not answer within {START_SECONDS:.0f} seconds") from error

    async def _answers(self) -> bool:
        assert self._http is not None  # noqa: S101
        try:
            return (await self._http.get("/health")).status_code == 200
        except httpx.TransportError:
            return False

    def _failed(self, how: str) -> ApiError:
        message = f"The sandbox's MLflow server did not start: {how}; see {self._folder / 'server.log'}."
        return ApiError(503, "TEMPORARILY_UNAVAILABLE", message)

    async def close(self) -> None:
        """End the server and all its processes; it may be started again."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None
        if self._process is not None:
            if self._process.returncode is None:
                # the group is the server's own: it was started as the leader of one
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process = None
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._sockets = None
