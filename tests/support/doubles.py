"""A sandbox in a thread of this process, and its account with plain requests."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.server import running


class Sandbox:
    """The doubles on one state directory, with a client that trusts their CA."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.clock = Clock()
        self.endpoints: Endpoints
        self.http: httpx.Client
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._thread: threading.Thread

    def start(self) -> None:
        ready = threading.Event()
        failure: list[BaseException] = []

        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            self._stop = asyncio.Event()
            async with running(self.state, clock=self.clock) as endpoints:
                self.endpoints = endpoints
                ready.set()
                await self._stop.wait()

        def run() -> None:
            try:
                asyncio.run(serve())
            except BaseException as error:
                failure.append(error)
                raise
            finally:
                ready.set()

        self._thread = threading.Thread(target=run, name="sandbox")
        self._thread.start()
        ready.wait()
        if failure:
            raise failure[0]
        self.http = httpx.Client(verify=ssl.create_default_context(cafile=self.endpoints.ca_file), timeout=60)

    def stop(self) -> None:
        self.http.close()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def restart(self) -> None:
        self.stop()
        self.start()


@contextlib.contextmanager
def running_sandbox(state: Path) -> Iterator[Sandbox]:
    """A sandbox that ends with the block."""
    sandbox = Sandbox(state)
    sandbox.start()
    try:
        yield sandbox
    finally:
        sandbox.stop()


class Account:
    """The account API with plain requests, as its administrator."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        endpoints = sandbox.endpoints
        self.api = f"{endpoints.account_host}/api/2.0/accounts/{endpoints.account_id}"
        answer = sandbox.http.post(
            f"{endpoints.account_host}/oidc/accounts/{endpoints.account_id}/v1/token",
            data={"grant_type": "client_credentials", "scope": "all-apis"},
            auth=(endpoints.admin_client_id, endpoints.admin_client_secret),
        )
        self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        return self._sandbox.http.request(method, self.api + path, json=body, headers=self.headers)

    def principal(self, *, assigned: bool = True, name: str = "nightly-report") -> dict[str, Any]:
        made = self.call("POST", "/scim/v2/ServicePrincipals", {"displayName": name, "active": True}).json()
        if assigned:
            workspace = self._sandbox.endpoints.workspace_id
            path = f"/workspaces/{workspace}/permissionassignments/principals/{made['id']}"
            assert self.call("PUT", path, {"permissions": ["USER"]}).status_code == 200
        return dict(made)

    def policy(self, principal: dict[str, Any], policy_id: str = "main", **oidc: object) -> httpx.Response:
        path = f"/servicePrincipals/{principal['id']}/federationPolicies?policy_id={policy_id}"
        return self.call("POST", path, {"oidc_policy": oidc})

    def exchange(self, token: str, client_id: str | None, **fields: str) -> httpx.Response:
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": token,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "scope": "all-apis",
            **({} if client_id is None else {"client_id": client_id}),
            **fields,
        }
        return self._sandbox.http.post(f"{self._sandbox.endpoints.workspace_host}/oidc/v1/token", data=form)

    def workspace(self, method: str, path: str, token: str, body: object = None) -> httpx.Response:
        url = self._sandbox.endpoints.workspace_host + path
        return self._sandbox.http.request(method, url, json=body, headers={"Authorization": f"Bearer {token}"})
