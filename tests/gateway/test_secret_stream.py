"""The delta protocol: in whatever order things happen, Envoy is sent what it wants as it is now, and nothing else."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelatch_gateway.discovery import DeltaDiscoveryRequest, Secret
from lakelatch_gateway.secret_stream import BATCH, TYPE_URL, SecretStream, secret_resource


def request(
    subscribe: Any = (), unsubscribe: Any = (), initial: Any = None, nonce: str = "", refused: bool = False
) -> Any:
    made = DeltaDiscoveryRequest(
        type_url=TYPE_URL,
        resource_names_subscribe=subscribe,
        resource_names_unsubscribe=unsubscribe,
        response_nonce=nonce,
    )
    for name, version in (initial or {}).items():
        made.initial_resource_versions.add(key=name, value=version)
    if refused:
        made.error_detail.code = 13
    return made


def token(resource: Any) -> Any:
    return Secret.FromString(resource.resource.value).generic_secret.secret.inline_string


def drained(stream: Any) -> Any:
    """Everything that is due, as (name, token), each response acknowledged."""
    sent: list[tuple[str, str]] = []
    while (response := stream.response()) is not None:
        sent += [(resource.name, token(resource)) for resource in response.resources]
        stream.receive(request(nonce=response.nonce))
    return sent


def test_secret_is_sent_when_it_is_wanted_and_there_whichever_comes_first() -> None:
    secrets: dict[str, Any] = {"a": secret_resource("a", "token-a", "1")}
    stream: Any = SecretStream(secrets)
    stream.receive(request(["a", "b"]))
    assert drained(stream) == [("a", "token-a")]
    secrets["b"] = secret_resource("b", "token-b", "2")
    stream.offer("b")
    assert drained(stream) == [("b", "token-b")]
    assert stream.holds("a")
    assert stream.holds("b")


def test_secret_that_changes_is_held_only_once_it_is_acknowledged_again() -> None:
    secrets = {"a": secret_resource("a", "one", "1")}
    stream: Any = SecretStream(secrets)
    stream.receive(request(["a"]))
    drained(stream)
    secrets["a"] = secret_resource("a", "two", "2")
    stream.offer("a")
    assert not stream.holds("a")
    response = stream.response()
    assert not stream.holds("a")
    stream.receive(request(nonce=response.nonce))
    assert stream.holds("a")


def test_refused_secret_is_told_and_not_held() -> None:
    stream: Any = SecretStream({name: secret_resource(name, "x", "1") for name in ("b", "a")})
    stream.receive(request(["b", "a"]))
    response = stream.response()
    assert stream.receive(request(nonce=response.nonce, refused=True)) == ["a", "b"]
    assert not stream.holds("a")
    assert stream.response() is None


def test_envoy_that_comes_back_is_sent_only_what_it_does_not_hold() -> None:
    stream: Any = SecretStream({name: secret_resource(name, name, "now") for name in ("a", "b", "c")})
    stream.receive(request(["a", "b", "c"], initial={"a": "now", "b": "before"}))
    assert stream.holds("a")
    assert drained(stream) == [("b", "b"), ("c", "c")]


def test_secret_that_is_subscribed_to_again_is_sent_again() -> None:
    """Envoy may have dropped it and wanted it again before it could say the first."""
    stream: Any = SecretStream({"a": secret_resource("a", "x", "1")})
    for _ in range(2):
        stream.receive(request(["a"]))
        assert drained(stream) == [("a", "x")]


def test_other_types_are_not_answered() -> None:
    stream: Any = SecretStream({"a": secret_resource("a", "x", "1")})
    stream.receive(DeltaDiscoveryRequest(type_url="type.googleapis.com/other", resource_names_subscribe=["a"]))
    assert stream.response() is None


def test_many_are_sent_in_batches() -> None:
    names = [f"s{number}" for number in range(BATCH + 1)]
    stream: Any = SecretStream({name: secret_resource(name, name, "1") for name in names})
    stream.receive(request(names))
    assert [len(response.resources) for response in iter(stream.response, None)] == [BATCH, 1]


def test_what_went_meanwhile_hides_nothing_that_comes_after_it() -> None:
    names = [f"s{number}" for number in range(BATCH + 1)]
    secrets = {name: secret_resource(name, name, "1") for name in names}
    stream: Any = SecretStream(secrets)
    stream.receive(request(names))
    for name in names[:BATCH]:
        del secrets[name]
    assert drained(stream) == [(names[-1], names[-1])]


@dataclass
class World:
    """A stream, what there is, and an Envoy that keeps what it is sent."""

    secrets: dict[str, Any] = field(default_factory=dict)
    wanted: set[str] = field(default_factory=set)
    has: dict[str, tuple[str, str]] = field(default_factory=dict)
    versions: int = 0

    def __post_init__(self) -> None:
        self.stream = SecretStream(self.secrets)

    def step(self, kind: str, name: str) -> None:
        if kind == "set":
            self.versions += 1
            self.secrets[name] = secret_resource(name, f"token-{self.versions}", str(self.versions))
            self.stream.offer(name)
        elif kind == "drop":
            self.secrets.pop(name, None)
        elif kind == "subscribe":
            self.wanted.add(name)
            self.stream.receive(request([name]))
        elif kind == "unsubscribe":
            self.wanted.discard(name)
            self.has.pop(name, None)
            self.stream.receive(request(unsubscribe=[name]))
        elif kind == "reconnect":
            self.stream = SecretStream(self.secrets)
            initial = {known: version for known, (version, _) in self.has.items()}
            self.stream.receive(request(sorted(self.wanted), initial=initial))
        else:
            self.take()

    def take(self) -> bool:
        response = self.stream.response()
        if response is None:
            return False
        for resource in response.resources:
            assert resource.name in self.wanted & self.secrets.keys()
            assert token(resource)
            self.has[resource.name] = (resource.version, token(resource))
        self.stream.receive(request(nonce=response.nonce))
        return True


KINDS = ["set", "drop", "subscribe", "unsubscribe", "reconnect", "take"]


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(["a", "b", "c"]))))
def test_after_any_history_envoy_holds_everything_it_wants_as_it_is_now(steps: list[tuple[str, str]]) -> None:
    world = World()
    for step in steps:
        world.step(*step)
    while world.take():
        pass
    for name in world.wanted & world.secrets.keys():
        assert world.has[name] == (world.secrets[name].version, token(world.secrets[name]))
        assert world.stream.holds(name)
    assert not [name for name in world.secrets.keys() - world.wanted if world.stream.holds(name)]


@pytest.mark.parametrize("name", ["", "a"], ids=["no nonce", "a nonce that nobody sent"])
def test_answer_to_nothing_is_nothing(name: str) -> None:
    stream: Any = SecretStream({})
    assert stream.receive(request(nonce=name, refused=True)) == []
