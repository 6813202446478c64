"""What fails around the gateway, or in it, under load: some are told to come again, and nobody gets more than before.

Beside each fault ask those who may never pass: what their role lacks, a stranger, a forged signature, a service under
maintenance, a revoked subject. A full disk has its tests with the audit trail.
"""

import asyncio
import contextlib
import functools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from support.callers import Caller, Expected, calling

from lakelatch.access.switches import Maintenance, Revocation
from lakelatch_gateway.schedule import EXPIRY_FLOOR_SECONDS
from lakelatch_gateway.switchboard import Switchboard

WAREHOUSES, CLUSTERS = "/api/2.0/sql/warehouses", "/api/2.1/clusters/list"
USABLE_SECONDS: Final = 8
OPTIONS: Final = ("--key-refresh-seconds", "1")
NEVER: Final = {
    "what its role lacks": 403,
    "a stranger": 403,
    "forged": 401,
    "under maintenance": 503,
    "revoked": 401,
}
GONE: Final = {"ConnectionResetError", "ConnectionRefusedError", "BrokenPipeError", "RemoteDisconnected"}
"""What a connection says whose other end has died."""


class Site:
    """A gateway that may be started again on the same state, and everybody who asks it."""

    def __init__(self, scene: Any) -> None:
        self.scene, self.names = scene, ("steady", "closed", "revoked")
        services = {
            name: {
                "issuer": "entra",
                "subject": f"{name}-subject",
                "application_id": f"app-{name}",
                "roles": {"reader": ["clusters.list"]},
            }
            for name in self.names
        }
        scene.workspace.principals |= {f"app-{name}" for name in self.names}
        self.config = scene.configure(services=services)
        (scene.home / "state").mkdir()
        now = datetime.now(UTC)
        Switchboard(scene.home / "state").change(
            lambda switches: switches.closing(Maintenance(scope="service=closed", since=now)).revoking(
                Revocation(kind="subject", value="revoked-subject", since=now)
            )
        )
        self.gateway = scene.start(self.config, *OPTIONS)
        self.tokens = {name: scene.provider.token(f"{name}-subject") for name in (*self.names, "stranger")}
        forger = ec.generate_private_key(ec.SECP256R1())
        forged = scene.provider.token("steady-subject", key=forger)
        self.allowed = self.caller(CLUSTERS, self.tokens["steady"], "app-steady")
        asked = {
            "what its role lacks": (WAREHOUSES, self.tokens["steady"]),
            "a stranger": (CLUSTERS, self.tokens["stranger"]),
            "forged": (CLUSTERS, forged),
            "under maintenance": (CLUSTERS, self.tokens["closed"]),
            "revoked": (CLUSTERS, self.tokens["revoked"]),
        }
        self.never = {name: self.caller(path, token, NEVER[name]) for name, (path, token) in asked.items()}

    def caller(self, path: str, token: str, outcome: str | int) -> Caller:
        return Caller(self.scene.port, path, lambda: token, Expected([outcome]))

    def told(self, message: str) -> int:
        return len([line for line in self.gateway.log if line["message"] == message])


@pytest.fixture(scope="module")
def site(shared_scene: Any) -> Site:
    return Site(shared_scene)


@contextlib.contextmanager
def identity_provider_down(site: Site, eventually: Any) -> Iterator[None]:
    """Longer than its keys are fresh, and until what the first failure might have done would be in force."""
    provider, before = site.scene.provider, site.told("issuer keys not fetched")
    provider.published = []
    eventually(lambda: site.told("issuer keys not fetched") > before + 1)
    yield
    provider.published = None


@contextlib.contextmanager
def upstream_resets(site: Site, eventually: Any, *, where: str = "before the answer") -> Iterator[None]:
    double = site.scene.workspace.double
    double.cut = where
    eventually(lambda: site.allowed.answers[-1].outcome != "app-steady")
    yield
    double.cut = ""


@contextlib.contextmanager
def envoy_killed(site: Site, eventually: Any) -> Iterator[None]:
    [envoy] = site.gateway.envoys
    os.kill(envoy, signal.SIGKILL)
    eventually(lambda: site.gateway.envoys not in ([], [envoy]))
    yield


@contextlib.contextmanager
def gateway_killed(site: Site, eventually: Any) -> Iterator[None]:
    """With its broker and its Envoy; what operators switched has to hold again from the first answer on."""
    site.gateway.process.kill()
    site.gateway.process.wait()
    yield
    site.gateway = site.scene.start(site.config, *OPTIONS)


FAULTS: list[Any] = [
    pytest.param(identity_provider_down, set(), id="identity provider down"),
    pytest.param(upstream_resets, {503}, id="upstream resets"),
    pytest.param(
        functools.partial(upstream_resets, where="within the answer"), {"IncompleteRead"}, id="upstream breaks off"
    ),
    pytest.param(envoy_killed, GONE, id="Envoy killed"),
    pytest.param(gateway_killed, {*GONE, 503}, id="gateway and broker killed"),
]


