"""Proves that the table of lifetimes is what the vendors say, and that the model's own bounds come from it."""

from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.wide import changed

from lakelatch.access.lifetimes import GATEWAY_TOKEN, LIFETIMES, Lifetime
from lakelatch.access.model import AccessModel
from lakelatch.errors import ModelError

VENDORS = {
    # name: least, most, default, in seconds; copied by hand from the vendors' pages
    "gateway-token": (120, 3600, 600),
    "databricks-machine-token": (None, 3600, 3600),
    "service-principal-secret": (1, 63_072_000, 63_072_000),
    "personal-access-token": (1, 63_072_000, None),
    "on-behalf-token": (1, 63_072_000, None),
    "aws-web-identity-token": (60, 3600, 300),
    "okta-access-token": (300, 86_400, 3600),
    "gitlab-id-token": (None, None, 300),
    "kubernetes-service-account-token": (600, None, 3600),
    "entra-application-secret": (1, None, 63_072_000),
}


def test_the_table_says_what_the_vendors_say() -> None:
    assert {name: (row.least, row.most, row.default) for name, row in LIFETIMES.items()} == VENDORS
    assert [row.name for row in LIFETIMES.values()] == list(LIFETIMES)
    assert all(row.source for row in LIFETIMES.values())


def test_a_row_never_changes() -> None:
    with pytest.raises(FrozenInstanceError):
        GATEWAY_TOKEN.most = 10**9  # type: ignore[misc]


@pytest.mark.parametrize("row", LIFETIMES.values(), ids=lambda row: row.name)
@given(seconds=st.one_of(st.none(), st.integers(-(10**9), 10**9)))
def test_a_life_fits_exactly_between_the_limits(row: Lifetime, seconds: int | None) -> None:
    wanted = row.default if seconds is None else seconds
    fits = wanted is not None and (row.least or wanted) <= wanted <= (row.most or wanted)
    assert (row.excess(seconds) is None) is fits


@pytest.mark.parametrize(
    ("name", "seconds", "says"),
    [
        pytest.param("gateway-token", 119, "is 119 s; the least is 120 s", id="too short"),
        pytest.param("gateway-token", 3601, "is 3601 s; the most is 3600 s", id="too long"),
        pytest.param("gateway-token", 120, None, id="the least"),
        pytest.param("gateway-token", 3600, None, id="the most"),
        pytest.param("gateway-token", None, None, id="the default"),
        pytest.param(
            "personal-access-token", None, "never ends; say how long it lives, at most 63072000 s", id="for ever"
        ),
        pytest.param("kubernetes-service-account-token", 10**9, None, id="no limit above"),
        pytest.param("databricks-machine-token", 1, None, id="no limit below"),
    ],
)
def test_an_excess_says_what_and_what_would_fit(name: str, seconds: int | None, says: str | None) -> None:
    assert LIFETIMES[name].excess(seconds) == says


def test_without_any_limit_for_ever_is_still_told() -> None:
    assert Lifetime("x", None, None, None, "nobody").excess(None) == "never ends; say how long it lives"


@pytest.mark.parametrize("seconds", [119, 3601, 0, -5, 86_400])
def test_the_model_takes_its_bounds_from_the_table(seconds: int) -> None:
    with pytest.raises(ModelError, match="gateway_token_seconds"):
        AccessModel.read(changed("lifetimes", to={"gateway_token_seconds": seconds}))


def test_the_models_default_is_the_tables() -> None:
    assert AccessModel.read(changed("lifetimes", to={})).lifetimes.gateway_token_seconds == GATEWAY_TOKEN.default == 600
