"""The store keeps documents in their order through every change and restart, in a file that only its owner reads."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakelatch_sandbox.keys import SigningKeys
from lakelatch_sandbox.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "state.sqlite")
    yield made
    made.close()


IDS = st.sampled_from("abc")
STEPS = st.lists(st.tuples(st.just("put"), IDS, st.integers()) | st.tuples(st.just("delete"), IDS, st.just(0)))


@settings(max_examples=30)
@given(STEPS)
def test_behaves_as_an_ordered_dictionary_and_forgets_nothing(steps: list[tuple[str, str, int]]) -> None:
    expected: dict[str, dict[str, int]] = {}
    with TemporaryDirectory() as directory:
        path = Path(directory) / "state.sqlite"
        store = Store(path)
        for action, id, value in steps:
            if action == "put":
                store.put("k", id, {"value": value})
                expected[id] = {"value": value}
            else:
                assert store.delete("k", id) == (expected.pop(id, None) is not None)
        for opened in (store, Store(path)):
            assert list(opened.all("k")) == list(expected.values())
            assert opened.count("k") == len(expected)
            assert all(opened.get("k", id) == expected.get(id) for id in "abc")
            opened.close()


def test_what_is_read_is_a_copy(store: Store) -> None:
    store.put("k", "a", {"list": [1]})
    found = store.get("k", "a")
    assert found is not None
    found["list"].append(2)
    assert store.get("k", "a") == {"list": [1]}


def test_internal_and_empty_kinds_are_no_users_objects(store: Store) -> None:
    store.put("_keys", "a", {})
    store.put("graph/users", "a", {})
    store.put("graph/groups", "a", {})
    store.delete("graph/groups", "a")
    assert store.kinds() == ("graph/users",)


def test_counters_never_go_back(tmp_path: Path) -> None:
    first = Store(tmp_path / "s")
    assert [first.next("n", 5), first.next("n", 5)] == [5, 6]
    first.close()
    second = Store(tmp_path / "s")
    assert second.next("n") == 7
    second.close()


def test_file_is_its_owners_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.sqlite")
    store.put("k", "a", {})
    modes = {path.name: os.stat(path).st_mode & 0o777 for path in tmp_path.iterdir()}
    store.close()
    assert set(modes.values()) == {0o600}, modes


def test_keys_survive_and_older_ones_still_verify(store: Store) -> None:
    keys = SigningKeys(store, "issuer", "ES256")
    old = keys.sign({"n": 1})
    kid = keys.rotate()
    again = SigningKeys(store, "issuer", "ES256")
    assert again.verify(old) == {"n": 1}
    assert again.jwks()["keys"][-1]["kid"] == kid
    assert all("d" not in key for key in again.jwks()["keys"])
