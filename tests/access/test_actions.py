"""Proves that a request stands for at most one action, and that look-alike paths stand for none.

The catalogue is held against the published SDK: each name is one of its operations.
"""

import inspect
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelatch.access.actions import ACTIONS, action_of, expand

SEGMENT = st.from_regex(r"[A-Za-z0-9._~-]+", fullmatch=True)
SERVICES = {
    "current_user": "iam.CurrentUserAPI",
    "statement_execution": "sql.StatementExecutionAPI",
    "warehouses": "sql.WarehousesAPI",
}


def a_path(template: str, segment: str) -> str:
    """A template with its variables filled in."""
    return re.sub(r"\{[a-z_]+\}", lambda _: segment, template)


@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.name)
def test_the_published_sdk_has_this_operation(action) -> None:  # type: ignore[no-untyped-def]
    """Name, method and path are those that the SDK's own source sends."""
    from importlib import import_module

    service, operation = action.name.split(".")
    module, owner = SERVICES[service].split(".")
    source = inspect.getsource(getattr(getattr(import_module(f"databricks.sdk.service.{module}"), owner), operation))
    sent = re.search(r"""_api\.do\(\s*["'](?P<method>[A-Z]+)["'],\s*f?["'](?P<path>[^"']+)["']""", source)
    assert sent is not None
    assert sent["method"] == action.method
    assert sent["path"] == action.path


@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.name)
@given(segment=SEGMENT)
def test_a_request_stands_for_its_action(action, segment: str) -> None:  # type: ignore[no-untyped-def]
    assert action_of(action.method, a_path(action.path, segment)) is action


@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.name)
@pytest.mark.parametrize("spoil", ["{}/", "/{}", "{};x=1", "{}%2f", "{}/../x", "{}?a=b", "x{}"])
def test_a_look_alike_stands_for_nothing(action, spoil: str) -> None:  # type: ignore[no-untyped-def]
    assert action_of(action.method, spoil.format(a_path(action.path, "a1"))) is None


@given(method=st.sampled_from(["GET", "POST", "DELETE"]), path=st.text(alphabet="/apisqlsth20.-{}%;", max_size=40))
def test_any_path_stands_for_one_action_at_most(method: str, path: str) -> None:
    fits = [
        action
        for action in ACTIONS.values()
        if action.method == method
        and (re.fullmatch(action.path_pattern, path) if action.path_pattern else path == action.path)
    ]
    assert len(fits) <= 1
    assert action_of(method, path) == (fits[0] if fits else None)


@pytest.mark.parametrize(
    ("pattern", "count"),
    [("current_user.me", 1), ("warehouses.*", 4), ("*", 0), (".*", 0), ("warehouses", 0), ("ware*", 0), ("", 0)],
)
def test_expand(pattern: str, count: int) -> None:
    assert len(expand(pattern)) == count
