"""A gateway configuration that holds, for every test of this room."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

_CONFIG: dict[str, Any] = {
    "host": "https://gateway.example.com",
    "listen": {"address": "127.0.0.1", "port": 8443.0},  # the engine sends integers as floats
    "workspace": {
        "host": "https://workspace.example.com",
        "id": "4711",
        "account_id": "0d26daa6-5e44-4c97-a497-ef015f91254a",
    },
    "issuers": {"entra": {"issuer": "https://login.example.com/tenant/v2.0", "audience": "api"}},
    "services": {
        "nightly-report": {
            "issuer": "entra",
            "subject": "0d26daa6-0000-4c97-a497-ef015f91254a",
            "application_id": "5f2b9a66-0000-4c97-a497-ef015f91254a",
            "roles": {"reporter": ["current_user.me", "statement_execution.execute_statement"]},
        }
    },
    "issuer": {
        "url": "https://gateway.example.com",
        "key": {"path": "/var/lib/lakelatch/key.pem"},
        "audience": "0d26daa6-5e44-4c97-a497-ef015f91254a",
        "token_lifetime_seconds": 600.0,
    },
}


@pytest.fixture
def config_data() -> Callable[..., dict[str, Any]]:
    """Makes the configuration anew, with top-level keys replaced."""

    def make(**changes: Any) -> dict[str, Any]:
        return copy.deepcopy(_CONFIG) | changes

    return make
