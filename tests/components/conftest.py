"""Fixtures of this room."""

import pytest
from support import recorder


@pytest.fixture
def deploy() -> recorder.Deploy:
    """Run a program against recorders and wait until everything is registered."""
    return recorder.deploy
