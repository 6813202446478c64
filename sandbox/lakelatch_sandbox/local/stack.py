"""The local stack as a whole: what `up`, `down`, `status`, `env` and `sandbox token` do."""

import json
import os
import random
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx

from lakelatch.access.model import AccessModel
from lakelatch.access.trusts import platform_trust, workload_trust
from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.errors import SandboxError
from lakelatch_sandbox.files import write_secret
from lakelatch_sandbox.local import client, engine, recovery
from lakelatch_sandbox.local import overlay as overlays
from lakelatch_sandbox.local.layout import Layout
from lakelatch_sandbox.local.processes import Daemon
from lakelatch_sandbox.sockets import bind_free, close

Progress = Callable[[str], None]


class LocalStack:
    """One project's local stack."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.sandbox = Daemon("sandbox", layout.logs)
        self.gateway = Daemon("gateway", layout.logs)

    def up(self, progress: Progress, detail: Progress) -> dict[str, Any]:
        """Bring everything up, or find it up already; returns what the first service got from Databricks.

        `progress` hears each step, `detail` each line of the engine.
        """
        self._read_model()  # a wrong model is told before anything is started
        self.layout.make()
        pulumi = engine.executable(progress)
        progress("starting the doubles of Databricks, Entra and the cluster")
        endpoints = self.start_sandbox()
        self._install_plugins()
        engine.configure(self.layout, self._overlay(endpoints))
        public, secret = engine.public_environment(self.layout, endpoints, pulumi), engine.credentials(endpoints)
        write_secret(self._environment_file, _exports(secret).encode())
        progress("pulumi up: app registrations, service principals, trusts, gateway configuration")
        outputs = engine.Engine(self.layout, pulumi, public | secret).up(detail, self._objects)
        progress("starting the gateway")
        self.start_gateway(endpoints)
        service = next(iter(self.model().services), None)
        if service is None:
            return {"outputs": outputs}
        progress(f"asking Databricks as {service}, through the gateway, without a secret")
        return {"outputs": outputs, "service": service, "answer": self.ask(service)}

    def down(self) -> list[str]:
        """End both processes and remove all that `up` made; returns what there was."""
        ended = [daemon.name for daemon in (self.gateway, self.sandbox) if daemon.stop()]
        if self.layout.state.exists():
            shutil.rmtree(self.layout.state)
            ended.append(str(self.layout.state))
        self.layout.stack_file.unlink(missing_ok=True)
        return ended

    def status(self) -> dict[str, Any]:
        """What runs and where; `healthy` when both processes run and the stack has outputs."""
        endpoints, outputs = self.endpoints(), self.outputs()
        running = {daemon.name: daemon.process() is not None for daemon in (self.sandbox, self.gateway)}
        return {
            "healthy": all(running.values()) and bool(outputs) and self._gateway_answers(outputs),
            "processes": running,
            "account_host": endpoints.account_host if endpoints else None,
            "workspace_host": endpoints.workspace_host if endpoints else None,
            "gateway_host": outputs.get("gateway_host"),
            "ca_file": endpoints.ca_file if endpoints else None,
            "services": [
                {"name": name, "application_id": row["application_id"], "client_id": row.get("client_id")}
                for name, row in outputs.get("services", {}).items()
            ],
        }

    def environment(self) -> str:
        """Shell text that makes `pulumi` and the clients work on this stack.

        Credentials are read from a private file, so that they do not show in a terminal or its history.
        """
        endpoints = self._running()
        pulumi = engine.executable(lambda _: None)
        public = engine.public_environment(self.layout, endpoints, pulumi)
        return _exports(public) + f". {_quoted(str(self._environment_file))}\n"

    def token(self, service: str) -> str:
        """A token that the service would show to the gateway, got as the service gets it."""
        endpoints, outputs = self._running(), self.outputs()
        known = outputs.get("services", {})
        if service not in known:
            raise SandboxError(f"no service {service!r} in the stack", hint=f"there are: {', '.join(known) or 'none'}")
        model = self.model()
        platform = platform_trust(model, service)
        if platform is None:
            return client.workload_token(endpoints, workload_trust(model, service))
        assertion = client.workload_token(endpoints, platform)
        return client.entra_token(endpoints, known[service]["client_id"], self.gateway_scope, assertion)

    @property
    def gateway_scope(self) -> str:
        """What a service asks Entra for, to call the gateway."""
        return f"api://{self.outputs()['gateway_audience']}/.default"

    def ask(self, service: str) -> dict[str, Any]:
        """Run the example query as a service, in a process that has the service's token and nothing else."""
        endpoints, outputs = self._running(), self.outputs()
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.layout.state),  # so that no configuration file of the user's takes part
            "DATABRICKS_HOST": outputs["gateway_host"],
            "DATABRICKS_AUTH_TYPE": "env-oidc",
            "DATABRICKS_OIDC_TOKEN": self.token(service),
            "REQUESTS_CA_BUNDLE": endpoints.ca_file,
        }
        command = [sys.executable, "-m", "lakelatch_sandbox.local.client", endpoints.warehouse_id]
        asked = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        if asked.returncode != 0:
            said = asked.stderr.strip().splitlines()[-1:] or ["no reason given"]
            raise SandboxError(f"{service} got no answer through the gateway: {said[0]}")
        answer: dict[str, Any] = json.loads(asked.stdout)
        return answer

    def endpoints(self) -> Endpoints | None:
        """Where the doubles are, or None before the first `up`."""
        path = self.layout.sandbox / "endpoints.json"
        if not path.exists():
            return None
        known = {field.name for field in fields(Endpoints)}
        return Endpoints(**{key: value for key, value in json.loads(path.read_text()).items() if key in known})

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs after the last `up`; empty before."""
        return json.loads(self.layout.outputs.read_text()) if self.layout.outputs.exists() else {}

    def model(self) -> AccessModel:
        """The project's access model with this machine's addresses."""
        return self._read_model(self._overlay(self._running()))

    def _read_model(self, overlay: dict[str, Any] | None = None) -> AccessModel:
        path = self.layout.project / "stacks" / "access.yaml"
        return AccessModel.read(path.read_text(encoding="utf-8"), str(path), overlay)

    @property
    def _environment_file(self) -> Path:
        return self.layout.state / "credentials.sh"

    def _running(self) -> Endpoints:
        endpoints = self.endpoints()
        if endpoints is None or self.sandbox.process() is None:
            raise SandboxError("the local stack does not run", hint="`lakelatch up` starts it")
        return endpoints

    def start_sandbox(self) -> Endpoints:
        """Start the doubles, or find them running; they serve when this returns."""
        command = [*engine.LAKELATCH, "sandbox", "run", "--state", str(self.layout.sandbox), "--json"]
        self.sandbox.start(command, os.environ)
        return self._running()

    def _objects(self) -> recovery.Objects:
        """What the doubles hold."""
        endpoints = self._running()
        trust = ssl.create_default_context(cafile=endpoints.ca_file)
        answer = httpx.get(f"{endpoints.control_url}/objects", verify=trust).raise_for_status()
        objects: recovery.Objects = answer.json()["objects"]
        return objects

    def _install_plugins(self) -> None:
        from lakelatch_sandbox import plugins

        plugins.install(self.layout.pulumi_home)

    def _overlay(self, endpoints: Endpoints) -> dict[str, Any]:
        """The addresses of this machine, in the shape of the access model and under its names."""
        tls = self.layout.gateway_state / "tls"
        files = {"certificate_file": tls / "certificate.pem", "private_key_file": tls / "private-key.pem"}
        gateway = overlays.gateway_addresses(
            self._gateway_port(),
            {key: str(path) for key, path in files.items()},
            endpoints.ca_file,
            str(self.layout.gateway_state / "signing-key.pem"),
        )
        return overlays.overlay(self._read_model(), endpoints, gateway)

    def _gateway_port(self) -> int:
        """A free port, chosen once: it stands in the trusts of the service principals."""
        kept = self.layout.state / "gateway-port"
        if kept.exists():
            return int(kept.read_text())
        bound = bind_free(["gateway"], random.SystemRandom())
        port = int(bound["gateway"].getsockname()[1])
        close(bound)
        kept.write_text(str(port))
        return port

    def start_gateway(self, endpoints: Endpoints) -> None:
        """Start the gateway on what was delivered; it serves when this returns."""
        tls = self.layout.gateway_state / "tls"
        if not (tls / "certificate.pem").exists():
            command = [*engine.LAKELATCH, "sandbox", "certificate", "--state", str(self.layout.sandbox)]
            subprocess.run([*command, "--directory", str(tls)], check=True, stdout=subprocess.DEVNULL)
        command = [*engine.LAKELATCH, "gateway", "run", "--config-dir", str(self.layout.gateway_config)]
        command += ["--state-dir", str(self.layout.gateway_state), "--json"]
        environment = {**os.environ, "SSL_CERT_FILE": endpoints.ca_bundle_file}
        self.gateway.start(command, environment)

    def _gateway_answers(self, outputs: dict[str, Any]) -> bool:
        endpoints = self.endpoints()
        if endpoints is None:
            return False
        try:
            address = f"{outputs['gateway_host']}/.well-known/databricks-config"
            return httpx.get(address, verify=ssl.create_default_context(cafile=endpoints.ca_file)).is_success
        except httpx.HTTPError:
            return False


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"


def _exports(variables: dict[str, str]) -> str:
    return "".join(f"export {name}={_quoted(value)}\n" for name, value in variables.items())
