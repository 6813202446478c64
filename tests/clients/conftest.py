"""What clients meet: the gateway before the sandbox, and for each client a workload with a token of its issuer.

No client here holds a Databricks credential; what differs from Databricks itself is the host.
"""

import datetime
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from support.doubles import Account, Sandbox, running_sandbox
from support.gateways import RunningGateway, running_gateway
from support.ports import free_port

from lakelatch.access.actions import expand
from lakelatch.envoy.config import GatewayConfig, GatewayIssuer, SigningKey
from lakelatch_gateway.issuer import open_issuer
from lakelatch_sandbox.authority import Authority

AUDIENCE: Final = "lakelatch-gateway"
ISSUER: Final = "keycloak/realms/acme"

ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "sdk": ("current_user.me", "statement_execution.*", "warehouses.list", "warehouses.get", "jobs.*", "clusters.*"),
    "files": ("files.*",),
    # artifacts of a run are files of a volume
    "mlflow": (
        "experiments.*",
        "mlflow.*",
        "files.download",
        "files.get_directory_metadata",
        "files.list_directory_contents",
        "files.upload",
    ),
    "driver": ("thrift.query_warehouse", "connector_service.get_feature_flags", "telemetry.send"),
    "chat": ("open_ai.chat_completions", "serving_endpoints.query"),
    "nothing": (),
}
"""Each client's workload, and what its role lets through."""


@dataclass(frozen=True)
class World:
    """The gateway, the sandbox behind it, and who may call."""

    sandbox: Sandbox
    gateway: RunningGateway
    applications: Mapping[str, str]
    """Workload to the application id of its service principal."""

    @property
    def ca_file(self) -> str:
        return self.sandbox.endpoints.ca_file

    @property
    def http_path(self) -> str:
        return f"/sql/1.0/warehouses/{self.sandbox.endpoints.warehouse_id}"

    def token(self, workload: str, audience: str = AUDIENCE) -> str:
        """What the workload's identity provider gives it."""
        order = {"issuer": ISSUER, "claims": {"sub": workload, "aud": audience}, "lifetime_seconds": 3000}
        answer = self.sandbox.http.post(f"{self.sandbox.endpoints.control_url}/issuers/tokens", json=order)
        return str(answer.json()["token"])

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """For a client's process: nothing of this machine but its programs, and trust in the local CA."""
        bundle = self.sandbox.endpoints.ca_bundle_file
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        own = {"HOME": str(home), "DATABRICKS_CONFIG_FILE": os.devnull}
        return kept | own | {"REQUESTS_CA_BUNDLE": bundle, "SSL_CERT_FILE": bundle} | more


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox, tempfile.TemporaryDirectory("ll-gw-") as name:
        folder = Path(name)
        port = free_port()
        # by name: the drivers exchange a token only when its issuer is another host, and look at no port
        host = f"https://localhost:{port}"
        signing = folder / "signing.pem"
        issuer = GatewayIssuer(url=host, key=SigningKey(path=str(signing)), audience=f"{host}/databricks")
        applications = _principals(Account(sandbox), issuer)
        tls = folder / "certificate.pem", folder / "private-key.pem"
        Authority(Path(sandbox.endpoints.ca_file).parent).write_certificate(*tls, datetime.datetime.now(datetime.UTC))
        config = _config(sandbox, host, port, tls, issuer, applications)
        with running_gateway(config, folder) as gateway:
            yield World(sandbox, gateway, applications)


def _principals(account: Account, issuer: GatewayIssuer) -> dict[str, str]:
    """A service principal for each workload that trusts the gateway's issuer and nothing else."""
    keys = json.dumps(open_issuer(issuer).jwks())
    made = {}
    for workload in ROLES:
        principal = account.principal(name=workload)
        trust: dict[str, Any] = {
            "issuer": issuer.url,
            "audiences": [issuer.audience],
            "subject": workload,
            "jwks_json": keys,
        }
        assert account.policy(principal, **trust).status_code == 200
        made[workload] = principal["applicationId"]
    return made


def _config(
    sandbox: Sandbox,
    host: str,
    port: int,
    tls: tuple[Path, Path],
    issuer: GatewayIssuer,
    applications: Mapping[str, str],
) -> GatewayConfig:
    known = sandbox.endpoints
    services: dict[str, Any] = {
        workload: {
            "issuer": "keycloak",
            "subject": workload,
            "application_id": applications[workload],
            "roles": {workload: [action for entry in actions for action in expand(entry)]} if actions else {},
        }
        for workload, actions in ROLES.items()
    }
    certificate, key = map(str, tls)
    listen = {"address": "127.0.0.1", "port": port, "tls": {"certificate_file": certificate, "private_key_file": key}}
    trusted = {"issuer": f"{known.issuers_url}/{ISSUER}", "audience": AUDIENCE, "ca_file": known.ca_file}
    return GatewayConfig.parse(
        {
            "host": host,
            "listen": listen,
            "workspace": {
                "host": known.workspace_host,
                "id": known.workspace_id,
                "account_id": known.account_id,
                "ca_file": known.ca_file,
            },
            "issuers": {"keycloak": trusted},
            "services": services,
            "issuer": issuer.model_dump(),
        }
    )


@pytest.fixture
def environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """For clients in this process: nothing of the machine's own configuration, and trust in the local CA."""
    for name in [name for name in os.environ if name.startswith(("DATABRICKS_", "ARM_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", world.sandbox.endpoints.ca_bundle_file)
