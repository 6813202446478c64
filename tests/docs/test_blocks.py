"""Proves that what a reader pastes works: YAML and JSON parse, Python compiles, programs make what they promise."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from support import recorder
from support.pages import DOCS, ROOT, Block, blocks, written

import lakelatch
from lakelatch.access import schema
from lakelatch.components.secure_workspace import PARTS

BLOCKS = [block for page in written() for block in blocks(page)]
LANGUAGES = {"console", "json", "python", "text", "yaml"}


def of(language: str, title: str = "") -> list[Any]:
    """The blocks of a language, each with its place as id."""
    found = [block for block in BLOCKS if block.language == language and title in block.title]
    return [pytest.param(block, id=str(block)) for block in found]


def arguments_of(component: str) -> set[str]:
    """The keys that a component takes."""
    return set(getattr(lakelatch, f"{component}Args").__annotations__)


def test_every_block_is_of_a_language_that_is_checked_here() -> None:
    assert {block.language for block in BLOCKS} == LANGUAGES
    assert len(BLOCKS) > 60


@pytest.mark.parametrize("block", of("yaml"))
def test_yaml_parses(block: Block) -> None:
    assert isinstance(yaml.safe_load(block.text), dict | list)
    assert block.title, 'say which file it is, as in ```yaml title="stacks/access.yaml"'


@pytest.mark.parametrize("block", of("json"))
def test_json_parses(block: Block) -> None:
    assert isinstance(json.loads(block.text), dict)


@pytest.mark.parametrize("block", of("python"))
def test_python_compiles(block: Block) -> None:
    compile(block.text, str(block), "exec")


@pytest.mark.parametrize("block", of("console"))
def test_a_console_block_is_commands_alone(block: Block) -> None:
    assert all(line.startswith("$ ") for line in block.text.splitlines())


@pytest.mark.parametrize(
    ("title", "network"), [("__main__.py", ["IpAccessList"]), ("tried.py", ["AccountNetworkPolicy"])]
)
def test_the_programs_of_the_guide_to_a_closed_workspace_close_it(title: str, network: list[str]) -> None:
    [program] = [block for block in blocks(DOCS / "guides" / "closed-workspace.md") if block.title == title]
    made = recorder.deploy(lambda: exec(compile(program.text, str(program), "exec"), {}))
    kinds = {row.type.rpartition(":")[2] for row in made.resources}
    assert [kind for kind in ("IpAccessList", "AccountNetworkPolicy") if kind in kinds] == network
    assert "RestrictWorkspaceAdminsSetting" in kinds


@pytest.mark.parametrize("part", PARTS)
def test_the_guide_to_a_closed_workspace_tells_every_part(part: str) -> None:
    assert f"\n| `{part}` |" in (DOCS / "guides" / "closed-workspace.md").read_text(encoding="utf-8")


def test_the_program_of_the_python_guide_makes_what_the_guide_says() -> None:
    [program] = [block for block in blocks(DOCS / "guides" / "python.md") if block.title == "__main__.py"]
    made = recorder.deploy(lambda: exec(compile(program.text, str(program), "exec"), {}))
    policy = made.one("ServicePrincipalFederationPolicy").inputs["oidcPolicy"]
    assert policy["subject"] == "repo:acme/etl:environment:production"
    assert policy["audiences"] == sorted(policy["audiences"])
    assert made.one("GroupMember").inputs["memberId"] == recorder.SERVICE_PRINCIPAL_ID
    assert made.one("Grant").provider == made.one("Entitlements").provider == "analytics"
    assert made.one(":ServicePrincipal").provider == "account"


def test_the_findings_of_the_python_guide_are_the_real_ones() -> None:
    [shown] = [block for block in blocks(DOCS / "guides" / "python.md") if block.text.startswith("error: ")]
    policy: Any = {
        "issuer": "http://token.actions.githubusercontent.com",
        "audiences": ["0d26daa6-5e44-4c97-a497-ef015f91254a"],
        "subject": "repo:acme/etl:ref:refs/heads/*",
    }

    def program() -> None:
        import pulumi
        import pulumi_databricks as databricks

        providers = {"databricks": databricks.Provider("account")}
        lakelatch.FederationTrust(
            "etl-deploy",
            {"service_principal_id": recorder.SERVICE_PRINCIPAL_ID, "policies": {"github": policy}},
            pulumi.ResourceOptions(providers=providers),
        )

    with pytest.raises(lakelatch.components.arguments.ArgumentError) as refused:
        recorder.deploy(program)
    assert f"error: {refused.value}\n" == shown.text


def test_the_program_in_pulumi_yaml_is_the_example() -> None:
    """tests/components runs the example with the engine; the guide shows it."""
    [shown] = [block for block in BLOCKS if block.title == "Pulumi.yaml"]
    example = yaml.safe_load((ROOT / "examples" / "yaml-service" / "Pulumi.yaml").read_text(encoding="utf-8"))
    assert yaml.safe_load(shown.text)["resources"] == example["resources"]


def test_every_workflow_asks_for_a_token_and_names_its_way() -> None:
    """What CI needs beside the trust stands in its file: the way of signing in, and where."""
    files = {
        ".github/workflows/deploy.yaml",
        ".gitlab-ci.yml",
        "azure-pipelines.yml",
        ".circleci/config.yml",
        "pod.yaml",
    }
    shown = {block.title: block.text for block in BLOCKS if block.title in files}
    assert shown.keys() == files
    for title, text in shown.items():
        for variable in ("DATABRICKS_HOST", "DATABRICKS_AUTH_TYPE", "DATABRICKS_CLIENT_ID"):
            assert variable in text, f"{title} lacks {variable}"


@pytest.mark.parametrize("component", sorted(name for name in lakelatch.__all__ if not name.endswith("Args")))
def test_a_component_is_documented_with_all_its_arguments(component: str) -> None:
    text = (ROOT / "docs" / "reference" / "components.md").read_text(encoding="utf-8")
    _, _, section = text.partition(f"\n## {component}\n")
    section = section.partition("\n## ")[0]
    for argument in arguments_of(component):
        assert f"\n| `{argument}` |" in section, f"run `make reference`: {component}.{argument} is missing"


@pytest.mark.parametrize("component", sorted(name for name in lakelatch.__all__ if not name.endswith("Args")))
def test_a_page_tells_what_a_component_is_for(component: str) -> None:
    assert f"\n| `{component}` |" in (DOCS / "guides" / "python.md").read_text(encoding="utf-8")


def _parts() -> Iterator[tuple[str, str]]:
    """Every part of the access model with each of its keys, as a document has them."""
    whole = schema.whole()
    for name, part in {"The document": whole, **whole["$defs"]}.items():
        for key in part.get("properties", ()):
            yield name, key


@pytest.mark.parametrize(("part", "key"), list(_parts()))
def test_a_key_of_the_model_is_documented(part: str, key: str) -> None:
    text = (ROOT / "docs" / "reference" / "model.md").read_text(encoding="utf-8")
    assert f"\n## {part}\n" in text, f"run `make reference`: {part} is missing"
    section = text.partition(f"\n## {part}\n")[2].partition("\n## ")[0]
    assert f"\n| `{key}` |" in section, f"run `make reference`: {part}.{key} is missing"
