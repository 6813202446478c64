"""The Pulumi engine on the local stack: its environment, its configuration, its runs."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.errors import SandboxError
from lakelatch_sandbox.files import write_public, write_secret
from lakelatch_sandbox.local import locks, recovery
from lakelatch_sandbox.local.layout import STACK, Layout

LAKELATCH = (sys.executable, "-m", "lakelatch")

OFFLINE = {
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
    "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
}
"""What keeps the engine from asking anybody but the doubles."""


def executable(progress: Callable[[str], None]) -> Path:
    """The `pulumi` to use, built first when there is none.

    Raises:
        SandboxError: when it can be neither found nor built.

    """
    found = subprocess.run([*LAKELATCH, "engine", "path"], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        progress("no Pulumi engine on this machine yet: building one, once (some minutes)")
        built = subprocess.run([*LAKELATCH, "engine", "install"], check=False)
        if built.returncode != 0:
            raise SandboxError("the Pulumi engine could not be built", hint="install `pulumi`, or Go 1.26 or newer")
        found = subprocess.run([*LAKELATCH, "engine", "path"], capture_output=True, text=True, check=True)
    return Path(found.stdout.strip())


def public_environment(layout: Layout, endpoints: Endpoints, pulumi: Path) -> dict[str, str]:
    """What `pulumi` and the clients need to work on the local stack, apart from credentials."""
    return {
        **OFFLINE,
        "PATH": os.pathsep.join([str(pulumi.parent), str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PULUMI_HOME": str(layout.pulumi_home),
        "PULUMI_BACKEND_URL": f"file://{layout.backend}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(layout.state / "passphrase"),
        "SSL_CERT_FILE": endpoints.ca_bundle_file,
        "REQUESTS_CA_BUNDLE": endpoints.ca_bundle_file,
        "ARM_METADATA_HOSTNAME": endpoints.metadata_host,
        "ARM_TENANT_ID": endpoints.tenant_id,
        "ARM_CLIENT_ID": endpoints.entra_admin_client_id,
        "DATABRICKS_CLIENT_ID": endpoints.admin_client_id,
        "LAKELATCH_GATEWAY_STATE": str(layout.gateway_state),
    }


def credentials(endpoints: Endpoints) -> dict[str, str]:
    """The administrators' credentials of the doubles, as the providers read them."""
    return {
        "ARM_CLIENT_SECRET": endpoints.entra_admin_client_secret,
        "DATABRICKS_CLIENT_SECRET": endpoints.admin_client_secret,
    }


def configure(layout: Layout, overlay: Mapping[str, Any]) -> None:
    """Write the stack's configuration; what the engine keeps in the same file (its salt) stays."""
    layout.stack_file.parent.mkdir(exist_ok=True)
    passphrase = layout.state / "passphrase"
    if not passphrase.exists():
        write_secret(passphrase, secrets.token_urlsafe(32).encode())
        # A salt of an earlier passphrase would lock the new stack.
        layout.stack_file.unlink(missing_ok=True)
    kept = yaml.safe_load(layout.stack_file.read_text()) if layout.stack_file.exists() else {}
    kept["config"] = {
        "lakelatch:overlay": dict(overlay),
        "lakelatch:gatewayDirectory": str(layout.gateway_config),
    }
    write_public(layout.stack_file, yaml.safe_dump(kept, sort_keys=False).encode())


def _unheard(_: str) -> None:
    """For runs that nobody waits for."""


class Engine:
    """Runs of `pulumi` in a project, with everything they say kept in a log."""

    def __init__(self, layout: Layout, pulumi: Path, environment: Mapping[str, str]) -> None:
        self._layout = layout
        self._pulumi = pulumi
        self._environment = {**os.environ, **environment}

    def up(self, progress: Callable[[str], None], objects: Callable[[], recovery.Objects]) -> dict[str, Any]:
        """Make the stack what the program says, under the policy pack; returns its outputs.

        `progress` hears each line of the engine; `objects` tells what the doubles hold, when a run was interrupted.

        Raises:
            SandboxError: when the engine refuses; quotes what it said.

        """
        if locks.remove_abandoned(self._layout.backend):
            progress("a run was killed: its lock on the state is removed")
            if locks.restore_torn(self._layout.backend):
                progress("it was killed while it wrote the state: the copy of the step before is taken")
        self._run(["stack", "select", "--create", STACK])
        self._settle(progress, objects)
        policies = self._layout.project / "policies"
        pack = ["--policy-pack", str(policies)] if policies.is_dir() else []
        self._run(["up", "--yes", "--skip-preview", "--stack", STACK, "--suppress-outputs", *pack], progress)
        document: dict[str, Any] = json.loads(self._run(["stack", "output", "--json", "--stack", STACK]))
        write_public(self._layout.outputs, json.dumps(document, indent=2).encode())
        return document

    def _settle(self, progress: Callable[[str], None], objects: Callable[[], recovery.Objects]) -> None:
        """Bring the engine's memory in step with the doubles when a run was killed in the middle of its creations."""
        exported = json.loads(self._run(["stack", "export", "--stack", STACK]))
        pending = recovery.pending_creations(exported["deployment"])
        if not pending:
            return
        exported["deployment"], found = recovery.completed(exported["deployment"], objects())
        progress(f"a run was interrupted: {len(pending)} creations were under way, {found} had been carried out")
        file = self._layout.state / "completed.json"
        write_secret(file, json.dumps(exported).encode())
        self._run(["stack", "import", "--stack", STACK, "--file", str(file)])
        file.unlink()
        self._run(["refresh", "--yes", "--skip-preview", "--stack", STACK], progress)

    def _run(self, arguments: list[str], progress: Callable[[str], None] = _unheard) -> str:
        lines: list[str] = []
        log = self._layout.logs / "pulumi.log"
        with (
            log.open("a", buffering=1) as kept,  # by lines, for whoever watches a run
            subprocess.Popen(
                [str(self._pulumi), *arguments, "--non-interactive", "--color", "never"],
                cwd=self._layout.project,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as process,
        ):
            for line in process.stdout or ():
                kept.write(line)
                lines.append(line)
                progress(line.rstrip())
        if process.returncode != 0:
            said = "".join(lines[-40:]).rstrip()
            raise SandboxError(f"`pulumi {arguments[0]}` failed:\n{said}", hint=f"the whole run is in {log}")
        return "".join(lines)
