"""Proves that the published schema says what the model says, so that an editor neither misses nor invents mistakes."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from support.wide import WIDE, changed

from lakelatch.access import schema
from lakelatch.access.model import AccessModel
from lakelatch.errors import ModelError

ROOT = Path(__file__).parents[2]
SHIPPED = (ROOT / "stacks" / "access.yaml").read_text(encoding="utf-8")
WHOLE = Draft202012Validator(schema.whole())
FRAGMENT = Draft202012Validator(schema.fragment())

WORKLOADS: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "azure-devops": (
        {"organization_id": "5b7d3a0e-2c41-4f0c-8a55-d0e6f1b2c3a4"},
        [
            {"organization": "acme", "project": "Data Platform", "pipeline": "etl"},
            {"organization": "acme", "project": "Data Platform", "service_connection": "databricks"},
        ],
    ),
    "github": (
        {},
        [
            {"repository": "acme/etl", "branch": "main"},
            {"repository": "acme/etl", "tag": "v1"},
            {"repository": "acme/etl", "pull_request": True},
            {"repository": "acme/etl", "environment": "production", "owner_id": "1", "repository_id": "2"},
            {
                "repository": "acme/etl",
                "reusable_workflow": "acme/shared/.github/workflows/deploy.yaml@refs/heads/main",
            },
        ],
    ),
    "gitlab": ({}, [{"project": "acme/etl", "branch": "main"}, {"project": "acme/etl", "tag": "v1"}]),
    "kubernetes": ({"url": "https://k"}, [{"namespace": "a", "service_account": "b"}]),
    "circleci": (
        {"organization_id": "5b7d3a0e-2c41-4f0c-8a55-d0e6f1b2c3a4"},
        [{"project_id": "5b7d3a0e-2c41-4f0c-8a55-d0e6f1b2c3a5"}],
    ),
    "auth0": ({"domain": "acme.eu.auth0.com", "audience": "a"}, [{"client_id": "aB3"}]),
    "okta": ({"url": "https://acme.okta.com/oauth2/aus1", "audience": "a"}, [{"client_id": "0oa2"}]),
    "google": ({"audience": "databricks"}, [{"service_account_id": "104857600123456789012"}]),
    "keycloak": (
        {"host": "https://login.acme.example", "realm": "platform", "audience": "databricks"},
        [{"client_id": "etl"}, {"service_account_id": "2f1e0d9c-8b7a-4695-8473-625140312e1d"}],
    ),
    "aws": (
        {"url": "https://3f2c1b0a.tokens.sts.global.api.aws", "audience": "databricks"},
        [{"role_arn": "arn:aws:iam::123456789012:role/etl"}],
    ),
    "oidc": (
        {"url": "https://o", "audience": "databricks"},
        [{"subject": "a"}, {"subject": "a", "subject_claim": "b"}],
    ),
}


def with_workload(kind: str, workload: dict[str, Any]) -> dict[str, Any]:
    """The wide model with one direct service of this kind of issuer."""
    data: dict[str, Any] = yaml.safe_load(WIDE)
    data["issuers"]["own"] = {"type": kind, **WORKLOADS[kind][0]}
    data["services"]["etl-deploy"] |= {"issuer": "own", "workload": workload}
    return data


def holds(data: Any) -> bool:
    """Whether the model takes it."""
    try:
        AccessModel.read(json.dumps(data))
    except ModelError:
        return False
    return True


@pytest.mark.parametrize("text", [SHIPPED, WIDE], ids=["shipped", "wide"])
def test_a_good_model_fits(text: str) -> None:
    assert list(WHOLE.iter_errors(yaml.safe_load(text))) == []


CASES = [(kind, workload) for kind, (_, workloads) in WORKLOADS.items() for workload in workloads]


@pytest.mark.parametrize(("kind", "workload"), CASES, ids=[f"{kind} {' '.join(one)}" for kind, one in CASES])
def test_every_kind_of_workload_fits_both(kind: str, workload: dict[str, Any]) -> None:
    """As people write it: without its type, which is its issuer's."""
    data = with_workload(kind, workload)
    assert list(WHOLE.iter_errors(data)) == []
    AccessModel.read(json.dumps(data))


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(changed("acount", to={}), id="unknown section"),
        pytest.param(changed("account", "stak", to="x"), id="unknown key"),
        pytest.param(changed("account", to=...), id="no account"),
        pytest.param(changed("account", "id", to="x"), id="account id that is no UUID"),
        pytest.param(changed("workspaces", "Analytics 2", to={}), id="name with a blank"),
        pytest.param(changed("issuers", "github", "type", to="git"), id="unknown kind of issuer"),
        pytest.param(changed("issuers", "github", "tenant", to="x"), id="key of another kind of issuer"),
        pytest.param(changed("services", "exporter", "via", to="round"), id="unknown way"),
        pytest.param(changed("services", "exporter", "roles", to=[]), id="no roles"),
        pytest.param(changed("services", "exporter", "workload", to={}), id="empty workload"),
        pytest.param(changed("services", "exporter", "workload", "x", to="y"), id="unknown key of a workload"),
        pytest.param(changed("roles", "reader", "actions", to=["*"]), id="bare wildcard"),
        pytest.param(changed("roles", "reader", "actions", to=["statement_execution.run"]), id="unknown action"),
        pytest.param(changed("roles", "reader", "entitlements", to=["sql"]), id="unknown entitlement"),
        pytest.param(changed("roles", "reader", "grants", 0, "privileges", to=["READ"]), id="unknown privilege"),
        pytest.param(changed("roles", "reader", "grants", 0, "schema", to="a.b"), id="two securables"),
        pytest.param(changed("roles", "reader", "grants", 0, "catalog", to=...), id="no securable"),
        pytest.param(changed("roles", "reader", "group", to={}), id="neither create nor adopt"),
        pytest.param(changed("roles", "reader", "group", to={"create": "a", "adopt": "a"}), id="create and adopt"),
        pytest.param(changed("people", "analysts", "assurance", to="password"), id="unknown assurance"),
        pytest.param(changed("lifetimes", to={"gateway_token_seconds": 3601}), id="too long"),
        pytest.param(changed("gateway", "port", to=70000), id="no such port"),
    ],
)
def test_what_the_schema_refuses_the_model_refuses_too(bad: str) -> None:
    data = yaml.safe_load(bad)
    assert not WHOLE.is_valid(data)
    assert not holds(data)


