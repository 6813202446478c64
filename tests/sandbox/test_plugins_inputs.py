"""Inputs are accepted exactly as the published SDKs declare them: read from the installed files. A wrong field
fails with its path, and every spec names real fields only."""

from typing import Any

import pytest

from lakelatch.plugin.values import Unknown
from lakelatch_sandbox.plugins import azuread, databricks
from lakelatch_sandbox.plugins.check import coerced_fields, problems
from lakelatch_sandbox.plugins.sdk import Sdk
from lakelatch_sandbox.plugins.spec import Spec

DATABRICKS = Sdk("pulumi_databricks")
AZUREAD = Sdk("pulumi_azuread")
SPECS: list[tuple[Sdk, Spec[Any]]] = [
    *((DATABRICKS, spec) for spec in databricks.SPECS),
    *((AZUREAD, spec) for spec in azuread.SPECS),
]
POLICY = DATABRICKS.resource("service_principal_federation_policy").inputs
CLAIMS = AZUREAD.resource("application_optional_claims").inputs
PASSWORD = AZUREAD.resource("application_password").inputs
ASSIGNMENT = DATABRICKS.resource("mws_permission_assignment").inputs

each_spec = pytest.mark.parametrize(("sdk", "spec"), SPECS, ids=[spec.type for _, spec in SPECS])


@each_spec
def test_a_spec_names_real_inputs(sdk: Sdk, spec: Spec[Any]) -> None:
    resource = sdk.resource(spec.module)
    for named in (spec.replace_on, spec.filled, spec.sets, spec.fixed, spec.unsupported, frozenset(spec.defaults)):
        assert named <= resource.inputs.keys()
    assert (spec.secret | spec.volatile) <= resource.properties
    assert not spec.unsupported & spec.replace_on


@each_spec
def test_every_type_token_is_its_module(sdk: Sdk, spec: Spec[Any]) -> None:
    assert f"'{spec.type}'" in (sdk._folder / f"{spec.module}.py").read_text()


def test_versions_are_those_the_sdks_ask_for() -> None:
    import importlib.metadata

    assert DATABRICKS.version == importlib.metadata.version("pulumi_databricks")
    assert AZUREAD.version == importlib.metadata.version("pulumi_azuread")


@pytest.mark.parametrize(
    ("fields", "inputs", "paths"),
    [
        pytest.param(ASSIGNMENT, {}, ["permissions", "principalId", "workspaceId"], id="missing"),
        pytest.param(
            ASSIGNMENT, {"permissions": ["USER"], "principalId": "1", "workspaceId": None}, ["workspaceId"], id="null"
        ),
        pytest.param(POLICY, {"oidc_policy": {}}, ["oidc_policy"], id="python-name"),
        pytest.param(POLICY, {"oidcPolicy": {"subjects": ["a"]}}, ["oidcPolicy.subjects"], id="unknown-nested"),
        pytest.param(POLICY, {"oidcPolicy": {"audiences": ["a", {}]}}, ["oidcPolicy.audiences[1]"], id="item"),
        pytest.param(POLICY, {"oidcPolicy": {"audiences": "a"}}, ["oidcPolicy.audiences"], id="not-a-list"),
        pytest.param(POLICY, {"servicePrincipalId": "x"}, ["servicePrincipalId"], id="not-a-number"),
        pytest.param(POLICY, {"oidcPolicy": "x"}, ["oidcPolicy"], id="not-an-object"),
        pytest.param(CLAIMS, {"applicationId": "a", "idTokens": [{}]}, ["idTokens[0].name"], id="missing-nested"),
        pytest.param(
            PASSWORD, {"applicationId": "a", "rotateWhenChanged": {"a": []}}, ["rotateWhenChanged.a"], id="map"
        ),
    ],
)
def test_a_wrong_field_fails_with_its_path(fields: Any, inputs: dict[str, Any], paths: list[str]) -> None:
    assert [path for path, _ in problems(inputs, fields)] == paths


@pytest.mark.parametrize(
    ("fields", "inputs"),
    [
        (POLICY, {"oidcPolicy": Unknown(), "servicePrincipalId": Unknown()}),
        (
            POLICY,
            {"oidcPolicy": {"subject": Unknown(), "audiences": ["a"]}, "servicePrincipalId": "12", "__defaults": []},
        ),
        (ASSIGNMENT, {"permissions": Unknown(), "principalId": 5.0, "workspaceId": "1"}),
    ],
    ids=["unknown", "inside", "bridge-coercions"],
)
def test_what_the_bridge_takes_is_taken(fields: Any, inputs: dict[str, Any]) -> None:
    assert list(problems(inputs, fields)) == []


def test_values_arrive_in_their_declared_kinds() -> None:
    assert coerced_fields({"servicePrincipalId": "12", "description": None, "__defaults": []}, POLICY) == {
        "servicePrincipalId": 12.0
    }
    assert coerced_fields({"principalId": 5.0, "permissions": [True]}, ASSIGNMENT) == {
        "principalId": "5",
        "permissions": ["true"],
    }
    assert coerced_fields({"active": "true"}, DATABRICKS.resource("service_principal").inputs) == {"active": True}
