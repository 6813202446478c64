"""The whole line on one machine: real engine, doubles and gateway, in a copy of the project of its own."""

from collections.abc import Iterator

import pytest
from support.project import Project, copy_of_project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project that is up, for tests that leave it as they found it."""
    with copy_of_project(tmp_path_factory.mktemp("line")) as copied:
        copied.lakelatch("up")
        yield copied


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project that was never up, for one module's tests in their order."""
    with copy_of_project(tmp_path_factory.mktemp("fresh")) as copied:
        yield copied
