"""Proves that everybody who might take a token is found: in the model, and in what a stack has made."""

from typing import Any

import pytest
from support.wide import WIDE

from lakelatch.access import verifiers
from lakelatch.access.diagnosis import Verifier
from lakelatch.access.model import AccessModel
from lakelatch.access.trusts import Trust

ACCOUNT = "0d26daa6-5e44-4c97-a497-ef015f91254a"
GATEWAY = "https://databricks.example.com"
GITHUB = "https://token.actions.githubusercontent.com"


def by_name(found: Any) -> dict[str, Verifier]:
    """Verifiers by what they are called."""
    listed = list(found)
    assert len({one.name for one in listed}) == len(listed)
    return {one.name: one for one in listed}


def test_the_model_names_everybody() -> None:
    model = AccessModel.read(WIDE)
    found = by_name(verifiers.of_model(model, gateway_leeway_seconds=30))
    assert {name: (one.kind, one.service) for name, one in found.items()} == {
        "federation policy 'lakelatch-gateway' of nightly-report": ("principal", "nightly-report"),
        "the gateway, for nightly-report": ("gateway", "nightly-report"),
        "Entra, for nightly-report": ("entra", "nightly-report"),
        "federation policy 'lakelatch-gateway' of exporter": ("principal", "exporter"),
        "the gateway, for exporter": ("gateway", "exporter"),
        "federation policy 'lakelatch-workload' of etl-deploy": ("principal", "etl-deploy"),
        "account-wide federation policy 'entra'": ("account", None),
    }
    gateway = found["the gateway, for exporter"]
    assert gateway.trust.subject == "0oa1"
    assert (gateway.leeway_seconds, gateway.places["subject"]) == (30, ("services", "exporter", "workload"))
    direct = found["federation policy 'lakelatch-workload' of etl-deploy"]
    assert direct.trust.subject == "repo:acme/etl:environment:production"
    assert (direct.leeway_seconds, direct.of_gateway) == (0, False)
    through = found["federation policy 'lakelatch-gateway' of exporter"]
    assert through.of_gateway
    assert through.places == {"issuer": ("services", "exporter", "via")}
    assert found["Entra, for nightly-report"].places["issuer"] == ("issuers", "cluster")
    assert found["account-wide federation policy 'entra'"].places["audience"] == (
        "issuers",
        "entra",
        "users",
        "audience",
    )


def policy(name: str, policy_id: str, **oidc: Any) -> dict[str, Any]:
    """A federation policy as a stack's state has it."""
    kind = verifiers.PRINCIPAL_POLICY
    return {
        "urn": f"urn:pulumi:production::lakelatch::lakelatch:index:DatabricksAccess$x${kind}::{name}",
        "type": kind,
        "inputs": {"policyId": policy_id, "oidcPolicy": oidc},
        "outputs": {"policyId": policy_id, "oidcPolicy": oidc, "servicePrincipalId": 5.0},
    }


STATE: dict[str, Any] = {
    "version": 3,
    "deployment": {
        "resources": [
            {"urn": "urn:pulumi:production::lakelatch::pulumi:pulumi:Stack::lakelatch", "type": "pulumi:pulumi:Stack"},
            policy(
                "access-etl-deploy/lakelatch-workload",
                "lakelatch-workload",
                issuer=GITHUB,
                audiences=["b", "a"],
                subject="repo:acme/etl:environment:production",
                subjectClaim="sub",
            ),
            policy(
                "access-exporter/lakelatch-gateway",
                "lakelatch-gateway",
                issuer=GATEWAY,
                audiences=[ACCOUNT],
                subject="exporter",
            ),
            policy("by-hand", "by-hand", issuer="https://x", subject="y"),
            policy("secret", "secret", issuer={"4dabf18193072939515e22adb298388d": "sig", "ciphertext": "c"}),
            {
                "urn": f"urn:pulumi:p::l::{verifiers.ACCOUNT_POLICY}::access-entra",
                "type": verifiers.ACCOUNT_POLICY,
                "outputs": {
                    "policyId": "entra",
                    "oidcPolicy": {"issuer": "https://e", "audiences": ["a"], "subjectClaim": "upn"},
                },
            },
            {
                "urn": f"urn:pulumi:p::l::{verifiers.ENTRA_CREDENTIAL}::access-nightly-report/cluster",
                "type": verifiers.ENTRA_CREDENTIAL,
                "inputs": {"issuer": "https://k", "audiences": ["api://AzureADTokenExchange"], "subject": "s"},
            },
            {
                "urn": f"urn:pulumi:p::l::{verifiers.GATEWAY_CONFIG}::access",
                "type": verifiers.GATEWAY_CONFIG,
                "inputs": {"directory": "d", "config": None},
                "outputs": {
                    "config": {
                        "host": GATEWAY,
                        "issuers": {
                            "entra": {"issuer": "https://e", "audience": "app"},
                            "okta": {"issuer": "https://o", "audience": "api", "subject_claim": "azp"},
                        },
                        "services": {
                            "nightly-report": {"issuer": "entra", "subject": "object-id"},
                            "exporter": {"issuer": "okta", "subject": "0oa1"},
                        },
                    }
                },
            },
        ]
    },
}


