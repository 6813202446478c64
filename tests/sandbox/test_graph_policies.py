"""Conditional Access, named locations, authentication strengths and contexts: what Graph keeps and what it refuses."""

import contextlib
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tenant import Tenant

from lakelatch_sandbox.graph import flexible
from lakelatch_sandbox.graph.errors import GraphError
from lakelatch_sandbox.graph.rules import check_federated_credential

STRENGTHS = "/policies/authenticationStrengthPolicies"
ACCESS = "/identity/conditionalAccess"
PHISHING_RESISTANT = "00000000-0000-0000-0000-000000000004"
FIDO2 = "#microsoft.graph.fido2CombinationConfiguration"


@pytest.fixture(scope="module")
def tenant(sandbox: Any) -> Tenant:
    return Tenant(sandbox)


def policy(**changes: Any) -> dict[str, Any]:
    return {
        "displayName": "p",
        "state": "enabled",
        "conditions": {
            "applications": {"includeApplications": ["All"]},
            "clientAppTypes": ["all"],
            "users": {"includeUsers": ["All"]},
        },
        "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
        **changes,
    }


def test_a_policy_names_a_strength_and_shows_it_whole(tenant: Tenant) -> None:
    controls = {
        "operator": "OR",
        "authenticationStrength": {
            "@odata.type": "#microsoft.graph.authenticationStrengthPolicy",
            "id": PHISHING_RESISTANT,
        },
    }
    made = tenant.ok("POST", f"{ACCESS}/policies", policy(grantControls=controls))
    strength = made["grantControls"]["authenticationStrength"]
    assert (strength["displayName"], strength["policyType"]) == ("Phishing-resistant MFA", "builtIn")
    path = f"{ACCESS}/policies/{made['id']}"
    tenant.ok("PATCH", path, {"state": "disabled"})
    read = tenant.ok("GET", path)
    assert (read["state"], read["conditions"]["users"]) == ("disabled", {"includeUsers": ["All"]})
    assert read["modifiedDateTime"] is not None
    tenant.ok("DELETE", path)
    assert tenant.error("GET", path)[0] == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "on"},
        {"grantControls": None},
        {"grantControls": {"operator": "AND", "builtInControls": ["hardware"]}},
        {"conditions": {"users": {"includeUsers": ["All"]}, "clientAppTypes": ["all"]}},
        {"conditions": {"applications": {"includeApplications": ["All"]}, "clientAppTypes": ["all"]}},
        {
            "conditions": {
                "applications": {"includeApplications": ["All"]},
                "clientAppTypes": ["all"],
                "users": {"includeUsers": ["All"]},
                "locations": {"includeLocations": [str(uuid.uuid4())]},
            }
        },
    ],
    ids=lambda value: str(value)[:60],
)
def test_policies_that_are_refused(tenant: Tenant, changes: dict[str, Any]) -> None:
    status, code, _ = tenant.error("POST", f"{ACCESS}/policies", policy(**changes))
    assert (status, code) == (400, "BadRequest")


def test_built_in_strengths_are_there_and_stay(tenant: Tenant) -> None:
    found = {one["id"]: one for one in tenant.ok("GET", STRENGTHS)["value"]}
    assert sorted(found[PHISHING_RESISTANT]["allowedCombinations"]) == [
        "fido2",
        "windowsHelloForBusiness",
        "x509CertificateMultiFactor",
    ]
    path = f"{STRENGTHS}/{PHISHING_RESISTANT}"
    assert tenant.ok("GET", path)["policyType"] == "builtIn"
    assert tenant.error("PATCH", path, {"displayName": "x"})[0] == 403
    assert tenant.error("DELETE", path)[0] == 403
    body = {"@odata.type": FIDO2, "appliesToCombinations": ["fido2"], "allowedAAGUIDs": [str(uuid.uuid4())]}
    assert tenant.error("POST", f"{path}/combinationConfigurations", body)[0] == 403


