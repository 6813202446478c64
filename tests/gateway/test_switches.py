"""What operators switch is in force at once, for exactly what was said, and ends when it was said to end."""

import json
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from click.testing import CliRunner

from lakelatch.access.switches import Maintenance, Revocation, Switches
from lakelatch.errors import CommandError, LakelatchError, ModelError
from lakelatch_gateway.switch_cli import maintenance, revoke
from lakelatch_gateway.switchboard import Switchboard, difference

ME = "/api/2.0/preview/scim/v2/Me"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def run(command: Any, *arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_maintenance_ends_when_it_was_said_to() -> None:
    closed = Switches().closing(Maintenance(scope="all", since=NOW, until=NOW + timedelta(minutes=1)))
    assert [one.scope for one in closed.closed(NOW + timedelta(seconds=59))] == ["all"]
    assert closed.closed(NOW + timedelta(minutes=1)) == ()


def test_what_is_said_again_replaces_what_was_said_of_the_same() -> None:
    one = Maintenance(scope="service=a", reason="one", since=NOW)
    two = Maintenance(scope="service=a", reason="two", since=NOW)
    assert Switches().closing(one).closing(two).maintenance == (two,)
    revocation = Revocation(kind="jti", value="x", since=NOW)
    revoked = Switches().revoking(revocation).revoking(revocation)
    assert revoked.revoked("jti") == {"x"}
    assert revoked.restoring("jti", "x") == Switches()
    assert Switches().closing(one).opening("service=b").maintenance == (one,)
    assert Switches().closing(one).opening(None) == Switches()


def test_the_document_survives_being_written(tmp_path: Path) -> None:
    board = Switchboard(tmp_path)
    written = board.change(lambda switches: switches.closing(Maintenance(scope="action=jobs.run_now", since=NOW)))
    assert board.read() == written
    assert board.file.stat().st_mode & 0o777 == 0o600


def test_commands_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    board = Switchboard(tmp_path)

    def many(which: int) -> None:
        for number in range(20):
            one = Revocation(kind="jti", value=f"{which}-{number}", since=NOW)
            board.change(lambda switches, one=one: switches.revoking(one))  # type: ignore[misc]

    threads = [threading.Thread(target=many, args=(which,)) for which in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(board.read().revocations) == 80


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 2}', '{"maintenance": [{"scope": "all"}]}', '{"x": 1}'])
def test_a_broken_document_is_refused(tmp_path: Path, text: str) -> None:
    board = Switchboard(tmp_path)
    board.file.write_text(text)
    with pytest.raises(ModelError):
        board.read()


LATER = NOW + timedelta(hours=1)
ONE = Maintenance(scope="service=a", reason="upgrade", since=NOW, until=NOW + timedelta(minutes=1))
LOST = Revocation(kind="jti", value="x", since=NOW)
DIFFERENCES: list[Any] = [
    pytest.param(Switches(), Switches(), NOW, {}, id="nothing"),
    pytest.param(Switches(), Switches().closing(ONE), NOW, {"closed": ["service=a (upgrade)"]}, id="closed"),
    pytest.param(Switches().closing(ONE), Switches(), NOW, {"opened": ["service=a"]}, id="opened"),
    pytest.param(Switches().closing(ONE), Switches().closing(ONE), LATER, {"opened": ["service=a"]}, id="by itself"),
    pytest.param(Switches(), Switches().revoking(LOST), NOW, {"revoked": ["jti=x"]}, id="revoked"),
    pytest.param(Switches().revoking(LOST), Switches(), NOW, {"restored": ["jti=x"]}, id="restored"),
]


@pytest.mark.parametrize(("before", "after", "now", "told"), DIFFERENCES)
def test_what_was_switched_is_told(before: Switches, after: Switches, now: datetime, told: Any) -> None:
    assert difference(before, NOW, after, now) == told


BAD: list[Any] = [
    pytest.param(maintenance, ["on", "--scope", "everything"], "--scope", id="scope"),
    pytest.param(maintenance, ["on", "--until", "tomorrow"], "no time", id="no time"),
    pytest.param(maintenance, ["on", "--until", "2020-01-01T00:00:00Z"], "passed", id="passed"),
    pytest.param(maintenance, ["on", "--until", "2030-01-01T00:00:00"], "time zone", id="no zone"),
    pytest.param(revoke, [], "exactly one", id="nothing"),
    pytest.param(revoke, ["--key", "a", "--jti", "b"], "exactly one", id="two"),
]


@pytest.mark.parametrize(("command", "arguments", "says"), BAD)
def test_a_command_that_cannot_work_changes_nothing(
    tmp_path: Path, command: Any, arguments: list[str], says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        CliRunner().invoke(command, [*arguments, "--state-dir", str(tmp_path)], catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(LakelatchError, match="no state folder"):
        Switchboard(tmp_path / "nowhere").change(lambda switches: switches)


def test_status_tells_what_is_switched(tmp_path: Path) -> None:
    state = ["--state-dir", str(tmp_path)]
    assert "everything is open" in run(maintenance, "status", *state)
    run(maintenance, "on", "--scope", "service=a", "--reason", "upgrade", "--until", "2h", *state)
    run(revoke, "--subject", "s", *state)
    told = run(maintenance, "status", *state)
    assert "closed: service=a until" in told
    assert "(upgrade)" in told
    assert "revoked: subject s" in told
    assert json.loads(run(maintenance, "status", "--json", *state))["version"] == 1
    run(maintenance, "off", *state)
    run(revoke, "--subject", "s", "--undo", *state)
    assert "everything is open" in run(maintenance, "status", *state)


@pytest.fixture(scope="module")
def gateway(shared_scene: Any) -> Any:
    return shared_scene.start(shared_scene.configure())


class Live:
    """A gateway, what a test switches in it, and two tokens that no other test uses."""

    def __init__(self, scene: Any, gateway: Any, eventually: Any) -> None:
        self.scene, self._gateway, self._eventually = scene, gateway, eventually
        self.state = scene.home / "state"
        self.one, self.two = uuid.uuid4().hex, uuid.uuid4().hex
        self.token = scene.provider.token("nightly-subject", jti=self.one)
        self.other = scene.provider.token("nightly-subject", jti=self.two)

    def __call__(self, command: Any, *arguments: str) -> str:
        return run(command, *arguments, "--state-dir", str(self.state))

    def answer(self, token: str | None = None) -> Any:
        return self._gateway.get(ME, token or self.token)

    def becomes(self, status: int, token: str | None = None) -> Any:
        return self._eventually(lambda: answer if (answer := self.answer(token)).status_code == status else None)

    def line(self, answer: Any) -> Any:
        """The audit line of an answer."""
        asked = answer.json()["request_id"]
        [line] = self._eventually(lambda: [line for line in self._gateway.audit if line["request_id"] == asked])
        return line

    def adopted(self) -> int:
        return len([line for line in self._gateway.log if line["message"] == "configuration in force"])


@pytest.fixture
def switched(shared_scene: Any, gateway: Any, eventually: Any) -> Iterator[Live]:
    """`switched(command, …)` switches something, `.answer(…)` asks with a token; afterwards nothing is switched."""
    live = Live(shared_scene, gateway, eventually)
    live.becomes(200)
    yield live
    (live.state / "switches.json").unlink(missing_ok=True)


@pytest.mark.parametrize("scope", ["all", "service=nightly", "action=current_user.me", "environment=production"])
def test_what_is_closed_answers_503_until_it_is_open_again(switched: Any, scope: str) -> None:
    switched(maintenance, "on", "--scope", scope, "--reason", "upgrade")
    refused = switched.becomes(503)
    assert refused.headers["retry-after"] == "30"
    assert refused.json()["error_code"] == "TEMPORARILY_UNAVAILABLE"
    assert "maintenance" in refused.json()["message"]
    line = switched.line(refused)
    assert (line["decision"], line["rule"], line["action"]) == ("deny", "maintenance", "current_user.me")
    assert line["status"] == 503
    switched(maintenance, "off")
    switched.becomes(200)


@pytest.mark.parametrize("scope", ["service=other", "action=jobs.list", "environment=staging"])
def test_what_is_closed_elsewhere_closes_nothing_here(switched: Any, scope: str) -> None:
    # A switch of the same moment tells when this one is in force as well.
    switched(maintenance, "on", "--scope", scope)
    switched(revoke, "--jti", switched.two)
    switched.becomes(401, switched.other)
    assert switched.answer().status_code == 200


def test_maintenance_ends_by_itself(switched: Any) -> None:
    switched(maintenance, "on", "--until", "2s")
    switched.becomes(503)
    switched.becomes(200)


def test_a_revoked_token_is_refused_although_it_is_remembered_as_verified(switched: Any) -> None:
    assert switched.answer(switched.other).status_code == 200
    switched(revoke, "--jti", switched.one)
    refused = switched.becomes(401)
    assert "revoked" in refused.json()["message"]
    assert switched.answer(switched.other).status_code == 200
    line = switched.line(refused)
    assert (line["decision"], line["rule"]) == ("deny", "revoked")
    switched(revoke, "--jti", switched.one, "--undo")
    switched.becomes(200)


def test_a_revoked_subject_is_refused_with_every_token(switched: Any) -> None:
    switched(revoke, "--subject", "nightly-subject")
    switched.becomes(401)
    assert switched.answer(switched.other).status_code == 401
    switched(revoke, "--subject", "nightly-subject", "--undo")
    switched.becomes(200)


def test_nothing_that_a_revoked_key_signed_is_taken(switched: Any) -> None:
    kid = jwt.get_unverified_header(switched.token)["kid"]
    switched(revoke, "--key", kid)
    assert "unknown key" in switched.becomes(401).json()["message"] or switched.answer().status_code == 401
    switched(revoke, "--key", kid, "--undo")
    switched.becomes(200)


def test_no_switch_waits_for_a_configuration_that_waits_for_its_tokens(switched: Any, eventually: Any) -> None:
    scene, released, before = switched.scene, threading.Event(), switched.adopted()
    exchanges = scene.workspace.exchanges
    scene.workspace.trouble["app-other"] = lambda: released.wait(60) and None
    other = {"issuer": "entra", "subject": "other", "application_id": "app-other", "roles": {}}
    scene.deliver(scene.configure(services={"other": other}))
    eventually(lambda: "app-other" in [form["client_id"] for form in exchanges])
    switched(maintenance, "on")
    switched.becomes(503)
    switched(maintenance, "off")
    switched.becomes(200)
    assert switched.adopted() == before
    released.set()
    eventually(lambda: switched.adopted() == before + 1)
    scene.deliver(scene.configure())
    eventually(lambda: switched.adopted() == before + 2)


def test_switches_outlive_a_configuration_and_a_broken_document(switched: Any, eventually: Any) -> None:
    switched(maintenance, "on")
    switched.becomes(503)
    (switched.state / "switches.json").write_text("{")
    scene = switched.scene
    for number, mode in enumerate(("observe", "enforce"), start=switched.adopted() + 1):
        scene.deliver(scene.configure(mode=mode))
        eventually(lambda count=number: switched.adopted() >= count)
        assert switched.answer().status_code == 503
