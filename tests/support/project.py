"""A copy of the project that a test may bring up, change and break."""

import json
import os
import shlex
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from databricks.sdk import AccountClient, WorkspaceClient

from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.local.layout import Layout
from lakelatch_sandbox.local.stack import LocalStack

REPOSITORY = Path(__file__).parents[2]


@contextmanager
def copy_of_project(folder: Path) -> Iterator["Project"]:
    """The program and the model are copied; the environment and the plugin folders are those of the checkout.

    Whatever happened in it, everything that runs for the copy is ended at the end.
    """
    for name in ("Pulumi.yaml", "__main__.py"):
        (folder / name).write_bytes((REPOSITORY / name).read_bytes())
    (folder / "stacks").mkdir()
    (folder / "stacks" / "access.yaml").write_bytes((REPOSITORY / "stacks" / "access.yaml").read_bytes())
    (folder / ".venv").symlink_to(sys.prefix)
    for name in ("provider", "policies"):
        (folder / name).symlink_to(REPOSITORY / name)
    copied = Project(folder)
    try:
        yield copied
    finally:
        copied.lakelatch("down")


@dataclass
class Project:
    """One copy, with the commands that a person would type in it."""

    folder: Path

    @property
    def stack(self) -> LocalStack:
        """Its local stack."""
        return LocalStack(Layout(self.folder))

    @property
    def endpoints(self) -> Endpoints:
        """Where its doubles are."""
        found = self.stack.endpoints()
        assert found is not None
        return found

    @property
    def service(self) -> dict[str, str]:
        """What was made for `nightly-report`."""
        made: dict[str, str] = self.stack.outputs()["services"]["nightly-report"]
        return made

    @property
    def gateway(self) -> str:
        """The gateway's address."""
        return str(self.stack.outputs()["gateway_host"])

    @property
    def trust(self) -> ssl.SSLContext:
        """The local CA."""
        return ssl.create_default_context(cafile=self.endpoints.ca_file)

    def lakelatch(self, *arguments: str, expect: int = 0) -> str:
        """Run `lakelatch` in the project; returns everything it said."""
        return self._run([sys.executable, "-m", "lakelatch", *arguments], {}, expect)

    @cached_property
    def environment(self) -> dict[str, str]:
        """What `eval "$(lakelatch env)"` sets, as a shell sees it; it is the same as long as the stack lives."""
        script = f'eval "$({shlex.quote(sys.executable)} -m lakelatch env)" && env -0'
        raw = subprocess.run(["bash", "-c", script], cwd=self.folder, capture_output=True, check=True).stdout
        return dict(entry.split("=", 1) for entry in raw.decode().split("\0") if entry)

    def pulumi(self, *arguments: str, expect: int = 0) -> str:
        """Run `pulumi` on stack `local` as by hand; returns everything it said."""
        command = ["pulumi", *arguments, "--stack", "local", "--non-interactive", "--color", "never"]
        return self._run(command, self.environment, expect)

    def preview(self, *arguments: str) -> dict[str, Any]:
        """A preview as data: `steps` and `changeSummary`."""
        command = ["pulumi", "preview", "--json", "--stack", "local", "--non-interactive", *arguments]
        run = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stdout + run.stderr
        document: dict[str, Any] = json.loads(run.stdout)
        return document

    def account(self) -> AccountClient:
        """The vendor's account client, signed in as the account's administrator."""
        here = self.endpoints
        os.environ["REQUESTS_CA_BUNDLE"] = here.ca_file
        return AccountClient(
            host=here.account_host,
            account_id=here.account_id,
            client_id=here.admin_client_id,
            client_secret=here.admin_client_secret,
            auth_type="oauth-m2m",
        )

    def workspace_through_gateway(self, token: str) -> WorkspaceClient:
        """The vendor's workspace client as a service configures it: gateway and token, nothing else."""
        os.environ["REQUESTS_CA_BUNDLE"] = self.endpoints.ca_file
        os.environ["DATABRICKS_OIDC_TOKEN"] = token
        return WorkspaceClient(host=self.gateway, auth_type="env-oidc")

    def ask(self, token: str | None, path: str = "/api/2.0/preview/scim/v2/Me", method: str = "GET") -> httpx.Response:
        """One request to the gateway with a token, or with none."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx.request(method, self.gateway + path, headers=headers, verify=self.trust)

    def graph(self, method: str, path: str, body: Any = None) -> Any:
        """One call of Graph v1.0 as the directory's administrator; the answer's JSON, or None."""
        here = self.endpoints
        form = {
            "grant_type": "client_credentials",
            "client_id": here.entra_admin_client_id,
            "client_secret": here.entra_admin_client_secret,
            "scope": f"{here.graph_base}/.default",
        }
        signed_in = httpx.post(
            f"{here.entra_authority}/{here.tenant_id}/oauth2/v2.0/token", data=form, verify=self.trust
        ).raise_for_status()
        headers = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
        answer = httpx.request(
            method, f"{here.graph_base}/v1.0{path}", headers=headers, json=body, verify=self.trust
        ).raise_for_status()
        return answer.json() if answer.content else None

    def objects(self) -> Any:
        """Every object that the doubles hold, without secrets."""
        return httpx.get(f"{self.endpoints.control_url}/objects", verify=self.trust).raise_for_status().json()

    def shift_clock(self, seconds: float) -> None:
        """Shift the doubles' time."""
        answer = httpx.post(f"{self.endpoints.control_url}/clock", json={"offset_seconds": seconds}, verify=self.trust)
        answer.raise_for_status()

    def _run(self, command: list[str], environment: dict[str, str], expect: int) -> str:
        run = subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        assert run.returncode == expect, f"{command} ended with {run.returncode}:\n{run.stdout}"
        return run.stdout