def test_combinations_of_a_custom_strength(tenant: Tenant) -> None:
    made = tenant.ok("POST", STRENGTHS, {"displayName": "keys", "allowedCombinations": ["fido2"]})
    path = f"{STRENGTHS}/{made['id']}"
    assert tenant.error("POST", STRENGTHS, {"displayName": "KEYS", "allowedCombinations": ["fido2"]})[0] == 400
    assert tenant.error("POST", STRENGTHS, {"displayName": "x", "allowedCombinations": ["telepathy"]})[0] == 400
    assert tenant.error("PATCH", path, {"allowedCombinations": ["password,sms"]})[0] == 400
    action = f"{path}/updateAllowedCombinations"
    changed = tenant.ok("POST", action, {"allowedCombinations": ["fido2", "password,sms"]})
    assert changed["previousCombinations"] == ["fido2"]
    below = f"{path}/combinationConfigurations"
    body = {"@odata.type": FIDO2, "appliesToCombinations": ["fido2"], "allowedAAGUIDs": [str(uuid.UUID(int=5))]}
    one = tenant.ok("POST", below, body)
    wrongs: list[dict[str, Any]] = [
        {},
        {"allowedAAGUIDs": ["x"]},
        {"allowedAAGUIDs": []},
        {"appliesToCombinations": ["x509CertificateMultiFactor"]},
        {"@odata.type": "#microsoft.graph.other"},
    ]
    for wrong in wrongs:
        assert tenant.error("POST", below, {**body, **wrong})[0] == 400, wrong
    tenant.ok("PATCH", f"{below}/{one['id']}", {"allowedAAGUIDs": [str(uuid.UUID(int=6))]})
    assert tenant.ok("GET", f"{below}/{one['id']}")["allowedAAGUIDs"] == [str(uuid.UUID(int=6))]
    assert len(tenant.ok("GET", below)["value"]) == 1
    assert tenant.error("POST", action, {"allowedCombinations": ["password,sms"]})[0] == 400, "still configured"
    tenant.ok("DELETE", path)
    assert tenant.error("GET", below)[0] == 404


def test_fifteen_custom_strengths_and_no_more(tenant: Tenant) -> None:
    made = [tenant.ok("POST", STRENGTHS, {"displayName": f"s{n}", "allowedCombinations": ["fido2"]}) for n in range(15)]
    body = {"displayName": "one more", "allowedCombinations": ["fido2"]}
    assert "at most 15" in tenant.error("POST", STRENGTHS, body)[2]
    for one in made:
        tenant.ok("DELETE", f"{STRENGTHS}/{one['id']}")


def test_named_locations(tenant: Tenant) -> None:
    ip = {
        "@odata.type": "#microsoft.graph.ipNamedLocation",
        "displayName": "office",
        "isTrusted": True,
        "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "10.0.0.0/8"}],
    }
    made = tenant.ok("POST", f"{ACCESS}/namedLocations", ip)
    path = f"{ACCESS}/namedLocations/{made['id']}"
    assert "countriesAndRegions" not in made
    locations = {"includeLocations": [made["id"]]}
    used = policy(conditions={**policy()["conditions"], "locations": locations})
    user = tenant.ok("POST", f"{ACCESS}/policies", used)
    assert "trusted" in tenant.error("DELETE", path)[2]
    tenant.ok("PATCH", path, {"@odata.type": "#microsoft.graph.ipNamedLocation", "isTrusted": False})
    assert "referenced by policy" in tenant.error("DELETE", path)[2]
    tenant.ok("DELETE", f"{ACCESS}/policies/{user['id']}")
    country = {"@odata.type": "#microsoft.graph.countryNamedLocation", "countriesAndRegions": ["NO"]}
    assert tenant.error("PATCH", path, country)[0] == 400
    tenant.ok("DELETE", path)
    for wrong in (
        {**ip, "ipRanges": [{"cidrAddress": "10.0.0.1"}]},
        {**ip, "ipRanges": []},
        {"displayName": "x"},
        {**country, "displayName": "x", "countriesAndRegions": []},
    ):
        assert tenant.error("POST", f"{ACCESS}/namedLocations", wrong)[0] == 400, wrong


def test_authentication_contexts_have_the_ids_that_they_are_given(tenant: Tenant) -> None:
    path = f"{ACCESS}/authenticationContextClassReferences"
    tenant.ok("POST", path, {"id": "c1", "displayName": "Strong", "isAvailable": True})
    assert tenant.error("POST", path, {"id": "c1", "displayName": "again"})[0] == 409
    assert tenant.error("POST", path, {"id": "strong", "displayName": "x"})[0] == 400
    tenant.ok("PATCH", f"{path}/c1", {"displayName": "Stronger"})
    assert tenant.ok("GET", f"{path}/c1") == {
        "@odata.context": f"{tenant.endpoints.graph_base}/v1.0/$metadata#authenticationContextClassReferences/$entity",
        "description": None,
        "displayName": "Stronger",
        "id": "c1",
        "isAvailable": True,
    }
    tenant.ok("DELETE", f"{path}/c1")


