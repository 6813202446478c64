"""Proves that the stack stays what the program says: drift is shown and repaired, a killed run is completed, and
destroying leaves the doubles as they were."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest
import yaml
from support.project import Project

pytestmark = pytest.mark.line


def test_drift_is_shown_by_refresh_and_repaired_by_up(project: Project) -> None:
    account = project.account()
    principal = next(account.service_principals.list(filter='displayName eq "nightly-report"'))
    number = int(principal.id or 0)
    policy = account.service_principal_federation_policy.get(number, "lakelatch-gateway")
    assert policy.oidc_policy is not None
    before = project.objects()
    policy.oidc_policy.subject = "somebody-else"
    account.service_principal_federation_policy.update(number, "lakelatch-gateway", policy, update_mask="*")
    assert project.objects() != before
    shown = project.pulumi("refresh", "--preview-only", "--diff")
    assert "somebody-else" in shown
    project.pulumi("refresh", "--yes", "--skip-preview")
    said = project.pulumi("up", "--yes", "--skip-preview")
    assert re.findall(r"(\S+) (created|updated|deleted|replaced) ", said) == [
        ("access-nightly-report/lakelatch-gateway", "updated")
    ]
    assert re.search(r"Resources:\n +~ 1 updated\n +\d+ unchanged\n", said)
    repaired = account.service_principal_federation_policy.get(number, "lakelatch-gateway").oidc_policy
    assert repaired is not None
    assert repaired.subject == "nightly-report"
    project.pulumi("preview", "--expect-no-changes")


def test_a_deleted_application_is_made_again(project: Project) -> None:
    """Drift on the Entra side: refresh drops what is gone, up makes it anew and the gateway learns the new subject."""
    old = project.service["client_id"]
    [application] = project.graph("GET", f"/applications?$filter=appId eq '{old}'")["value"]
    project.graph("DELETE", f"/applications/{application['id']}")
    project.pulumi("refresh", "--yes", "--skip-preview")
    project.lakelatch("up")
    assert project.service["client_id"] != old
    assert project.stack.ask("nightly-report")["user_name"] == project.service["application_id"]


def test_what_a_killed_run_made_is_adopted_and_not_made_twice(project: Project) -> None:
    """The worst moment, for every resource at once: made by the vendor, not yet written down by the engine."""
    before = project.objects()
    [file] = project.stack.layout.backend.rglob("stacks/**/local.json")
    state = json.loads(file.read_text())
    deployment = state["checkpoint"]["latest"]
    made = [row for row in deployment["resources"] if row.get("id") and not row["type"].startswith("pulumi:")]
    assert len(made) == 13
    deployment["resources"] = [row for row in deployment["resources"] if row not in made]
    begun = [{key: value for key, value in row.items() if key not in ("id", "outputs")} for row in made]
    deployment["pending_operations"] = [{"resource": row, "type": "creating"} for row in begun]
    file.write_text(json.dumps(state))
    said = project.lakelatch("up", "--verbose")
    assert "13 creations were under way, 12 had been carried out" in said  # a delivery is simply done again
    assert project.objects() == before
    project.pulumi("preview", "--expect-no-changes")


def test_a_changed_model_is_in_force_without_a_restart(project: Project) -> None:
    """A second service with a smaller role, a renamed workspace; then everything as it was."""
    file = project.folder / "stacks" / "access.yaml"
    shipped = file.read_text()
    model = yaml.safe_load(shipped)
    model["workspaces"] = {"lab": model["workspaces"]["analytics"]}
    model["gateway"]["workspace"] = model["services"]["nightly-report"]["workspace"] = "lab"
    model["roles"]["who-am-i"] = {"actions": ["current_user.me"]}
    model["services"]["probe"] = {
        "issuer": "entra",
        "workspace": "lab",
        "roles": ["who-am-i"],
        "workload": {"issuer": "cluster", "namespace": "reports", "service_account": "probe"},
    }
    gateway = project.stack.gateway.process()
    try:
        file.write_text(yaml.safe_dump(model))
        project.lakelatch("up")
        probe, report = project.stack.token("probe"), project.stack.token("nightly-report")
        _until(lambda: project.ask(probe).status_code == 200)
        assert project.ask(probe, "/api/2.0/sql/warehouses").status_code == 403
        assert project.ask(report, "/api/2.0/sql/warehouses").status_code == 200
        sees = {project.ask(token).json()["userName"] for token in (probe, report)}
        assert len(sees) == 2
    finally:
        file.write_text(shipped)
        project.lakelatch("up")
    _until(lambda: project.ask(probe).status_code == 403)
    assert project.stack.gateway.process() == gateway


def _until(holds: Callable[[], bool]) -> None:
    """Wait for what comes into force in the background."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def untouched(fresh: Project) -> Any:
    """What doubles hold that nobody has worked on."""
    fresh.stack.layout.make()
    fresh.stack.start_sandbox()
    return fresh.objects()


def test_up_completes_what_a_killed_up_began(fresh: Project, untouched: Any) -> None:
    """SIGKILL to the engine in the middle of its work: what it left running ends, what it left locked is freed."""
    up = subprocess.Popen([*_lakelatch(), "up"], cwd=fresh.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        engine = _wait_for_engine(fresh, up)
        family = engine.children(recursive=True)
        engine.send_signal(signal.SIGKILL)
    finally:
        up.wait(timeout=120)
    assert up.returncode == 1
    assert family
    assert psutil.wait_procs(family, timeout=60)[1] == []
    assert list(fresh.stack.layout.backend.rglob("locks/**/*.json")), "it was not in the middle of its work"
    assert fresh.objects() != untouched
    assert "its lock on the state is removed" in fresh.lakelatch("up", "--verbose")
    assert fresh.stack.ask("nightly-report")["user_name"] == fresh.service["application_id"]
    fresh.pulumi("preview", "--expect-no-changes")


def test_destroy_leaves_the_doubles_as_they_were(fresh: Project, untouched: Any) -> None:
    assert fresh.objects() != untouched
    fresh.pulumi("destroy", "--yes", "--skip-preview")
    assert fresh.objects() == untouched


def test_down_removes_processes_and_files(fresh: Project) -> None:
    """Last: afterwards nothing is left, and `up` would begin anew."""
    stack = fresh.stack
    processes = [daemon.process() for daemon in (stack.sandbox, stack.gateway)]
    family = [child for process in processes if process for child in (process, *process.children(recursive=True))]
    assert len(family) >= 3
    fresh.lakelatch("down")
    assert not [process for process in family if process.is_running() and process.status() != "zombie"]
    assert not stack.layout.state.exists()
    assert not stack.layout.stack_file.exists()
    assert "nothing to remove" in fresh.lakelatch("down")
    assert json.loads(fresh.lakelatch("status", "--json", expect=1))["healthy"] is False


def _lakelatch() -> list[str]:
    import sys

    return [sys.executable, "-m", "lakelatch"]


def _wait_for_engine(project: Project, up: "subprocess.Popen[bytes]") -> psutil.Process:
    """The engine, when it has made its first objects and is not yet done."""
    log = project.stack.layout.logs / "pulumi.log"  # written line by line, as the engine speaks
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        assert up.poll() is None, "up ended before it could be killed"
        if log.exists() and re.search(r"ApplicationRegistration \S+ created", log.read_text()):
            for child in psutil.Process(up.pid).children():
                if "pulumi" in os.path.basename(child.exe()):
                    return child
        time.sleep(0.02)
    raise AssertionError("the engine made nothing")
