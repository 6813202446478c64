"""Fixtures of this room."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from support.recorder import Deploy, Deployment


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch) -> Deploy:
    """Run a program against recorders and wait until everything is registered."""

    def run(program: Callable[[], Any]) -> Deployment:
        deployment = Deployment()
        original = pulumi.ComponentResource.register_outputs

        def register(self: pulumi.ComponentResource, outputs: dict[str, Any]) -> None:
            deployment.outputs[type(self).__name__] = set(outputs)
            original(self, outputs)

        with monkeypatch.context() as patched:
            patched.setattr(pulumi.ComponentResource, "register_outputs", register)
            pulumi.runtime.set_mocks(deployment, project="project", stack="stack", preview=False)
            pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
        monitor: Any = pulumi.runtime.settings.get_monitor()
        deployment.place(monitor.get_registered_resources())
        return deployment

    return run
