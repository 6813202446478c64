"""Policy, maintenance and an issuer's keys change under load: who may pass always does, and nobody else ever.

`LAKELATCH_RELOADS` says how many policies are swapped; with them go a tenth as many maintenance windows and a quarter
as many rotations of the issuer's key. Every answer is held against what was in force while it was made: the policy
before until the change was seen, the next one from its delivery on, never a third.
"""

import functools
import os
import statistics
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from support.callers import Caller, Expected, calling, step

from lakelatch.access.switches import Maintenance
from lakelatch_gateway.switchboard import Switchboard

SWAPS: Final = int(os.environ.get("LAKELATCH_RELOADS", "12"))
TOGGLES: Final = max(SWAPS // 10, 2)
ROTATIONS: Final = SWAPS // 4

WAREHOUSES, CLUSTERS = "/api/2.0/sql/warehouses", "/api/2.1/clusters/list"
READS: Final = {WAREHOUSES: "warehouses.list", CLUSTERS: "clusters.list"}
SERVICES: Final = ("steady", "swapped", "closed")

pytestmark = pytest.mark.timeout(120 + 6 * SWAPS)


class Keys:
    """The issuer's keys as it rotates them, and tokens that each of them signed."""

    def __init__(self, provider: Any) -> None:
        self._provider, self._tokens = provider, dict[tuple[str, str], str]()
        self._made = {provider.kid: provider.key}
        self.signing = self.oldest = self.newest = provider.kid

    def make(self) -> None:
        """Another key, which nobody knows yet."""
        self.newest = uuid.uuid4().hex
        self._made[self.newest] = ec.generate_private_key(ec.SECP256R1())

    def retire(self) -> None:
        """Of the key before the one that signs, nobody has a token any more."""
        self.oldest = self.signing

    def publish(self, *kids: str) -> None:
        """What the issuer's key set has from now on."""
        public = {kid: jwt.algorithms.ECAlgorithm.to_jwk(self._made[kid].public_key(), as_dict=True) for kid in kids}
        self._provider.published = [{**jwk, "kid": kid, "use": "sig"} for kid, jwk in public.items()]

    def token(self, subject: str, kid: str) -> str:
        if (kid, subject) not in self._tokens:
            self._tokens[kid, subject] = self._provider.token(subject, key=self._made[kid], kid=kid)
        return self._tokens[kid, subject]


def policy(scene: Any, swapped: str) -> Any:
    """The swapped service may do one thing only, the others what they always may."""
    granted = {"steady": CLUSTERS, "swapped": swapped, "closed": CLUSTERS}
    services = {
        name: {
            "issuer": "entra",
            "subject": f"{name}-subject",
            "application_id": f"app-{name}",
            "roles": {"reader": [READS[path]]},
        }
        for name, path in granted.items()
    }
    return scene.configure(services=services)


@pytest.fixture
def keys(provider: Any) -> Keys:
    return Keys(provider)


@pytest.fixture
def callers(scene: Any, keys: Keys) -> dict[str, Caller]:
    """Each with what it is answered at the start."""
    forger = ec.generate_private_key(ec.SECP256R1())

    def signed(subject: str, kid: Callable[[], str] = lambda: keys.signing) -> Callable[[], str]:
        return lambda: keys.token(subject, kid())

    table: dict[str, tuple[str, Callable[[], str], str | int]] = {
        "allowed": (CLUSTERS, signed("steady-subject"), "app-steady"),
        "allowed on another connection": (CLUSTERS, signed("steady-subject"), "app-steady"),
        "what its role lacks": (WAREHOUSES, signed("steady-subject"), 403),
        "nobody's subject": (CLUSTERS, signed("stranger"), 403),
        "forged": (CLUSTERS, lambda: scene.provider.token("steady-subject", key=forger, kid=keys.signing), 401),
        "swapped out": (CLUSTERS, signed("swapped-subject"), "app-swapped"),
        "swapped in": (WAREHOUSES, signed("swapped-subject"), 403),
        "closed": (CLUSTERS, signed("closed-subject"), "app-closed"),
        "newest key": (CLUSTERS, signed("steady-subject", lambda: keys.newest), "app-steady"),
        "oldest key": (CLUSTERS, signed("steady-subject", lambda: keys.oldest), "app-steady"),
    }
    return {
        name: Caller(scene.port, path, token, Expected([outcome])) for name, (path, token, outcome) in table.items()
    }


def swap_policies(scene: Any, callers: dict[str, Caller], swapped: list[float]) -> None:
    for number in range(SWAPS):
        read = CLUSTERS if number % 2 else WAREHOUSES
        becomes: dict[str, str | int] = {"swapped in": "app-swapped", "swapped out": 403}
        if read == CLUSTERS:
            becomes = {"swapped in": 403, "swapped out": "app-swapped"}
        delivered = functools.partial(scene.deliver, policy(scene, read))
        swapped.append(step(delivered, becomes, callers))


def toggle_maintenance(scene: Any, callers: dict[str, Caller], after: Callable[[float], None]) -> list[float]:
    """Each window stays open, and shut, for as long as policies come into force."""
    board, scope, took = Switchboard(scene.home / "state"), "service=closed", []
    window = Maintenance(scope=scope, since=datetime.now(UTC))
    for number in range(TOGGLES):
        after(number / TOGGLES)
        took.append(step(lambda: board.change(lambda on: on.closing(window)), {"closed": 503}, callers))
        after((number + 0.5) / TOGGLES)
        took.append(step(lambda: board.change(lambda on: on.opening(scope)), {"closed": "app-closed"}, callers))
    return took


def rotate_keys(keys: Keys, callers: dict[str, Caller], after: Callable[[float], None]) -> list[float]:
    """As issuers do it: published before it signs, withdrawn when what it signed is no longer used."""
    took = []
    for number in range(ROTATIONS):
        after(number / ROTATIONS)
        step(keys.make, {"newest key": 401}, callers)
        published = functools.partial(keys.publish, keys.signing, keys.newest)
        took.append(step(published, {"newest key": "app-steady"}, callers))
        after((number + 0.5) / ROTATIONS)
        keys.signing = keys.newest
        took.append(step(lambda: keys.publish(keys.signing), {"oldest key": 401}, callers))
        step(keys.retire, {"oldest key": "app-steady"}, callers)
    return took


def test_changes_under_load_lose_no_request_and_let_none_through(
    scene: Any, keys: Keys, callers: Any, eventually: Any
) -> None:
    """Denied: what no role grants, a stranger, a forged signature, a key before it is published or once withdrawn."""
    scene.workspace.principals |= {f"app-{name}" for name in SERVICES}
    gateway = scene.start(policy(scene, CLUSTERS), "--key-refresh-seconds", "1")
    envoys, swapped = gateway.envoys, list[float]()

    def after(share: float) -> None:
        eventually(lambda: len(swapped) >= int(share * SWAPS), seconds=120)

    with calling(list(callers.values())), ThreadPoolExecutor() as pool:
        policies = pool.submit(swap_policies, scene, callers, swapped)
        maintenance = pool.submit(toggle_maintenance, scene, callers, after)
        rotations = pool.submit(rotate_keys, keys, callers, after)
    policies.result()
    asked = {name: len(caller.answers) for name, caller in callers.items()}
    print(f"\n{sum(asked.values())} requests: {asked}")
    for name, took in {"policy": swapped, "maintenance": maintenance.result(), "key": rotations.result()}.items():
        told = f"in force after {statistics.median(took):.2f} s, {max(took):.2f} s at most"
        print(f"{name}: {len(took)} changes, {told}")
    assert {name: caller.wrong for name, caller in callers.items() if caller.wrong} == {}
    assert min(asked.values()) > SWAPS
    assert gateway.envoys == envoys
