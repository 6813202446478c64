"""What changes while Envoy serves: tokens, policy and keys come into force without a lost request, and old keys die."""

from typing import Any

import pytest
from support.load import Load

from lakelatch.envoy.credentials import secret_name

ME = "/api/2.0/preview/scim/v2/Me"
WAREHOUSES = "/api/2.0/sql/warehouses"


@pytest.fixture
def live(make_envoy: Any, configure: Any) -> Any:
    envoy = make_envoy()
    envoy.apply(configure())
    envoy.start()
    return envoy


def sent(workspace: Any, authorization: Any) -> Any:
    return any(request["headers"]["authorization"] == authorization for request in workspace.requests[-50:])


def test_token_and_policy_swaps_under_load_lose_no_request(
    live: Any, configure: Any, entra: Any, workspace: Any, eventually: Any
) -> None:
    token = entra.token("Nightly-1")
    config = configure()
    secret = secret_name("nightly", config.workspace.host, "app-1")
    services = config.model_dump(mode="json")["services"]
    with Load(live.url + ME, token) as load:
        for number in range(10):
            live.secrets.set(secret, f"swapped-{number}")
            eventually(lambda n=number: sent(workspace, f"Bearer swapped-{n}"))
            services[f"added-{number}"] = {**services["idle"], "subject": f"added-{number}"}
            live.apply(configure(services=services))
            # `apply` sets the token of the start again; the new service's requests go through.
            added = entra.token(f"added-{number}")
            eventually(lambda t=added: live.request("GET", ME, t).status_code == 200)
    assert len(load.statuses) > 20
    assert set(load.statuses) == {200}


def test_policy_change_is_in_force_both_ways(live: Any, configure: Any, entra: Any, eventually: Any) -> None:
    token = entra.token("Nightly-1")
    services = configure().model_dump(mode="json")["services"]
    assert live.request("GET", WAREHOUSES, token).status_code == 200
    narrower = {**services["nightly"], "roles": {"reader": ["current_user.me"]}}
    live.apply(configure(services=services | {"nightly": narrower}))
    eventually(lambda: live.request("GET", WAREHOUSES, token).status_code == 403)
    live.apply(configure())
    eventually(lambda: live.request("GET", WAREHOUSES, token).status_code == 200)


def test_removed_service_is_unknown(live: Any, configure: Any, entra: Any, eventually: Any) -> None:
    services = configure().model_dump(mode="json")["services"]
    del services["nightly"]
    live.apply(configure(services=services))
    eventually(lambda: live.request("GET", ME, entra.token("Nightly-1")).status_code == 403)


def test_removed_key_verifies_nothing_any_more_although_its_token_was_cached(
    live: Any, configure: Any, entra: Any, eventually: Any
) -> None:
    token = entra.token("Nightly-1")
    for _ in range(3):
        assert live.request("GET", ME, token).status_code == 200
    live.keys["entra"] = [{**entra.jwk(), "kid": "successor"}]
    live.apply(configure())
    eventually(lambda: live.request("GET", ME, token).status_code == 401)
    assert "unknown key" in live.request("GET", ME, token).json()["message"]
    successor = entra.token("Nightly-1", headers={"kid": "successor"})
    assert live.request("GET", ME, successor).status_code == 200


def test_issuer_without_keys_refuses_its_tokens_and_no_other(
    live: Any, configure: Any, entra: Any, cluster: Any, eventually: Any
) -> None:
    live.keys["entra"] = []
    live.apply(configure())
    eventually(lambda: live.request("GET", ME, entra.token("Nightly-1")).status_code == 401)
    execute = "/api/2.0/sql/statements"
    assert live.request("POST", execute, cluster.token("system:serviceaccount:ns:pod")).status_code == 200


def test_token_in_another_header_order_is_taken_as_well(live: Any, entra: Any, configure: Any) -> None:
    # The quick choice of a provider knows usual headers only; any other must end the same way.
    assert live.request("GET", ME, entra.token("Nightly-1", headers={"x5t": "abc"})).status_code == 200


@pytest.mark.parametrize(
    ("host", "trusted", "status"),
    [("localhost", True, 200), ("127.0.0.1", True, 200), ("localhost", False, 503)],
    ids=["by name", "by address", "signed by an unknown authority"],
)
def test_workspace_must_prove_who_it_is(
    make_envoy: Any, configure: Any, workspace: Any, entra: Any, pki: Any, host: Any, trusted: Any, status: Any
) -> None:
    ca_file = pki.ca_file if trusted else pki.unrelated_ca_file
    section = configure().workspace.model_dump() | {
        "host": workspace.url.replace("127.0.0.1", host),
        "ca_file": str(ca_file),
    }
    envoy = make_envoy()
    envoy.apply(configure(workspace=section))
    envoy.start()
    before = len(workspace.requests)
    response = envoy.request("GET", ME, entra.token("Nightly-1"))
    assert response.status_code == status
    assert len(workspace.requests) - before == (status == 200)