@pytest.mark.parametrize(("fault", "meanwhile"), FAULTS)
def test_fault_is_survived_and_grants_nothing(
    site: Site,
    fault: Callable[[Site, Any], AbstractContextManager[None]],
    meanwhile: set[str | int],
    eventually: Any,
) -> None:
    """`meanwhile`: what an allowed caller may be told besides, until it is answered as before."""
    callers = [site.allowed, *site.never.values()]
    for caller in callers:
        caller.answers.clear()
    with calling(callers):
        each_is_asked(callers, eventually)
        with fault(site, eventually):
            each_is_asked(callers, eventually)
        eventually(lambda: site.allowed.answers[-1].outcome == "app-steady")
        each_is_asked(callers, eventually)
        assert all(caller.answers[-1].outcome in caller.expected.outcomes for caller in callers)
    assert {answer.outcome for answer in site.allowed.answers} <= {"app-steady"} | meanwhile
    refused = {name: {answer.outcome for answer in caller.answers} for name, caller in site.never.items()}
    assert {name: outcomes - GONE for name, outcomes in refused.items()} == {name: {NEVER[name]} for name in NEVER}


def each_is_asked(callers: list[Caller], eventually: Any) -> None:
    """Until each caller has been told something three times more."""
    goal = [len(caller.answers) + 3 for caller in callers]
    eventually(lambda: all(len(caller.answers) >= count for caller, count in zip(callers, goal, strict=True)))


def test_outage_of_the_exchange_is_unnoticed_until_the_tokens_end_and_then_told(scene: Any, eventually: Any) -> None:
    """Tokens that can be used for 8 s and are fetched anew after 4, which two principals' workspaces do not answer."""
    workspace, released = scene.workspace, threading.Event()
    troubles = {
        "refused": lambda: (503, {"error": "temporarily_unavailable"}),
        "slow": lambda: released.wait(60) and None,
    }
    services = {
        name: {
            "issuer": "entra",
            "subject": f"{name}-subject",
            "application_id": f"app-{name}",
            "roles": {"reader": ["clusters.list"]},
        }
        for name in troubles
    }
    workspace.principals |= {f"app-{name}" for name in troubles}
    workspace.lifetime = EXPIRY_FLOOR_SECONDS + USABLE_SECONDS
    gateway = scene.start(scene.configure(services=services))
    tokens = {name: scene.provider.token(f"{name}-subject") for name in troubles}
    callers = {
        name: Caller(scene.port, CLUSTERS, lambda t=token: t, Expected([f"app-{name}"]))  # type: ignore[misc]
        for name, token in tokens.items()
    }
    with calling(list(callers.values())):
        asked = {name: len(exchanged(workspace, name)) for name in troubles}
        workspace.trouble = {f"app-{name}": trouble for name, trouble in troubles.items()}
        for name, caller in callers.items():
            # Somebody asks for the next token in vain, and nobody notices.
            eventually(lambda n=name: len(exchanged(workspace, n)) > asked[n])
            each_is_asked([caller], eventually)
            assert {answer.outcome for answer in caller.answers} == {f"app-{name}"}
        for name, caller in callers.items():
            eventually(lambda c=caller: c.answers[-1].outcome == 503)
            minted = exchanged(workspace, name)[asked[name] - 1]["subject_token"]
            issued = jwt.decode(minted, options={"verify_signature": False})["iat"]
            first = next(answer for answer in caller.answers if answer.outcome == 503)
            assert time.time() - (time.monotonic() - first.ended) >= issued + USABLE_SECONDS
            refused = gateway.get(CLUSTERS, tokens[name])
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            assert refused.json()["error_code"] == "TEMPORARILY_UNAVAILABLE"
            assert "token" in refused.json()["message"]
        workspace.trouble = {}
        released.set()
        for name, caller in callers.items():
            eventually(lambda c=caller, n=name: c.answers[-1].outcome == f"app-{n}")
    for name, caller in callers.items():
        assert {answer.outcome for answer in caller.answers} == {f"app-{name}", 503}


def exchanged(workspace: Any, name: str) -> list[Any]:
    return [form for form in workspace.exchanges if form["client_id"] == f"app-{name}"]


async def test_two_hundred_callers_of_a_cold_gateway_cause_one_exchange(scene: Any, eventually: Any) -> None:
    """While the first token is being fetched all are told to come again; then all are served with that one token."""
    released = threading.Event()
    scene.workspace.trouble["app-nightly"] = lambda: released.wait(60) and None
    scene.start(scene.configure(), wait=False)
    await asyncio.to_thread(eventually, lambda: scene.workspace.exchanges)
    token = scene.provider.token("nightly-subject")
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    headers = {"authorization": f"Bearer {token}"}
    url = f"http://127.0.0.1:{scene.port}/api/2.0/preview/scim/v2/Me"
    async with httpx.AsyncClient(headers=headers, limits=limits, timeout=60) as client:

        async def ask() -> set[int]:
            return {answer.status_code for answer in await asyncio.gather(*(client.get(url) for _ in range(200)))}

        assert await ask() == {503}
        released.set()
        await asyncio.to_thread(eventually, lambda: httpx.get(url, headers=headers).status_code == 200)
        assert await ask() == {200}
    assert len(scene.workspace.exchanges) == 1
