"""Proves, with the real engine, that Python projects of every kind run through this room's language host.

A program with a component and a provider from source, a policy pack that blocks, a component package, dependencies
installed by `pulumi install`, and errors that a person can read.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.line

RUNTIME = f"runtime:\n  name: python\n  options:\n    virtualenv: {sys.prefix}\n"

PROVIDER = """
import sys
from pulumi.provider.experimental.provider import (
    CheckResponse, ConfigureResponse, CreateResponse, DiffResponse, Provider, UpdateResponse
)
from pulumi.provider.experimental.server import main

class Lake(Provider):
    async def configure(self, request):
        return ConfigureResponse(accept_secrets=True, supports_preview=True)
    async def check_config(self, request):
        return CheckResponse(inputs=request.new_inputs)
    async def diff_config(self, request):
        return DiffResponse(changes=False)
    async def check(self, request):
        return CheckResponse(inputs=request.new_inputs)
    async def diff(self, request):
        return DiffResponse(changes=request.old_state.get("text") != request.new_inputs.get("text"))
    async def create(self, request):
        if request.properties["text"].value == "explode":
            raise ValueError("the lake is dry")
        return CreateResponse(resource_id="" if request.preview else "note-1", properties=request.properties)
    async def update(self, request):
        return UpdateResponse(properties=request.news)
    async def delete(self, request):
        return None

main(sys.argv[1:], "1.0.0", Lake())
"""

PROGRAM = """
import pulumi

class Shelf(pulumi.ComponentResource):
    def __init__(self, name, text):
        super().__init__("lake:index:Shelf", name)
        options = pulumi.ResourceOptions(parent=self)
        self.note = pulumi.CustomResource("lake:index:Note", f"{name}-note", {"text": text}, options)
        self.register_outputs({})

Shelf("shelf", pulumi.Config().get("text") or "good")
pulumi.export("project", pulumi.get_project())
"""

PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def check(args, report):
    if args.resource_type == "lake:index:Note" and args.props.get("text") == "bad":
        report("this note is bad")

PolicyPack("notes", policies=[
    ResourceValidationPolicy("no-bad-notes", "Notes are good.", check, enforcement_level=EnforcementLevel.MANDATORY)
])
"""

COMPONENT = """
from typing import Optional, TypedDict
import pulumi

class GreetingArgs(TypedDict):
    text: pulumi.Input[str]
    \"\"\"What it says.\"\"\"

class Greeting(pulumi.ComponentResource):
    text: pulumi.Output[str]
    def __init__(self, name: str, args: GreetingArgs, opts: Optional[pulumi.ResourceOptions] = None):
        super().__init__("greet:index:Greeting", name, {}, opts)
        self.text = pulumi.Output.from_input(args["text"])
        self.register_outputs({"text": self.text})
"""

HOSTED = COMPONENT + (
    "from pulumi.provider.experimental import component_provider_host\n"
    'component_provider_host(name="greet", components=[Greeting])\n'
)


@pytest.fixture
def lake(workspace: Any) -> Any:
    """A stack `dev` whose program keeps a note in a provider that runs from source."""
    providers = "plugins:\n  providers:\n    - name: lake\n      path: ./lake\n"
    workspace.write("Pulumi.yaml", f"name: notes\n{RUNTIME}{providers}")
    workspace.write("__main__.py", PROGRAM)
    workspace.write("lake/PulumiPlugin.yaml", RUNTIME)
    workspace.write("lake/__main__.py", PROVIDER)
    workspace.run("stack", "init", "dev")
    return workspace


def summary(workspace: Any, *arguments: str) -> dict[str, int]:
    printed = workspace.run("preview", "--json", *arguments)
    changes: dict[str, int] = json.loads(printed[printed.index("{") : printed.rindex("}") + 1])["changeSummary"]
    return changes


def test_a_stack_lives_and_dies(lake: Any) -> None:
    assert summary(lake) == {"create": 3}
    lake.run("up", "--yes", "--skip-preview")
    assert summary(lake) == {"same": 3}
    assert json.loads(lake.run("stack", "output", "--json")) == {"project": "notes"}
    lake.run("config", "set", "text", "other")
    assert summary(lake) == {"same": 2, "update": 1}
    lake.run("destroy", "--yes", "--skip-preview")
    exported = json.loads(lake.run("stack", "export"))
    assert exported["deployment"].get("resources", []) == []


def test_a_failing_provider_shows_its_error_and_no_interrupt(lake: Any) -> None:
    lake.run("config", "set", "text", "explode")
    printed = lake.run("up", "--yes", "--skip-preview", code=-1)
    assert "the lake is dry" in printed
    assert "KeyboardInterrupt" not in printed


def test_a_policy_pack_blocks(lake: Any) -> None:
    lake.write("pack/PulumiPolicy.yaml", f"description: Notes.\nversion: 0.0.1\n{RUNTIME}")
    lake.write("pack/__main__.py", PACK)
    assert "this note is bad" not in lake.run("preview", "--policy-pack", "pack")
    lake.run("config", "set", "text", "bad")
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        printed = lake.run(*command, "--policy-pack", "pack", code=-1)
        assert "this note is bad" in printed
        assert "KeyboardInterrupt" not in printed
    resources = json.loads(lake.run("stack", "export"))["deployment"].get("resources", [])
    assert "lake:index:Note" not in {resource["type"] for resource in resources}


