"""The plugin under the real engine: create, nothing to do, update, drift shown by refresh and repaired, a bad
configuration refused before anything changes, destroy without a trace."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.engine import EngineProject

pytestmark = pytest.mark.line

Make = Callable[..., dict[str, Any]]
PROVIDER = Path(__file__).parents[2] / "provider"
PROGRAM = """
import json
import pulumi

class GatewayConfig(pulumi.CustomResource):
    version: pulumi.Output[str]

    def __init__(self, name, directory, config):
        properties = {"directory": directory, "config": config, "version": None}
        super().__init__("lakelatch-native:index:GatewayConfig", name, properties)

with open("gateway.json") as file:
    pulumi.export("version", GatewayConfig("gateway", "delivered", json.load(file)).version)
"""


class Stack(EngineProject):
    """The program above, whose configuration stands in a file beside it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "delivery", PROGRAM, providers={"lakelatch-native": PROVIDER})

    def wants(self, config: dict[str, Any]) -> None:
        (self.folder / "gateway.json").write_text(json.dumps(config))

    @property
    def file(self) -> Path:
        return self.folder / "delivered" / "current" / "gateway.json"


def test_the_life_of_a_delivery(tmp_path: Path, config_data: Make) -> None:
    stack = Stack(tmp_path)
    stack.wants(config_data())
    stack.file.parent.mkdir(parents=True)
    said = stack.run("up", "--yes", "--skip-preview", succeeds=False)
    assert "is not a symbolic link" in said
    assert "delivery.py" not in said, "a person is shown a traceback"
    stack.file.parent.rmdir()

    stack.run("up", "--yes", "--skip-preview")
    first = stack.file.read_text()
    assert json.loads(first)["listen"]["port"] == 8443
    stack.run("up", "--yes", "--skip-preview", "--expect-no-changes")

    stack.wants(config_data(host="https://other.example.com"))
    preview = stack.run("preview", "--diff")
    assert "https://gateway.example.com" in preview
    assert "https://other.example.com" in preview
    stack.run("up", "--yes", "--skip-preview")
    second = stack.file.read_text()
    assert json.loads(second)["host"] == "https://other.example.com"

    stack.wants(config_data(host="http://plain.example.com", listen={"port": 0}))
    refused = stack.run("up", "--yes", "--skip-preview", succeeds=False)
    assert "config.host" in refused
    assert "config.listen.port" in refused
    assert stack.file.read_text() == second

    stack.wants(config_data(host="https://other.example.com"))
    stack.file.write_text(second.replace("nightly-report", "nightly-robbery"))
    assert "~ 1" in stack.run("refresh", "--yes", "--skip-preview")
    stack.run("up", "--yes", "--skip-preview")
    assert stack.file.read_text() == second

    stack.file.unlink()
    stack.run("up", "--yes", "--skip-preview", "--refresh")
    assert stack.file.read_text() == second
    stack.run("up", "--yes", "--skip-preview", "--expect-no-changes")

    stack.run("destroy", "--yes", "--skip-preview")
    assert not (stack.folder / "delivered").exists()
