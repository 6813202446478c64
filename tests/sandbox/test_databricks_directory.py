"""The directory finds principals by their names, follows groups into groups, and forgets what goes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakelatch_sandbox.databricks.directory import LEAST_ID, MOST_ID, Directory, new_id
from lakelatch_sandbox.databricks.entitlements import DEFAULT, Entitlements
from lakelatch_sandbox.databricks.resource_types import GROUP, SERVICE_PRINCIPAL, USER
from lakelatch_sandbox.endpoints import DOUBLES, Endpoints, endpoints, identity
from lakelatch_sandbox.store import Document, Store


def known(store: Store) -> Endpoints:
    ports = dict.fromkeys(DOUBLES, 1)
    return endpoints(identity(store), ports, ca_file="", ca_bundle_file="", pid=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "state.sqlite")
    yield made
    made.close()


def group(directory: Directory, name: str, *members: str) -> str:
    id = directory.new_id()
    directory.save(GROUP, {"id": id, "displayName": name, "members": [{"value": one} for one in members]})
    return id


def test_a_state_from_before_the_index_is_read(store: Store) -> None:
    here = known(store)
    old: Document = {
        "id": "700000000000000",
        "applicationId": here.admin_client_id,
        "roles": [{"value": "account_admin"}],
    }
    store.put(SERVICE_PRINCIPAL.kind, old["id"], old)
    assert Directory(store, here).by_application(here.admin_client_id) == old
    assert store.count(SERVICE_PRINCIPAL.kind) == 1


def test_a_renamed_group_is_found_by_its_new_name_only(store: Store) -> None:
    directory = Directory(store, known(store))
    id = group(directory, "old")
    directory.save(GROUP, {"id": id, "displayName": "new"})
    assert directory.by_key(GROUP, "old") is None
    found = directory.by_key(GROUP, "new")
    assert found is not None
    assert found["id"] == id


def test_tokens_name_principals_and_never_groups(store: Store) -> None:
    directory = Directory(store, known(store))
    group(directory, "kim@example.com")
    assert directory.by_name("kim@example.com") is None
    directory.save(USER, {"id": directory.new_id(), "userName": "kim@example.com"})
    found = directory.by_name("kim@example.com")
    assert found is not None
    assert found[0] is USER


def test_permissions_and_entitlements_come_through_nested_groups(store: Store) -> None:
    directory = Directory(store, known(store))
    entitlements = Entitlements(store, directory)
    user = directory.new_id()
    directory.save(USER, {"id": user, "userName": "kim@example.com"})
    inner = group(directory, "inner", user)
    outer = group(directory, "outer", inner)
    assert directory.permissions(user) == []
    directory.assign(outer, ["ADMIN"])
    directory.assign(user, ["USER"])
    entitlements.grant(outer, [{"value": "workspace-consume"}])
    assert directory.permissions(user) == ["ADMIN", "USER"]
    assert {"workspace-consume", "allow-cluster-create", *DEFAULT} <= entitlements.effective(user)
    directory.save(GROUP, {"id": inner, "displayName": "inner", "members": []})
    assert directory.permissions(user) == ["USER"]
    assert entitlements.effective(user) == set(DEFAULT)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=15))
def test_membership_is_the_closure_of_what_groups_say(
    tmp_path_factory: pytest.TempPathFactory, edges: list[tuple[int, int]]
) -> None:
    store = Store(tmp_path_factory.mktemp("state") / "state.sqlite")
    try:
        directory = Directory(store, known(store))
        ids = [group(directory, str(number)) for number in range(6)]
        for number in range(6):
            members = [{"value": ids[inner]} for outer, inner in dict.fromkeys(edges) if outer == number]
            directory.save(GROUP, {"id": ids[number], "displayName": str(number), "members": members})
        for number in range(6):
            reached: set[int] = set()
            waiting = [number]
            while waiting:
                inner = waiting.pop()
                above = {outer for outer, one in edges if one == inner} - reached
                reached |= above
                waiting += above
            assert {int(one["displayName"]) for one in directory.groups_of(ids[number])} == reached
    finally:
        store.close()


def test_ids_are_exact_numbers_of_15_or_16_digits() -> None:
    for _ in range(1000):
        id = new_id()
        assert LEAST_ID <= int(id) <= MOST_ID
        assert int(float(id)) == int(id)
