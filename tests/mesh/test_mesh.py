"""Proves that an export for another proxy is well-formed and lets nothing through that the gateway would refuse."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mesh_schemas import BY_KIND

from lakelatch.access.actions import ACTIONS
from lakelatch.access.decisions import Request, decide
from lakelatch.envoy.authentication import PUBLIC_PATHS
from lakelatch.envoy.config import GatewayConfig
from lakelatch.mesh.export import TARGETS, text
from lakelatch.mesh.grants import Export, overlap
from lakelatch_gateway.cli import gateway as command

HERE = Path(__file__).parent
JWKS = {"cluster": "https://cluster.example.test/openid/v1/jwks"}


def made(config: GatewayConfig, target: str, **uris: str) -> Export:
    return TARGETS[target](config, gateway="lakelatch", namespace="edge", jwks_uris=uris)


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_documents_are_as_the_reference_pages_say(configure: Any, target: str) -> None:
    documents = list(yaml.safe_load_all(text(made(configure(), target, **JWKS))))
    assert documents
    for document in documents:
        jsonschema.validate(document, BY_KIND[document["kind"]])
    names = [(document["kind"], document["metadata"]["name"]) for document in documents]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_documents_are_those_of_the_golden_file(configure: Any, target: str) -> None:
    assert text(made(configure(), target, **JWKS)) == (HERE / f"{target}.golden.yaml").read_text()


def istio_allows(documents: Any, method: str, path: str, claims: dict[str, str]) -> bool:
    """As Istio evaluates policies that allow: any rule of any of them; exact paths, and templates of none."""

    def met(rule: Any) -> bool:
        principals = [one for source in rule.get("from", []) for one in source["source"]["requestPrincipals"]]
        if principals and f"{claims['iss']}/{claims.get('sub')}" not in principals:
            return False
        for condition in rule.get("when", []):
            claim = re.fullmatch(r"request\.auth\.claims\[(.+)\]", condition["key"])
            assert claim is not None
            if claims.get(claim[1]) not in condition["values"]:
                return False
        operations = [one["operation"] for one in rule["to"]]
        assert not [one for row in operations for one in row["paths"] if "*" in one or "{" in one]
        return any(method in row["methods"] and path in row["paths"] for row in operations)

    policies = [one["spec"] for one in documents if one["kind"] == "AuthorizationPolicy"]
    return any(met(rule) for policy in policies for rule in policy.get("rules", []))


def envoy_gateway_allows(documents: Any, method: str, path: str, claims: dict[str, str]) -> bool:
    """Whether any route that fits lets it through: which one is taken, Envoy Gateway may choose as it likes."""

    def fits(match: Any) -> bool:
        kind, value = match["path"]["type"], match["path"]["value"]
        return match["method"] == method and (path == value if kind == "Exact" else bool(re.fullmatch(value, path)))

    policies = {one["metadata"]["name"]: one["spec"] for one in documents if one["kind"] == "SecurityPolicy"}
    for route in (one for one in documents if one["kind"] == "HTTPRoute"):
        if not any(fits(match) for rule in route["spec"]["rules"] for match in rule["matches"]):
            continue
        if route["metadata"]["name"] not in policies:
            return True
        policy = policies[route["metadata"]["name"]]
        issuers = {one["name"]: one["issuer"] for one in policy["jwt"]["providers"]}
        for rule in policy["authorization"]["rules"]:
            jwt = rule["principal"]["jwt"]
            if issuers[jwt["provider"]] == claims["iss"] and all(
                claims.get(claim["name"]) in claim["values"] for claim in jwt["claims"]
            ):
                return True
    return False


EVALUATORS = {"istio": istio_allows, "envoy-gateway": envoy_gateway_allows}
SEGMENTS = st.sampled_from(
    ["a", "a;b", "..;", "..", "%2E%2e", "%2Fx", "a:cancel", "warehouses", "", "list", "{id}", "*"]
)
_VARIABLE = re.compile(r"\{[a-z_]+(?:\.\.\.)?\}")


@st.composite
def requests(draw: st.DrawFn, granted: list[str]) -> tuple[str, str]:
    """Requests near what is granted: filled in well and badly, of other methods, with more or less of the path."""
    names = st.sampled_from(granted) | st.sampled_from(sorted(ACTIONS))
    request = draw(st.sampled_from(ACTIONS[draw(names)].requests))
    path = _VARIABLE.sub(lambda _: draw(SEGMENTS), request.path)
    path += draw(st.sampled_from(["", "", "", "/", "/x", ";x"]))
    return draw(st.sampled_from([request.method] * 3 + ["GET", "DELETE", "PUT"])), path


IDENTITIES = st.fixed_dictionaries(
    {
        "iss": st.sampled_from(["https://login.example.test/tenant/v2.0", "https://cluster.example.test/"]),
        "sub": st.sampled_from(["Nightly-1", "nightly-1", "ns:pod", "watched", "files"]),
        "workload": st.sampled_from(["Nightly-1", "ns:pod", "nobody"]),
    }
)


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_what_an_export_lets_through_the_gateway_lets_through(configure: Any, target: str) -> None:
    config = configure()
    documents = made(config, target, **JWKS).documents
    granted = sorted({name for service in config.services.values() for one in service.roles.values() for name in one})
    let_through = []

    @settings(max_examples=600, deadline=None)
    @given(requests(granted), IDENTITIES)
    def holds(request: tuple[str, str], claims: dict[str, str]) -> None:
        method, path = request
        if EVALUATORS[target](documents, method, path, claims) and PUBLIC_PATHS.get(path) != method:
            claim = {one.issuer: one.subject_claim for one in config.issuers.values()}[claims["iss"]]
            let_through.append(path)
            assert decide(config.policy, Request(method, path, claims["iss"], claims[claim])).allowed

    holds()
    assert let_through


@pytest.mark.parametrize(
    ("target", "service", "part", "reason"),
    [
        ("istio", "pod", "statement_execution.execute_statement", "the rule 'small' decides about it"),
        ("envoy-gateway", "pod", "statement_execution.execute_statement", "the rule 'small' decides about it"),
        ("istio", "nightly", "GET /api/2.0/sql/statements/{statement_id}", "its path has a variable"),
    ],
    ids=["rule, istio", "rule, envoy-gateway", "variable, istio"],
)
def test_what_is_left_out_is_told(configure: Any, target: str, service: str, part: str, reason: str) -> None:
    rows = made(configure(), target, **JWKS).left_out
    assert [
        row for row in rows if row.service == service and part in (row.action, row.request) and reason in row.reason
    ]


def test_issuer_whose_keys_have_no_address_is_left_out_of_envoy_gateway(configure: Any) -> None:
    export = made(configure(), "envoy-gateway")
    assert [row.service for row in export.left_out if "--jwks-uri" in row.reason] == ["pod"]
    assert "ns:pod" not in text(export)


def test_pattern_that_fits_what_somebody_may_not_do_is_left_out(configure: Any) -> None:
    """`/permissions/{type}/{id}` fits `/permissions/jobs/{id}` as well, which is another action."""
    roles = {"own": ["permissions.get", "permissions.set"]}
    service = {"issuer": "entra", "subject": "s", "application_id": "a", "roles": roles}
    export = made(configure(services={"one": service}), "envoy-gateway")
    left_out = {row.request for row in export.left_out if "more specific" in row.reason}
    assert "GET /api/2.0/permissions/{request_object_type}/{request_object_id}" in left_out
    assert "SecurityPolicy" not in {one["kind"] for one in export.documents}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("/a/{x}", "/a/list", True),
        ("/a/{x}", "/a/{y}:run", True),
        ("/a/{x}:stop", "/a/{y}:run", False),
        ("/a/{x...}", "/a/b/c", True),
        ("/a/{x}", "/a/b/c", False),
        ("/a/{x}/c", "/b/{x}/c", False),
    ],
)
def test_overlap_of_templates(one: str, other: str, expected: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is expected


def test_command_prints_documents_and_tells_what_they_do_not_hold(configure: Any, tmp_path: Path) -> None:
    (tmp_path / "current").mkdir()
    (tmp_path / "current" / "gateway.json").write_text(configure().file())
    said = CliRunner().invoke(command, ["export", "--to", "istio", "--config-dir", str(tmp_path)])
    assert said.exit_code == 0
    assert {one["kind"] for one in yaml.safe_load_all(said.stdout)} == {"RequestAuthentication", "AuthorizationPolicy"}
    assert "token swap" in said.stderr
    as_json = CliRunner().invoke(command, ["export", "--to", "istio", "--config-dir", str(tmp_path), "--json"])
    assert set(json.loads(as_json.stdout)) == {"target", "documents", "left_out", "notes"}
