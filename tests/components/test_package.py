"""Proves that the components are a package for every language: schema, what crosses the border, and what they load.

The line tests run Pulumi YAML on the real engine, with the package added as a stranger's project adds it.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from anyio.from_thread import start_blocking_portal
from pulumi.errors import InputPropertiesError, InputPropertyError
from support.builders import ARGUMENTS, options, workspace
from support.engine import EngineProject
from support.recorder import Deploy

import lakelatch
from lakelatch.components.package import Package
from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.server import running

REPOSITORY = Path(__file__).parents[2]
GOLDEN = Path(__file__).with_name("schema.golden.json")
EXAMPLE = REPOSITORY / "examples" / "yaml-service"


@pytest.fixture(scope="module")
def package() -> Package:
    return Package()


def schema(package: Package) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(package.schema or "")
    return found


def test_the_schema_is_the_one_that_was_looked_at(package: Package) -> None:
    """What is gone, renamed, of another type or newly required breaks other people's programs: look, then write it
    anew by `python -m lakelatch.components.package > tests/components/schema.golden.json`."""
    assert schema(package) == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_every_public_component_is_in_it_with_every_argument_and_output(package: Package) -> None:
    resources = schema(package)["resources"]
    public = {name for name in lakelatch.__all__ if not name.endswith("Args")}
    assert set(resources) == {f"lakelatch:index:{name}" for name in public}
    for name in public:
        found = resources[f"lakelatch:index:{name}"]
        assert found["isComponent"]
        assert len(found["inputProperties"]) == len(getattr(lakelatch, f"{name}Args").__annotations__)
        assert len(found["properties"]) == len(getattr(lakelatch, name).__annotations__)


def test_everything_in_it_is_documented(package: Package) -> None:
    found = schema(package)
    for token, one in {**found["resources"], **found["types"]}.items():
        assert one["description"], token
        for field, shape in {**one.get("inputProperties", {}), **one["properties"]}.items():
            assert shape.get("description"), f"{token}.{field}"
            assert "\n  " not in shape["description"]


def arrived(package: Package, component: str, inputs: dict[str, Any]) -> Any:
    return package.map_inputs(inputs, package._component_defs[component])


PRINCIPAL: Any = {"displayName": "x", "workspaceId": "1"}
ROLE: Any = {"group": {}, "workspaceId": "1"}


class TestWhatCrossesTheBorder:
    def test_names_are_those_of_python(self, package: Package) -> None:
        policy = {"issuer": "i", "audiences": ["a"], "subject": "s", "subjectClaim": "c", "jwksUri": "u"}
        assert arrived(package, "FederationTrust", {"servicePrincipalId": "1", "policies": {"camelCase": policy}}) == {
            "service_principal_id": "1",
            "policies": {
                "camelCase": {
                    "issuer": "i",
                    "audiences": ["a"],
                    "subject": "s",
                    "subject_claim": "c",
                    "jwks_uri": "u",
                }
            },
        }

    @pytest.mark.parametrize(
        ("component", "inputs", "path", "value"),
        [
            pytest.param("EntraApplication", {"displayName": "x", "tokenVersion": 1.0}, ["token_version"], 1, id="int"),
            pytest.param(
                "ServiceIdentity", {**PRINCIPAL, "workspaceId": 123.0}, ["workspace_id"], "123", id="id as number"
            ),
            pytest.param(
                "ServiceIdentity", {**PRINCIPAL, "groups": {"a": 77.0}}, ["groups", "a"], "77", id="in a map"
            ),
            pytest.param(
                "WorkspaceRole", {**ROLE, "entitlements": [5.0]}, ["entitlements", 0], "5", id="in a list"
            ),
            pytest.param("ServiceIdentity", {**PRINCIPAL, "adopt": True}, ["adopt"], True, id="a switch"),
        ],
    )  # fmt: skip
    def test_numbers_arrive_as_the_schema_has_them(
        self, component: str, inputs: Any, path: Any, value: Any, package: Package
    ) -> None:
        found = arrived(package, component, inputs)
        for step in path:
            found = found[step]
        assert found == value
        assert type(found) is type(value)

    @pytest.mark.parametrize("number", [float(2**53 + 2), 1.5])
    def test_a_number_that_was_rounded_is_refused(self, number: float, package: Package) -> None:
        with pytest.raises(InputPropertyError, match="pass it as text"):
            arrived(package, "ServiceIdentity", {**PRINCIPAL, "workspaceId": number})

    def test_what_is_known_later_stays_so_where_it_may(self, deploy: Deploy, package: Package) -> None:
        seen: dict[str, Any] = {}

        def program() -> None:
            later = pulumi.Output.secret("77")
            seen.update(arrived(package, "ServiceIdentity", {**PRINCIPAL, "groups": {"a": later}}))
            with pytest.raises(InputPropertyError, match="known only later"):
                arrived(package, "EntraApplication", {"displayName": "x", "tokenVersion": later})

        deploy(program)
        assert isinstance(seen["groups"]["a"], pulumi.Output)

    def test_a_provider_is_handed_over_whole(self, deploy: Deploy, package: Package) -> None:
        def program() -> None:
            provider = workspace()
            found = arrived(package, "WorkspaceRole", {**ROLE, "workspaceProvider": provider})
            assert found["workspace_provider"] is provider

        deploy(program)

    def test_wrong_arguments_are_told_without_values_or_traceback(self, deploy: Deploy, package: Package) -> None:
        caught: list[InputPropertiesError] = []

        def program() -> None:
            policies = {"A": {"issuer": "http://hidden", "audiences": [], "subject": "*"}}
            with pytest.raises(InputPropertiesError) as error:
                package.construct(
                    "t",
                    "lakelatch:index:FederationTrust",
                    {"servicePrincipalId": "1", "policies": policies},
                    options(),
                )
            caught.append(error.value)

        deploy(program)
        assert "policies.A.issuer: does not begin with https://" in caught[0].message
        assert "hidden" not in caught[0].message
        assert not caught[0].errors

    @pytest.mark.parametrize("component", sorted(ARGUMENTS))
    def test_every_component_is_made_through_it(self, component: str, deploy: Deploy, package: Package) -> None:
        """What goes in by the schema's names makes exactly what the same call in Python makes."""
        definition = package._component_defs[component]

        def camel(value: Any, names: dict[str, str], properties: Any) -> Any:
            out = {}
            for schema_name, python_name in names.items():
                if python_name not in value:
                    continue
                inner, shape = value[python_name], properties[schema_name]
                out[schema_name] = nested(inner, shape)
            return out

        def nested(inner: Any, shape: Any) -> Any:
            if isinstance(inner, list) and shape.items is not None:
                return [nested(item, shape.items) for item in inner]
            if isinstance(inner, dict) and shape.additional_properties is not None:
                return {key: nested(item, shape.additional_properties) for key, item in inner.items()}
            if shape.ref and ":" in shape.ref:
                kind = package.get_type_definition(shape)
                assert kind is not None
                return camel(inner, kind.properties_mapping, kind.properties)
            return inner

        def through() -> None:
            inputs = camel(ARGUMENTS[component](), definition.inputs_mapping, definition.inputs)
            package.construct("app", f"lakelatch:index:{component}", inputs, options())

        def direct() -> None:
            getattr(lakelatch, component)("app", ARGUMENTS[component](), options())

        one, two = ({row.urn: row.inputs for row in deploy(program).resources} for program in (through, direct))
        assert one == two


