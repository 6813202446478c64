"""A thousand services on one gateway: each request carries its own principal's token, also after Envoy has died."""

import os
import signal
from typing import Any

import httpx
from support.load import Load
from support.processes import children

ME = "/api/2.0/preview/scim/v2/Me"
COUNT = 1000
"""Ten times what one inotify instance for each token would allow."""
SAMPLE = range(0, COUNT, 41)


def services(count: int) -> dict[str, Any]:
    granted = {"reader": ["current_user.me"]}
    return {
        f"s{number}": {"issuer": "entra", "subject": f"subject-{number}", "application_id": f"app-{number}"}
        | {"roles": granted}
        for number in range(count)
    }


def test_each_of_a_thousand_services_has_its_own_token_also_from_an_envoy_that_died(
    start: Any, configure: Any, provider: Any, workspace: Any, eventually: Any, home: Any
) -> None:
    workspace.principals |= {f"app-{number}" for number in range(COUNT)}
    gateway = start(configure(services=services(COUNT)))
    tokens = {number: provider.token(f"subject-{number}") for number in SAMPLE}

    def principals(client: httpx.Client) -> Any:
        return {
            number: client.get(ME, headers={"authorization": f"Bearer {token}"}).json().get("userName")
            for number, token in tokens.items()
        }

    def served() -> bool:
        with httpx.Client(base_url=gateway.url, timeout=20) as client:
            try:
                return bool(principals(client) == {number: f"app-{number}" for number in SAMPLE})
            except httpx.TransportError:
                return False

    eventually(served)
    assert len(workspace.exchanges) == COUNT + 1
    (pid,) = children(gateway.process.pid)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: children(gateway.process.pid) not in ([], [pid]))
    eventually(served)
    # The same tokens as before: nothing was fetched again, and nothing else was ever sent.
    assert len(workspace.exchanges) == COUNT + 1
    sent = [
        headers["authorization"].removeprefix("Bearer ") for _, path, headers in workspace.double.requests if path == ME
    ]
    assert set(sent) <= workspace.tokens.keys()
    told = [path.read_text(errors="replace") for path in home.rglob("*") if path.is_file()]
    assert not [secret for secret in workspace.tokens for text in told if secret in text]


def test_changed_principal_fails_no_request(
    start: Any, configure: Any, provider: Any, workspace: Any, eventually: Any, home: Any, deliver: Any
) -> None:
    """Envoy keeps the routes of the new principal back until it has its token; until then the old ones serve."""
    gateway = start(configure())
    changed = configure().model_dump(mode="json")["services"]
    with Load(gateway.url + ME, provider.token("nightly-subject")) as load:
        for application in ("app-other", "app-nightly"):
            changed["nightly"]["application_id"] = application
            deliver(home / "config", configure(services=changed).file())
            before = len(workspace.double.requests)
            eventually(lambda a=application, b=before: a in senders(workspace, b))
    assert len(load.statuses) > 20
    assert set(load.statuses) == {200}


def senders(workspace: Any, since: int) -> set[str | None]:
    """The principals whose tokens API calls carried."""
    calls = [headers for _, path, headers in workspace.double.requests[since:] if path == ME]
    return {workspace.tokens.get(headers["authorization"].removeprefix("Bearer ")) for headers in calls}
