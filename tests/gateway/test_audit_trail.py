"""The audit trail of a live gateway: what a crash can lose, what a full disk does, and that the trail always holds."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from lakelatch_gateway.audit.source import FolderSource
from lakelatch_gateway.audit.verification import verify

ME = "/api/2.0/preview/scim/v2/Me"
FLUSHES = "filesystem.flushed_by_timer"


def holds(home: Path) -> int:
    """The number of lines that are as they were sealed; nothing is without a seal."""
    verdict = verify(FolderSource(home / "state" / "audit"))
    assert (verdict.findings, verdict.notes) == ([], [])
    return verdict.lines


def counter(gateway: Any, name: str) -> int:
    told = dict(line.split(": ", 1) for line in gateway.admin("GET", "/stats").splitlines() if ": " in line)
    return int(told.get(name, 0))


def envoy_of(gateway: Any) -> int:
    tasks = Path(f"/proc/{gateway.process.pid}/task").glob("*/children")
    found = [int(pid) for task in tasks for pid in task.read_text().split()]
    [pid] = [pid for pid in found if "envoy" in Path(f"/proc/{pid}/cmdline").read_text()]
    return pid


def ask(gateway: Any, paths: Any, token: str, *, ended: threading.Event | None = None) -> list[str]:
    """The paths that were answered, one after the other, until the gateway is gone."""
    answered: list[str] = []
    with httpx.Client(base_url=gateway.url, headers={"authorization": f"Bearer {token}"}, timeout=20) as client:
        for path in paths:
            try:
                client.get(path)
            except httpx.TransportError:
                break
            answered.append(path)
    if ended is not None:
        ended.set()
    return answered


def break_disk(gateway: Any, home: Path) -> None:
    """Every write of an audit line fails with ENOSPC from now on, as on a full disk."""
    link = home / "state" / "audit" / "requests.jsonl"
    beside = link.with_name("broken")
    beside.symlink_to("/dev/full")
    os.replace(beside, link)
    gateway.admin("POST", "/reopen_logs")


def mend_disk(gateway: Any, home: Path) -> None:
    link = home / "state" / "audit" / "requests.jsonl"
    beside = link.with_name("mended")
    beside.symlink_to("requests-000001.jsonl")
    os.replace(beside, link)
    gateway.admin("POST", "/reopen_logs")


def test_events_and_requests_are_sealed_and_hold_no_secret(
    start: Any, configure: Any, provider: Any, workspace: Any, home: Any, deliver: Any, eventually: Any
) -> None:
    gateway = start(configure())
    token = provider.token("nightly-subject")
    assert gateway.get(ME, token).status_code == 200
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "subject_token": token[:-8] + "tampered",
    }
    assert httpx.post(f"{gateway.url}/oidc/v1/token", data=form).status_code == 400
    deliver(home / "config", "{")
    eventually(lambda: [line for line in gateway.events if line["event"] == "configuration.refused"])
    assert gateway.stop() == 0
    events = {line["event"]: line for line in gateway.events}
    assert list(events) == [
        "gateway.started",
        "keys.changed",
        "token.fetched",
        "configuration.adopted",
        "exchange.refused",
        "configuration.refused",
        "gateway.stopped",
    ]
    fetched, refused = events["token.fetched"], events["exchange.refused"]
    assert (fetched["decision"], fetched["service"], fetched["application_id"]) == ("allow", "nightly", "app-nightly")
    assert (refused["decision"], refused["rule"]) == ("deny", "authentication")
    assert [line["path"] for line in gateway.audit if line["request_id"] == refused["request_id"]] == ["/oidc/v1/token"]
    assert holds(home) == len(gateway.events) + len(gateway.audit)
    told = "".join(path.read_text() for path in (home / "state" / "audit").iterdir())
    minted = [exchange["subject_token"] for exchange in workspace.exchanges]
    secrets = [token, token[:-8], *workspace.tokens, *minted, (home / "keys" / "signing.pem").read_text()]
    assert not [secret for secret in secrets if secret in told]


def test_restart_continues_the_trail_and_the_log_tells_its_anchors(
    start: Any, configure: Any, provider: Any, home: Any
) -> None:
    anchors = []
    for _ in range(2):
        gateway = start(configure())
        gateway.get(ME, provider.token("nightly-subject"))
        gateway.stop()
        anchors += [line["anchor"] for line in gateway.log if line["message"] == "audit anchor"]
    assert [line["event"] for line in gateway.events].count("gateway.started") == 2
    assert "audit.gap" not in [line["event"] for line in gateway.events]
    numbers = [int(anchor.partition(":")[0]) for anchor in anchors]
    assert numbers == sorted(set(numbers))
    assert str(verify(FolderSource(home / "state" / "audit")).head) == anchors[-1]
    assert holds(home)


@pytest.mark.parametrize("victim", ["Envoy", "the gateway"])
def test_kill_loses_only_what_envoy_had_not_flushed(
    start: Any, configure: Any, provider: Any, home: Any, eventually: Any, victim: str
) -> None:
    """Envoy flushes by a timer of 250 ms: after two ticks, every request that was answered before has its line.

    Told in ticks and not in seconds, so that it holds on a busy machine too. Envoy ends with the gateway, often in good
    order and with no line lost; but the kernel may signal the end of a parent of several threads more than once, and
    the second signal kills.
    """
    gateway = start(configure())
    token = provider.token("nightly-subject")
    flushed = ask(gateway, [f"/flushed/{number}" for number in range(200)], token)
    assert len(flushed) == 200
    ticks = counter(gateway, FLUSHES)
    eventually(lambda: counter(gateway, FLUSHES) >= ticks + 2)
    ended, late = threading.Event(), []
    asking = threading.Thread(
        target=lambda: late.extend(ask(gateway, (f"/late/{number}" for number in range(10**6)), token, ended=ended))
    )
    asking.start()
    eventually(lambda: [line for line in gateway.audit if line["path"].startswith("/late/")])
    envoy = envoy_of(gateway)
    os.kill(envoy if victim == "Envoy" else gateway.process.pid, signal.SIGKILL)
    asking.join(30)
    assert ended.is_set()
    if victim == "the gateway":
        gateway.process.wait()
        eventually(lambda: not Path(f"/proc/{envoy}/exe").exists())
        gateway = start(configure())
    eventually(lambda: [line for line in gateway.events if line["event"] == "audit.gap"])
    there = {line["path"] for line in gateway.audit}
    missing = [path for path in (*flushed, *late) if path not in there]
    print(f"{len(missing)} of {len(flushed) + len(late)} answered requests have no line")
    # A tail of what came last, and nothing else.
    assert missing == late[len(late) - len(missing) :]
    eventually(lambda: ask(gateway, ["/after"], token))
    gateway.stop()
    assert "/after" in {line["path"] for line in gateway.audit}
    assert holds(home)


def test_gate_closes_while_audit_lines_cannot_be_written_and_opens_again(
    start: Any, configure: Any, provider: Any, home: Any, deliver: Any, eventually: Any
) -> None:
    """No configuration that is delivered meanwhile opens it."""
    gateway = start(configure())
    token = provider.token("nightly-subject")
    assert gateway.get(ME, token).status_code == 200
    break_disk(gateway, home)
    eventually(lambda: gateway.get(ME, token).status_code == 503)
    refused = gateway.get(ME, token)
    assert "cannot write its audit trail" in refused.json()["message"]
    assert int(refused.headers["retry-after"]) > 0
    assert gateway.get(ME).status_code == 401
    assert gateway.get("/.well-known/jwks.json").status_code == 200
    deliver(home / "config", configure(roles={"reader": ["current_user.me", "warehouses.list"]}).file())
    eventually(lambda: "configuration in force" in [line["message"] for line in gateway.log])
    assert gateway.get(ME, token).status_code == 503
    mend_disk(gateway, home)
    eventually(lambda: gateway.get(ME, token).status_code == 200)
    assert gateway.get("/api/2.0/sql/warehouses", token).status_code == 200
    gateway.stop()
    failed, recovered = [line for line in gateway.events if line["event"].startswith("audit.")]
    assert (failed["event"], failed["decision"], failed["rule"]) == ("audit.failed", "deny", "audit")
    assert recovered["event"] == "audit.recovered"
    # Refused after the disk was mended, while the gate held: those have lines.
    [line, *_] = [line for line in gateway.audit if line["rule"] == "audit"]
    assert (line["decision"], line["status"], line["subject"]) == ("deny", 503, "nightly-subject")
    assert holds(home)


def test_gate_stays_open_where_that_was_chosen(
    start: Any, configure: Any, provider: Any, home: Any, eventually: Any
) -> None:
    gateway = start(configure(), "--audit-failure", "allow")
    token = provider.token("nightly-subject")
    break_disk(gateway, home)
    statuses = set()

    def told() -> bool:
        statuses.add(gateway.get(ME, token).status_code)
        return bool([line for line in gateway.events if line["event"] == "audit.failed"])

    eventually(told)
    statuses.add(gateway.get(ME, token).status_code)
    assert statuses == {200}
    assert [line["decision"] for line in gateway.events if line["event"] == "audit.failed"] == ["allow"]


def test_gateway_ends_when_the_gate_cannot_be_closed(
    start: Any, configure: Any, provider: Any, home: Any, eventually: Any
) -> None:
    gateway = start(configure())
    (home / "state" / "run" / "gate.json.aside").unlink()
    break_disk(gateway, home)
    gateway.get(ME, provider.token("nightly-subject"))
    assert gateway.process.wait(30) == 1
    assert "the gate cannot be closed" in (home / "log.jsonl").read_text()


def test_segments_follow_each_other_without_losing_a_line(
    start: Any, configure: Any, provider: Any, home: Any, eventually: Any
) -> None:
    gateway = start(configure(), "--audit-segment-mib", "1")
    token = provider.token("nightly-subject")
    asked = [f"/{number}/" + "x" * 6000 for number in range(500)]
    assert ask(gateway, asked, token) == asked
    eventually(lambda: ask(gateway, ["/more"], token) and (home / "state" / "audit" / "seals-000002.jsonl").exists())
    gateway.stop()
    assert [line["path"] for line in gateway.audit if line["path"] != "/more"] == asked
    assert holds(home) == len(gateway.audit) + len(gateway.events)


@pytest.mark.parametrize("blocked", ["", "seals-000001.jsonl"], ids=["the folder", "a file"])
def test_trail_that_cannot_be_opened_is_told_and_nothing_is_served(
    start: Any, configure: Any, home: Any, blocked: str
) -> None:
    place = home / "state" / "audit"
    if blocked:
        (place / blocked).mkdir(parents=True)
    else:
        place.parent.mkdir()
        place.write_text("")
    gateway = start(configure(), wait=False)
    assert gateway.process.wait(30) == 1
    assert "the audit trail in" in (home / "log.jsonl").read_text()
