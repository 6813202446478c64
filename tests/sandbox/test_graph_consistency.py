"""Eventual consistency: writes show after so many reads, or when the switch is released; never by chance."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tenant import Tenant

from lakelatch_sandbox.graph import consistency
from lakelatch_sandbox.store import Store


@pytest.fixture
def tenant(sandbox: Any) -> Iterator[Tenant]:
    made = Tenant(sandbox)
    yield made
    made.control("POST", "/graph/consistency", {"reads": 0})


def statuses(tenant: Tenant, path: str, times: int) -> list[int]:
    return [tenant.send("GET", path).status_code for _ in range(times)]


def test_a_new_object_shows_after_its_reads(tenant: Tenant) -> None:
    assert tenant.control("POST", "/graph/consistency", {"reads": 2}).json() == {"reads": 2, "held": False}
    made = tenant.ok("POST", "/applications", {"displayName": "late"})
    assert statuses(tenant, f"/applications/{made['id']}", 4) == [404, 404, 200, 200]


def test_a_write_to_what_does_not_show_yet_is_not_found_and_counts(tenant: Tenant) -> None:
    """The official plugin retries such a PATCH on an application, and fails on a service principal."""
    tenant.control("POST", "/graph/consistency", {"reads": 2})
    path = f"/applications/{tenant.ok('POST', '/applications', {'displayName': 'late'})['id']}"
    assert [tenant.send("PATCH", path, {"notes": "n"}).status_code for _ in range(3)] == [404, 404, 204]
    assert [tenant.ok("GET", path)["notes"] for _ in range(3)] == [None, None, "n"], "the change shows late as well"


def test_a_deleted_object_stays_for_its_reads(tenant: Tenant) -> None:
    made = tenant.ok("POST", "/applications", {"displayName": "gone"})
    path = f"/applications/{made['id']}"
    tenant.control("POST", "/graph/consistency", {"reads": 1})
    tenant.ok("DELETE", path)
    assert statuses(tenant, path, 3) == [200, 404, 404]


def test_a_reader_stays_where_it_was_through_several_writes(tenant: Tenant) -> None:
    """Between two writes nobody looked, so the state in between is never seen."""
    path = f"/applications/{tenant.ok('POST', '/applications', {'displayName': 'x', 'notes': 'first'})['id']}"
    tenant.control("POST", "/graph/consistency", {"held": True})
    for notes in ("second", "third"):
        tenant.ok("PATCH", path, {"notes": notes})
    assert tenant.ok("GET", path)["notes"] == "first"
    tenant.control("POST", "/graph/consistency", {"reads": 0})
    assert tenant.ok("GET", path)["notes"] == "third"


def test_listings_and_parts_are_late_too(tenant: Tenant) -> None:
    made = tenant.ok("POST", "/applications", {"displayName": "owner"})
    path = f"/applications/{made['id']}/federatedIdentityCredentials"
    tenant.control("POST", "/graph/consistency", {"reads": 1})
    body = {"name": "c", "issuer": "https://i.example.com", "subject": "s", "audiences": ["a"]}
    tenant.ok("POST", path, body)
    assert [len(tenant.ok("GET", path)["value"]) for _ in range(2)] == [0, 1]
    group = tenant.group("late")
    query = "/groups?$filter=displayName eq 'late'"
    assert [len(tenant.ok("GET", query)["value"]) for _ in range(2)] == [0, 1]
    assert tenant.ok("GET", f"/groups/{group['id']}")["displayName"] == "late"


def test_held_back_until_released(tenant: Tenant) -> None:
    tenant.control("POST", "/graph/consistency", {"held": True})
    made = tenant.ok("POST", "/applications", {"displayName": "held"})
    path = f"/applications/{made['id']}"
    assert statuses(tenant, path, 5) == [404] * 5
    tenant.control("POST", "/graph/consistency", {"reads": 0})
    assert statuses(tenant, path, 1) == [200]


def test_the_login_service_knows_at_once(tenant: Tenant) -> None:
    """Only readers of the directory are behind: a token is judged by what was written."""
    tenant.control("POST", "/graph/consistency", {"held": True})
    made = tenant.ok("POST", "/applications", {"displayName": "client"})
    answer = tenant.token(client_id=made["appId"], client_secret="x", scope=f"{tenant.endpoints.graph_base}/.default")
    assert answer.json()["error_codes"] == [7000215], "the client is known; its secret is wrong"


@pytest.mark.parametrize("body", [{"reads": -1}, {"reads": "2"}, {"held": 1}, [], {"reads": True}], ids=str)
def test_what_the_switch_does_not_understand(tenant: Tenant, body: Any) -> None:
    assert tenant.control("POST", "/graph/consistency", body).status_code == 400
    assert tenant.control("GET", "/graph/consistency").json() == {"reads": 0, "held": False}


STEPS = st.lists(st.sampled_from(["write", "delete", "read"]), max_size=20)


@given(steps=STEPS, reads=st.integers(0, 3))
def test_readers_see_only_what_was_there_once_and_catch_up(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str], reads: int
) -> None:
    """Whatever happens: a reader never sees what was never written, and after enough reads sees the present."""
    path: Path = tmp_path_factory.mktemp("store") / "state.sqlite"
    store = Store(path)
    try:
        consistency.configure(store, reads=reads)
        past: list[Any] = [None]
        for number, step in enumerate(steps):
            current = store.get("k", "a")
            if step == "write":
                consistency.note_write(store, "k", "a", current)
                past.append(store.put("k", "a", {"id": "a", "n": number}))
            elif step == "delete" and current is not None:
                consistency.note_write(store, "k", "a", current)
                store.delete("k", "a")
                past.append(None)
            else:
                assert consistency.seen(store, "k", "a", current) in past
        for _ in range(reads):
            consistency.seen(store, "k", "a", store.get("k", "a"))
        assert consistency.seen(store, "k", "a", store.get("k", "a")) == store.get("k", "a") == past[-1]
        assert consistency.seen_all(store, "k") == list(store.all("k"))
    finally:
        store.close()
