"""What holds for every room's tests."""

import gc

import pytest
from hypothesis import settings

# A slow machine is no defect. Where `CI` is set, Hypothesis draws the same examples every time; that is kept.
settings.register_profile("unhurried", parent=settings(), deadline=None)
settings.load_profile("unhurried")

# Thousands of collected tests stay until the end: the garbage collector need not look at them again and again.
gc.set_threshold(50_000, 20, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole stacks first: a worker that got one last would keep the others waiting for it."""
    items.sort(key=lambda item: item.get_closest_marker("line") is None)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
