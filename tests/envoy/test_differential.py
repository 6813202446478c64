"""Simulator equals gateway: generated requests under generated configurations, decided by both without a difference.

`LAKELATCH_DIFFERENTIAL` says how many requests; with it the seed is another every time, unless `LAKELATCH_SEED` is set.
"""

import contextlib
import http.client
import json
import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import pytest
from support.exchange import Exchange
from support.generated import Sent, people, person, request, sections

from lakelatch.access.decisions import RULE_OBSERVED, Decision, Request, decide

CI_REQUESTS: Final = 6_000
REQUESTS: Final = int(os.environ.get("LAKELATCH_DIFFERENTIAL", CI_REQUESTS))
SEED: Final = int(os.environ.get("LAKELATCH_SEED") or (1 if REQUESTS == CI_REQUESTS else secrets.randbits(32)))
PER_CONFIGURATION: Final = 250 if REQUESTS <= CI_REQUESTS else 1_000
SMALL_SHARE: Final = 0.05
"""Most requests of which the protocol checks may refuse to know what they ask."""
PEOPLE_SHARE: Final = 0.3
"""Requests of people, the others are of services."""
RELOADED: Final = "http.gateway.rds.lakelatch.config_reload"

pytestmark = pytest.mark.timeout(300 + REQUESTS // 50)

Told = tuple[bool, str, str | None, str | None]
"""Allowed, rule, service, observed."""


class Client:
    """Sends what it is given as it is given, over one connection."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def send(self, sent: Sent, token: str, agent: str) -> int:
        """The status of the answer."""
        connection = self.connection
        connection.putrequest(sent.method, sent.target, skip_accept_encoding=True)
        about = [("authorization", f"Bearer {token}"), ("user-agent", agent)]
        if sent.body or sent.method in ("POST", "PUT", "PATCH"):
            about.append(("content-length", str(len(sent.body))))
        for name, value in (*sent.headers, *about):
            connection.putheader(name, value)
        connection.endheaders(sent.body or None)
        with connection.getresponse() as response:
            response.read()
        if response.status == 400:
            connection.close()
        return response.status

    def close(self) -> None:
        self.connection.close()


class Trail:
    """The audit trail behind what was read of it before."""

    def __init__(self, live: Any) -> None:
        self.file = live.audit_file.open()
        self.rest = ""
        self.lines: dict[str, dict[str, Any]] = {}

    def read(self) -> dict[str, dict[str, Any]]:
        """Every line by the user agent of its request."""
        *whole, self.rest = (self.rest + self.file.read()).split("\n")
        self.lines |= {line["user_agent"]: line for line in map(json.loads, whole)}
        return self.lines


@pytest.fixture
def client(live: Any) -> Iterator[Client]:
    with contextlib.closing(Client(live.port)) as client:
        yield client


@pytest.fixture
def trail(live: Any) -> Iterator[Trail]:
    trail = Trail(live)
    with trail.file:
        yield trail


def reloads(live: Any) -> int:
    return int(live.admin(f"/stats?filter={RELOADED}").rpartition(":")[2] or 0)


def of_gateway(line: dict[str, Any]) -> Told:
    """What an audit line tells; what an observed role would let through is nothing to tell."""
    rule, observed = line["rule"], line["observed"]
    if observed is not None and observed.startswith("role:"):
        rule, observed = observed if rule == RULE_OBSERVED else rule, None
    return line["decision"] == "allow", rule, line["service"], observed


def of_simulator(decision: Decision) -> Told:
    return decision.allowed, decision.rule, decision.service, decision.observed


def difference(config: Any, sent: Sent, line: dict[str, Any], decision: Decision) -> str:
    """Everything that is needed to see one difference."""
    policy = config.policy
    service = policy.subjects.get(decision.service or line["service"])
    rules = policy.about(service) if service else []
    about = {name: config.rules[name].model_dump(mode="json", exclude_defaults=True) for name in rules}
    return "\n".join(
        (
            f"seed {SEED}: gateway and simulator differ",
            f"request: {sent}",
            f"gateway: {line}",
            f"simulator: {decision}",
            f"service: {service}",
            f"rules about it: {json.dumps(about, ensure_ascii=False, indent=1)}",
        )
    )


@pytest.fixture
def live(make_envoy: Any, configure: Any) -> Any:
    envoy = make_envoy()
    envoy.apply(configure(**sections(Random(0))))
    envoy.start()
    return envoy


@pytest.fixture
def exchange(live: Any) -> Iterator[Exchange]:
    with contextlib.closing(Exchange(live.folder)) as exchange:
        yield exchange


def test_gateway_and_simulator_decide_alike(
    live: Any,
    exchange: Exchange,
    client: Client,
    trail: Trail,
    configure: Any,
    entra: Any,
    cluster: Any,
    workspace: Any,
    eventually: Any,
) -> None:
    print(f"LAKELATCH_SEED={SEED}")
    random = Random(SEED)
    issuers = {"entra": entra, "cluster": cluster}
    outside = 0
    rules: set[str] = set()
    for first in range(0, REQUESTS, PER_CONFIGURATION):
        config = configure(**(made := sections(random) | {"people": people(random)}))
        exchange.know(config)
        before = reloads(live)
        live.apply(config)
        eventually(lambda before=before: reloads(live) > before)
        tokens: dict[str, str] = {}
        asked: dict[str, tuple[Sent, dict[str, Any], datetime]] = {}
        for number in range(first, first + PER_CONFIGURATION):
            is_person = random.random() < PEOPLE_SHARE
            claims, sent = person(random, made["people"]) if is_person else ({}, request(random, made["services"]))
            who = f"{sent.issuer} {sent.subject} {claims}"
            token = tokens.get(who) or tokens.setdefault(who, issuers[sent.issuer].token(sent.subject, **claims))
            now = datetime.now(UTC)
            if client.send(sent, token, f"generated {number}") == 400:
                outside += 1
            else:
                asked[f"generated {number}"] = sent, claims, now
        eventually(lambda asked=asked: asked.keys() <= trail.read().keys())
        for agent, (sent, claims, now) in asked.items():
            line = trail.lines[agent]
            decided = decide(
                config.policy,
                Request(
                    sent.method,
                    line["path"],
                    issuers[sent.issuer].url,
                    sent.subject,
                    claims,
                    time=now,
                    headers=sent.headers,
                    body=sent.body,
                    user=claims.get("upn"),
                ),
            )
            assert of_gateway(line) == of_simulator(decided), difference(config, sent, line, decided)
            rules |= {line["rule"].partition(":")[0], f"observed {(line['observed'] or '').partition(':')[0]}"}
        trail.lines.clear()
        workspace.requests.clear()
    assert outside <= REQUESTS * SMALL_SHARE, f"{outside} requests were refused before anybody decided"
    wanted = {
        "role",
        "rule",
        "observe",
        "default-deny",
        "unknown-action",
        "unknown-identity",
        "observed rule",
        "no-group",
    }
    assert rules >= wanted
