"""A live Envoy in front of a workspace double that hides nothing, and the tokens of both issuers."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.bypass.bodies import LIMITED, RULE
from support.bypass.workspace import RawWorkspace, raw_workspace
from support.bypass.world import World
from support.ports import free_port


@pytest.fixture(scope="session")
def raw(pki: Any) -> Iterator[RawWorkspace]:
    with raw_workspace(pki.certificate, pki.key) as double:
        yield double


@pytest.fixture(scope="session")
def world(entra: Any, cluster: Any) -> World:
    return World.of(entra, cluster)


@pytest.fixture(scope="session")
def guarded(raw: RawWorkspace, configure: Any, pki: Any) -> Callable[..., Any]:
    """A configuration whose workspace is the raw double."""

    def make(**sections: Any) -> Any:
        place = {"host": raw.url, "id": "1", "account_id": "a", "ca_file": str(pki.ca_file)}
        services = configure().model_dump(mode="json")["services"] | {"limited": LIMITED["service"]}
        return configure(workspace=place, **({"services": services, "rules": {RULE: LIMITED["rule"]}} | sections))

    return make


@pytest.fixture(scope="module")
def envoy(guarded: Any, entra: Any, cluster: Any, live_envoy: Any) -> Iterator[Any]:
    folder = Path(tempfile.mkdtemp(prefix="ll-envoy-"))
    live = live_envoy(folder, free_port(), {"entra": [entra.jwk()], "cluster": [cluster.jwk()]}, {})
    live.apply(guarded())
    live.start()
    yield live
    live.stop()
    shutil.rmtree(folder)