def test_the_state_names_everybody_exactly() -> None:
    model = AccessModel.read(WIDE)
    found = by_name(verifiers.of_state(STATE, model, gateway_leeway_seconds=30))
    assert {name: (one.kind, one.service, one.trust) for name, one in found.items()} == {
        "federation policy 'lakelatch-workload' of etl-deploy": (
            "principal",
            "etl-deploy",
            Trust(GITHUB, ("a", "b"), "repo:acme/etl:environment:production"),
        ),
        "federation policy 'lakelatch-gateway' of exporter": (
            "principal",
            "exporter",
            Trust(GATEWAY, (ACCOUNT,), "exporter"),
        ),
        "federation policy 'by-hand' of by-hand": ("principal", None, Trust("https://x", (ACCOUNT,), "y")),
        "federation policy 'secret' of secret": ("principal", None, Trust("", (ACCOUNT,), None)),
        "account-wide federation policy 'entra'": ("account", None, Trust("https://e", ("a",), None, "upn")),
        "Entra, for nightly-report": (
            "entra",
            "nightly-report",
            Trust("https://k", ("api://AzureADTokenExchange",), "s"),
        ),
        "the gateway, for nightly-report": ("gateway", "nightly-report", Trust("https://e", ("app",), "object-id")),
        "the gateway, for exporter": ("gateway", "exporter", Trust("https://o", ("api",), "0oa1", "azp")),
    }
    assert found["federation policy 'lakelatch-gateway' of exporter"].of_gateway
    assert found["federation policy 'lakelatch-workload' of etl-deploy"].places["subject"] == (
        "services",
        "etl-deploy",
        "workload",
    )
    assert found["the gateway, for exporter"].leeway_seconds == 30


def test_without_the_model_the_state_still_tells_but_not_which_line() -> None:
    found = by_name(verifiers.of_state(STATE, None))
    exporter = found["the gateway, for exporter"]
    assert (exporter.trust.subject, exporter.places) == ("0oa1", {})
    assert found["federation policy 'by-hand' of by-hand"].trust.audiences == ()


def test_a_services_name_may_end_in_anothers() -> None:
    config = {"host": GATEWAY, "issuers": {}, "services": {"report": {}, "nightly-report": {}}}
    rows = [
        {"urn": "a::x", "type": verifiers.GATEWAY_CONFIG, "inputs": {"config": config}},
        policy("access-nightly-report/lakelatch-gateway", "lakelatch-gateway", issuer=GATEWAY),
    ]
    found = verifiers.of_state({"deployment": {"resources": rows}}, None)
    assert [one.service for one in found if one.kind == "principal"] == ["nightly-report"]


@pytest.mark.parametrize("exported", [None, [], {}, {"deployment": None}, {"deployment": []}])
def test_what_is_no_export(exported: Any) -> None:
    with pytest.raises(ValueError, match="pulumi stack export"):
        list(verifiers.of_state(exported, None))


@pytest.mark.parametrize("resources", [None, [], [5], {"a": 1}])
def test_an_export_without_resources_has_nobody(resources: Any) -> None:
    assert list(verifiers.of_state({"deployment": {"resources": resources}}, None)) == []
