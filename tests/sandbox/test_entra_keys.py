"""Keys of the tenant: a new one is published before it signs, an old one stays until its last token has died."""

from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tenant import Tenant

from lakelatch_sandbox.graph.signing import LONGEST_TOKEN_SECONDS, Entry, published, rotated, signer


def entry(kid: str, **times: int) -> dict[str, Any]:
    return {"public": {"kid": kid}, "pem": "", **times}


def kids(entries: list[Entry]) -> list[str]:
    return [one["public"]["kid"] for one in entries]


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 5_000)), max_size=5), st.integers(0, 120_000))
def test_every_token_that_lives_can_be_verified_and_every_key_was_seen_before_it_signed(
    rotations: list[tuple[int, int]], later: int
) -> None:
    """Whatever the rotations: at each moment the signer is published, and was since its lead; and a token that was
    signed less than a token's life ago still finds its key."""
    now = 0
    keys: list[Entry] = [entry("0")]
    signed: list[tuple[int, str]] = []
    made = {"0": (0, 0)}
    for number, (wait, lead) in enumerate(rotations, start=1):
        now += wait
        signed.append((now, signer(keys, now)["public"]["kid"]))
        keys = rotated([*keys, entry(str(number))], now, lead)
        made[str(number)] = (now, lead)
        signed.append((now, signer(keys, now)["public"]["kid"]))
    now += later
    current = signer(keys, now)["public"]["kid"]
    assert current in kids(published(keys, now))
    at, lead = made[current]
    assert now >= at + lead
    for time, kid in signed:
        if now < time + LONGEST_TOKEN_SECONDS:
            assert kid in kids(published(keys, now))


def test_rotation_over_time(sandbox: Any) -> None:
    """Publish, wait, switch, retire: each seen from outside, with the sandbox's clock."""
    tenant = Tenant(sandbox)
    authority = f"{tenant.endpoints.entra_authority}/{tenant.endpoints.tenant_id}"

    def listed() -> list[str]:
        return [key["kid"] for key in tenant.http.get(f"{authority}/discovery/v2.0/keys").json()["keys"]]

    def signing() -> str:
        return str(jwt.get_unverified_header(Tenant(sandbox).bearer)["kid"])

    before = tenant.bearer
    old = signing()
    new = tenant.control("POST", "/entra/keys/rotate", {"sign_after_seconds": 600}).json()["kid"]
    try:
        assert (listed(), signing()) == ([old, new], old)
        sandbox.clock.offset_seconds = 601
        assert (listed(), signing()) == ([old, new], new)
        assert tenant.send("GET", "/applications").status_code == 200, "a token of the old key lives on"
        sandbox.clock.offset_seconds = 600 + LONGEST_TOKEN_SECONDS + 1
        assert (listed(), signing()) == ([new], new)
        tenant.bearer = before
        assert tenant.error("GET", "/applications")[1] == "InvalidAuthenticationToken"
    finally:
        sandbox.clock.offset_seconds = 0


def test_keys_and_their_times_outlive_a_restart(sandbox: Any) -> None:
    tenant = Tenant(sandbox)
    kid = tenant.control("POST", "/entra/keys/rotate", {}).json()["kid"]
    before = tenant.control("GET", "/entra/keys").json()
    assert before["keys"][-1]["kid"] == kid
    sandbox.restart()
    assert Tenant(sandbox).control("GET", "/entra/keys").json() == before


@pytest.mark.parametrize("body", [{"sign_after_seconds": "x"}, {"now": True}, []], ids=str)
def test_a_rotation_that_is_not_understood_changes_nothing(sandbox: Any, body: Any) -> None:
    tenant = Tenant(sandbox)
    before = tenant.control("GET", "/entra/keys").json()
    assert tenant.control("POST", "/entra/keys/rotate", body).status_code == 400
    assert tenant.control("GET", "/entra/keys").json() == before