ALTERNATIVES = {
    (kind, frozenset(one), frozenset(other)): (kind, {**one, **other})
    for kind, (_, workloads) in WORKLOADS.items()
    for one, other in itertools.combinations(workloads, 2)
    if kind != "oidc"
}


@pytest.mark.parametrize(("kind", "workload"), ALTERNATIVES.values())
def test_two_alternatives_at_once_fit_neither(kind: str, workload: dict[str, Any]) -> None:
    """The schema's list of alternatives is the model's own."""
    data = with_workload(kind, workload)
    assert not WHOLE.is_valid(data)
    assert not holds(data)


@pytest.mark.parametrize("section", yaml.safe_load(WIDE))
def test_a_fragment_may_have_any_section_alone(section: str) -> None:
    part = {section: yaml.safe_load(WIDE)[section]}
    assert FRAGMENT.is_valid(part)
    assert not WHOLE.is_valid(part)


def test_every_key_is_explained() -> None:
    """An editor shows the sentence beside the key."""
    parts = {"": schema.whole(), **schema.whole()["$defs"]}
    unexplained = [
        f"{name}.{key}"
        for name, part in parts.items()
        for key, value in part["properties"].items()
        if not value.get("description")
    ]
    assert unexplained == []


def test_nobody_is_asked_for_what_nobody_writes() -> None:
    text = json.dumps(schema.whole())
    for word in ('"UnknownWorkload"', '"EntraWorkload"', "discriminator", '"null"'):
        assert word not in text
    assert "type" not in schema.whole()["$defs"]["GithubWorkload"]["properties"]


@pytest.mark.parametrize("make", [schema.whole, schema.fragment], ids=["whole", "fragment"])
def test_it_is_a_schema_of_its_dialect(make: Any) -> None:
    Draft202012Validator.check_schema(make())
    assert make()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    ("file", "make"),
    [("access.schema.json", schema.whole), ("access-fragment.schema.json", schema.fragment)],
    ids=["whole", "fragment"],
)
def test_the_published_file_is_made_from_the_code(file: str, make: Any) -> None:
    """Run `make reference` when this fails."""
    published = (ROOT / "docs" / "reference" / file).read_text(encoding="utf-8")
    assert json.loads(published) == make()


def test_the_shipped_model_names_its_schema() -> None:
    first = SHIPPED.splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert (ROOT / "stacks" / named).resolve() == ROOT / "docs" / "reference" / "access.schema.json"