GITHUB = "https://token.actions.githubusercontent.com"


def credential(expression: object, issuer: str = GITHUB, **changes: Any) -> dict[str, Any]:
    return {
        "name": "f",
        "issuer": issuer,
        "subject": None,
        "audiences": ["a"],
        "description": None,
        "claimsMatchingExpression": {"value": expression, "languageVersion": 1},
        **changes,
    }


@pytest.mark.parametrize(
    "new",
    [
        pytest.param(credential("claims['sub'] eq 'x'", "https://issuer.example.com"), id="issuer"),
        pytest.param(credential("claims['actor'] eq 'x'"), id="claim"),
        pytest.param(credential("claims['job_workflow_ref'] eq 'x'"), id="required claim missing"),
        pytest.param(credential("claims['sub'] eq 'x' or claims['sub'] eq 'y'"), id="or"),
        pytest.param(credential("claims['sub'] like 'x'"), id="operator"),
        pytest.param(credential("sub eq 'x'"), id="no claims"),
        pytest.param(credential(""), id="empty"),
        pytest.param(credential(7), id="number"),
        pytest.param(credential("claims['sub'] eq 'x'", subject="x"), id="subject as well"),
        pytest.param(credential("x", claimsMatchingExpression=None), id="neither"),
        pytest.param(
            credential("x", claimsMatchingExpression={"value": "claims['sub'] eq 'x'", "languageVersion": 2}),
            id="language",
        ),
    ],
)
def test_expressions_that_graph_refuses(new: dict[str, Any]) -> None:
    with pytest.raises(GraphError) as refusal:
        check_federated_credential(new, [])
    assert refusal.value.code == "InvalidFederatedIdentityCredentialValue"


def test_expressions_are_unknown_to_v1(tenant: Tenant) -> None:
    made = tenant.ok("POST", "/applications", {"displayName": "x"})
    path = f"/applications/{made['id']}/federatedIdentityCredentials"
    body = {name: value for name, value in credential("claims['sub'] eq 'x'").items() if value is not None}
    assert tenant.error("POST", path, body)[0] == 400
    one = tenant.ok("POST", f"/beta{path}", body)
    assert one["claimsMatchingExpression"] == {"value": "claims['sub'] eq 'x'", "languageVersion": 1}
    assert "claimsMatchingExpression" not in tenant.ok("GET", f"{path}/{one['id']}")
    assert tenant.error("POST", f"/beta{path}", {**body, "name": "g"})[0] == 400, "the same again"


PIECES = st.text(st.characters(exclude_characters="'*?"), max_size=8)


@given(st.lists(PIECES, min_size=1, max_size=4), PIECES)
def test_a_star_stands_for_any_text_and_nothing_else_does(parts: list[str], filling: str) -> None:
    (clause,) = flexible.parse(f"claims['sub'] matches '{'*'.join(parts)}'")
    assert clause.holds({"sub": filling.join(parts)})
    (exact,) = flexible.parse(f"claims['sub'] eq '{'*'.join(parts)}'")
    assert exact.holds({"sub": filling.join(parts)}) == (filling.join(parts) == "*".join(parts))
    assert not clause.holds({"sub": "\0" + filling.join(parts)}) or parts[0] == "" or filling.startswith("\0")


@pytest.mark.parametrize(
    ("pattern", "subject", "fits"),
    [
        ("repo:a/b", "repo:a/b", True),
        ("repo:a/b", "repo:a/bc", False),
        ("repo:a/*", "repo:a/", True),
        ("repo:a/?", "repo:a/", False),
        ("repo:a/?", "repo:a/bc", False),
        ("*:main", "ref:main2", False),
        ("a.c", "abc", False),
    ],
)
def test_a_pattern_is_for_the_whole_claim(pattern: str, subject: str, fits: bool) -> None:
    (clause,) = flexible.parse(f"claims['sub'] matches '{pattern}'")
    assert clause.holds({"sub": subject}) == fits


@given(st.text())
def test_any_expression_is_understood_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert flexible.parse(text)