@pytest.mark.parametrize(
    ("program", "words"),
    [
        pytest.param("raise ValueError('no such lake')", "ValueError: no such lake", id="exception"),
        pytest.param("import sys; sys.exit(3)", "the program exited with code 3", id="exit code"),
        pytest.param("import nothing_like_it", "No module named 'nothing_like_it'", id="import"),
        pytest.param("import pulumi\nraise pulumi.RunError('say this')", "error: say this", id="run error"),
        pytest.param(None, "has no `__main__.py`", id="no program"),
    ],
)
def test_a_failing_program_is_told(workspace: Any, program: str | None, words: str) -> None:
    workspace.write("Pulumi.yaml", f"name: failing\n{RUNTIME}")
    if program is not None:
        workspace.write("__main__.py", program)
    workspace.run("stack", "init", "dev")
    printed = workspace.run("preview", code=-1)
    assert words in printed
    assert "KeyboardInterrupt" not in printed


def test_install_makes_the_environment_and_a_missing_one_is_told(workspace: Any) -> None:
    """Offline: what is needed comes from this interpreter's folder by a path file, pip has nothing to fetch."""
    workspace.write("Pulumi.yaml", "name: fresh\nruntime:\n  name: python\n  options:\n    virtualenv: venv\n")
    workspace.write("requirements.txt", "# nothing: the test brings the packages\n")
    workspace.write("__main__.py", "import pulumi, sys\npulumi.export('prefix', sys.prefix)\n")
    workspace.run("stack", "init", "dev")
    assert "run `pulumi install`" in workspace.run("preview", code=-1)
    assert "dependencies are installed" in workspace.run("install")
    packages = next(path for path in map(Path, sys.path) if (path / "pulumi" / "__init__.py").is_file())
    inside = next((workspace.folder / "venv").glob("lib/python*/site-packages"))
    (inside / "packages.pth").write_text(f"{packages}\n")
    workspace.run("up", "--yes", "--skip-preview")
    assert json.loads(workspace.run("stack", "output", "--json")) == {"prefix": str(workspace.folder / "venv")}


def test_another_toolchain_is_refused(workspace: Any) -> None:
    workspace.write("Pulumi.yaml", "name: other\nruntime:\n  name: python\n  options:\n    toolchain: poetry\n")
    workspace.write("__main__.py", "")
    workspace.run("stack", "init", "dev")
    assert "`toolchain: poetry` is not supported" in workspace.run("preview", code=-1)


def schema(workspace: Any, folder: str) -> dict[str, Any]:
    printed = workspace.run("package", "get-schema", folder)
    found: dict[str, Any] = json.loads(printed[printed.index("{") : printed.rindex("}") + 1])
    return found


def test_a_component_package_runs_from_source(workspace: Any) -> None:
    workspace.write("greet/PulumiPlugin.yaml", RUNTIME)
    workspace.write("greet/__main__.py", HOSTED)
    found = schema(workspace, "./greet")
    greeting = found["resources"]["greet:index:Greeting"]
    assert greeting["isComponent"] is True
    assert greeting["requiredInputs"] == ["text"]


def test_a_component_of_a_package_is_created_by_a_program(workspace: Any) -> None:
    providers = "plugins:\n  providers:\n    - name: greet\n      path: ./greet\n"
    workspace.write("Pulumi.yaml", f"name: greeted\n{RUNTIME}{providers}")
    workspace.write("greet/PulumiPlugin.yaml", RUNTIME)
    workspace.write("greet/__main__.py", HOSTED)
    workspace.write(
        "__main__.py",
        """
import pulumi

class Greeting(pulumi.ComponentResource):
    text: pulumi.Output[str]

    def __init__(self, name, text):
        super().__init__("greet:index:Greeting", name, {"text": text}, remote=True)

pulumi.export("said", pulumi.Output.secret(Greeting("hello", "good day").urn))
""",
    )
    workspace.run("stack", "init", "dev")
    workspace.run("up", "--yes", "--skip-preview")
    resources = json.loads(workspace.run("stack", "export"))["deployment"]["resources"]
    created = next(resource for resource in resources if resource["type"] == "greet:index:Greeting")
    assert created["outputs"]["text"] == "good day"


def test_about_names_the_projects_python(workspace: Any) -> None:
    workspace.write("Pulumi.yaml", f"name: about\n{RUNTIME}")
    workspace.write("__main__.py", "")
    assert f"executable='{sys.executable}'" in workspace.run("about")


def test_a_component_of_a_package_is_created_by_a_yaml_program(workspace: Any) -> None:
    """`pulumi package add` of a folder, and a program in a language without any Python of its own."""
    workspace.write("greet/PulumiPlugin.yaml", RUNTIME)
    workspace.write("greet/__main__.py", HOSTED)
    workspace.write("Pulumi.yaml", "name: yaml\nruntime: yaml\n")
    workspace.run("package", "add", "./greet")
    declared = workspace.folder / "Pulumi.yaml"
    program = """
resources:
  hello:
    type: greet:Greeting
    properties:
      text: good day
outputs:
  said: ${hello.text}
"""
    declared.write_text(declared.read_text() + program)
    workspace.run("stack", "init", "dev")
    workspace.run("up", "--yes", "--skip-preview")
    assert json.loads(workspace.run("stack", "output", "--json")) == {"said": "good day"}