def loaded(statement: str) -> set[str]:
    """Which of the SDKs a statement loads, in an interpreter of its own."""
    script = f"{statement}\nimport sys\nprint(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {"pulumi", "pulumi_databricks", "pulumi_azuread", "pydantic"} & set(found.stdout.split())


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        pytest.param("import lakelatch", set(), id="the package"),
        pytest.param("import lakelatch.access.model", {"pydantic"}, id="the model"),
        *[pytest.param(f"from lakelatch import {name}", {"pulumi", "pydantic"}, id=name) for name in sorted(ARGUMENTS)],
    ],
)
def test_no_sdk_of_a_provider_is_loaded_before_it_is_used(statement: str, allowed: set[str]) -> None:
    assert loaded(statement) <= allowed


def test_the_manifest_names_what_the_engine_reads() -> None:
    manifest = yaml.safe_load((REPOSITORY / "components" / "PulumiPlugin.yaml").read_text())
    assert set(manifest) == {"runtime"}
    assert manifest["runtime"]["name"] == "python"


@pytest.fixture
def stranger(tmp_path: Path) -> Any:
    """A stranger's Pulumi YAML project beside a copy of the package; what the copy requires is brought by the test."""
    project = EngineProject(tmp_path, "stranger", "")
    copied = tmp_path / "components"
    shutil.copytree(REPOSITORY / "components", copied, ignore=shutil.ignore_patterns("__pycache__"))
    (copied / "requirements.txt").write_text("# nothing: the environment of this checkout has it all\n")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (project.folder / "__main__.py").unlink()
    project.environment["PULUMI_IGNORE_AMBIENT_PLUGINS"] = "true"

    def use(program: dict[str, Any]) -> EngineProject:
        text = yaml.safe_dump({**program, "name": "stranger"}, sort_keys=False)
        (project.folder / "Pulumi.yaml").write_text(text)
        project.run("package", "add", "../components")
        return project

    return use


