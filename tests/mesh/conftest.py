"""A configuration with rules, an observed service, and actions that share paths."""

from typing import Any

import pytest

from lakelatch.envoy.config import GatewayConfig

ENTRA = "https://login.example.test/tenant/v2.0"
CLUSTER = "https://cluster.example.test/"
READS = ["current_user.me", "statement_execution.get_statement", "warehouses.list", "warehouses.get"]


def configuration(**sections: Any) -> GatewayConfig:
    data = {
        "host": "https://gateway.example.test",
        "listen": {"address": "0.0.0.0", "port": 8443, "tls": {"certificate_file": "/c", "private_key_file": "/k"}},
        "workspace": {"host": "https://workspace.example.test", "id": "1", "account_id": "a"},
        "issuers": {
            "entra": {"issuer": ENTRA, "audience": "api-of-the-gateway", "jwks_uri": "https://login.example.test/keys"},
            "cluster": {"issuer": CLUSTER, "audience": "lakelatch", "subject_claim": "workload"},
        },
        "services": {
            "nightly": _service("entra", "Nightly-1", READS),
            "pod": _service("cluster", "ns:pod", ["statement_execution.execute_statement", *READS]),
            "watched": _service("entra", "watched", ["statement_execution.execute_statement"], mode="observe"),
            "files": _service("entra", "files", ["files.upload", "files.download", "jobs.list"]),
        },
        "rules": {"small": {"for": {"actions": ["statement_execution.execute_statement"]}, "deny": True}},
        "issuer": {"url": "https://gateway.example.test", "key": {"path": "/k.pem"}, "audience": "a"},
    }
    return GatewayConfig.parse(data | sections)


def _service(issuer: str, subject: str, actions: list[str], **more: Any) -> dict[str, Any]:
    return {"issuer": issuer, "subject": subject, "application_id": f"app-{subject}", "roles": {"own": actions}, **more}


@pytest.fixture(scope="session")
def configure() -> Any:
    return configuration
