"""The engine's values survive the way into plain data and back, unknowns are found wherever they stand, and differences
name the smallest place."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN

from lakelatch.plugin.values import Unknown, plain, property_value
from lakelatch_provider.paths import differences, property_path, unknown_paths

SCALARS = st.none() | st.booleans() | st.floats(allow_nan=False) | st.text() | st.builds(Unknown)
DATA = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(DATA)
def test_there_and_back(data: Any) -> None:
    assert plain(property_value(data)) == data
    assert plain(PropertyValue.unmarshal(property_value(data).marshal())) == data


@given(DATA)
def test_a_value_does_not_differ_from_itself(data: Any) -> None:
    assert list(differences(data, data)) == []


@given(DATA, DATA)
def test_different_values_differ(old: Any, new: Any) -> None:
    assert bool(list(differences(old, new))) == (old != new)


def test_secrets_are_plain_inside() -> None:
    assert plain(PropertyValue({"a": PropertyValue("b", is_secret=True)}, is_secret=True)) == {"a": "b"}


def test_integers_become_floats() -> None:
    assert (
        property_value({"a": [1, True]}).marshal()
        == PropertyValue.unmarshal(property_value({"a": [1.0, True]}).marshal()).marshal()
    )


@pytest.mark.parametrize(
    ("data", "paths"),
    [
        pytest.param(PropertyValue(UNKNOWN), [()], id="all"),
        pytest.param(PropertyValue({"a": PropertyValue([PropertyValue(UNKNOWN)])}), [("a", 0)], id="inside"),
        pytest.param(PropertyValue("known"), [], id="none"),
    ],
)
def test_unknowns(data: PropertyValue, paths: list[Any]) -> None:
    assert list(unknown_paths(plain(data))) == paths


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param({"a": 1}, {"a": 2}, [(("a",), "update")], id="update"),
        pytest.param({}, {"a": 2}, [(("a",), "add")], id="add"),
        pytest.param({"a": 1}, {}, [(("a",), "delete")], id="delete"),
        pytest.param({"a": [1, 2]}, {"a": [1, 3, 4]}, [(("a", 1), "update"), (("a", 2), "add")], id="list"),
        pytest.param({"a": [1, 2]}, {"a": [1]}, [(("a", 1), "delete")], id="shorter-list"),
        pytest.param({"a": {"b": 1}}, {"a": "b"}, [(("a",), "update")], id="other-kind"),
    ],
)
def test_differences(old: Any, new: Any, expected: list[Any]) -> None:
    assert list(differences(old, new)) == expected


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("config", "services", "nightly-report", "roles", 0), 'config.services["nightly-report"].roles[0]'),
        (("a.b", 'say "x"'), '["a.b"]["say \\"x\\""]'),
    ],
    ids=["empty", "usual", "quoted"],
)
def test_property_path(path: Any, text: str) -> None:
    assert property_path(path) == text