def steps(project: EngineProject) -> list[str]:
    printed = project.run("preview", "--json")
    found = json.loads(printed[printed.index("{") : printed.rindex("}") + 1])["steps"]
    return [f"{step['op']} {step['newState']['type'].rpartition(':')[2]}" for step in found]


@pytest.fixture
def doubles(tmp_path: Path) -> Iterator[Endpoints]:
    """The doubles of Databricks, in a thread of this process."""
    with start_blocking_portal() as portal:
        opened = running(tmp_path / "doubles", clock=Clock())
        with portal.wrap_async_context_manager(opened) as endpoints:
            yield endpoints


@pytest.mark.line
def test_the_yaml_example_lives_with_the_package_added(stranger: Any, doubles: Endpoints) -> None:
    """Preview, up, an empty second up, destroy; everything by components in another process."""
    program = yaml.safe_load((EXAMPLE / "Pulumi.yaml").read_text())
    assert program["packages"] == {"lakelatch": "../../components"}
    project = stranger({key: value for key, value in program.items() if key != "packages"})
    assert yaml.safe_load((project.folder / "Pulumi.yaml").read_text())["packages"] == {"lakelatch": "../components"}
    project.environment |= {
        "SSL_CERT_FILE": doubles.ca_bundle_file,
        "DATABRICKS_CLIENT_ID": doubles.admin_client_id,
        "DATABRICKS_CLIENT_SECRET": doubles.admin_client_secret,
    }
    project.configure(
        accountHost=doubles.account_host,
        accountId=doubles.account_id,
        workspaceHost=doubles.workspace_host,
        workspaceId=doubles.workspace_id,
    )
    assert sorted(steps(project)) == [
        "create AccountGroup",
        "create Entitlements",
        "create FederationTrust",
        "create Grant",
        "create Grant",
        "create Group",
        "create GroupMember",
        "create MwsPermissionAssignment",
        "create MwsPermissionAssignment",
        "create ServiceIdentity",
        "create ServicePrincipal",
        "create ServicePrincipalFederationPolicy",
        "create Stack",
        "create WorkspaceRole",
        "create databricks",
        "create databricks",
    ]
    project.run("up", "--yes", "--skip-preview")
    outputs = json.loads(project.run("stack", "output", "--json"))
    assert outputs["policies"] == ["github"]
    assert outputs["applicationId"]
    project.run("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert doubles.admin_client_secret not in project.run("stack", "export")
    project.run("destroy", "--yes", "--skip-preview")


@pytest.mark.line
def test_wrong_arguments_reach_a_yaml_author_as_one_clear_text(stranger: Any) -> None:
    trust = {
        "type": "lakelatch:FederationTrust",
        "properties": {
            "servicePrincipalId": "1",
            "policies": {"ab": {"issuer": "http://a", "audiences": ["a"], "subject": "repo:*"}},
        },
    }
    said = stranger({"runtime": "yaml", "resources": {"trust": trust}}).run("preview", succeeds=False)
    for words in (
        "policies.ab.issuer: does not begin with https://",
        "policies.ab.subject: it has a wildcard",
        "opts.providers: has no databricks provider",
    ):
        assert words in said
    assert "Traceback" not in said
    assert 'File "' not in said
