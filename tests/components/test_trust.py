"""Proves what the federation policies of a principal and of an account send, in which order, and what they refuse."""

import json
from typing import Any

import pulumi
import pytest
from support.builders import ACCOUNT_ID, PEOPLE, TRUST, build
from support.recorder import SERVICE_PRINCIPAL_ID, Deploy

from lakelatch.components.arguments import ArgumentError

OCT = json.dumps({"keys": [{"kty": "oct", "k": "AA"}]})
KINDS = {
    "FederationTrust": (TRUST, ":ServicePrincipalFederationPolicy"),
    "AccountFederation": (PEOPLE, ":AccountFederationPolicy"),
}


def policies(component: str, deploy: Deploy, **rows: Any) -> list[dict[str, Any]]:
    found = deploy(lambda: build(component, policies=rows)).of(KINDS[component][1])
    return [row.inputs for row in found]


def test_a_principals_policy_sends_every_field(deploy: Deploy) -> None:
    [sent] = policies("FederationTrust", deploy, one=TRUST)
    assert sent == {
        "servicePrincipalId": int(SERVICE_PRINCIPAL_ID),
        "policyId": "one",
        "description": "",
        "oidcPolicy": {
            "issuer": "https://gateway.example.com",
            "audiences": ["account", "other"],
            "subject": "nightly-report",
            "subjectClaim": "sub",
        },
    }


def test_an_accounts_policy_sends_every_field_and_no_subject(deploy: Deploy) -> None:
    [sent] = policies("AccountFederation", deploy, people=PEOPLE)
    assert sent == {
        "policyId": "people",
        "description": "everybody at Acme",
        "oidcPolicy": {
            "issuer": "https://login.example.com/acme",
            "audiences": ["databricks-acme"],
            "subjectClaim": "upn",
        },
    }


@pytest.mark.parametrize("component", KINDS)
class TestBoth:
    def test_audiences_are_sorted(self, component: str, deploy: Deploy) -> None:
        """A service that gives them back in its own order would show a change in every preview."""
        [sent] = policies(component, deploy, ab={**KINDS[component][0], "audiences": ["z", "a"]})
        assert sent["oidcPolicy"]["audiences"] == ["a", "z"]

    @pytest.mark.parametrize("field", ["jwksUri", "jwksJson"])
    def test_keys_are_sent_as_they_are(self, component: str, field: str, deploy: Deploy) -> None:
        keys = {"jwksUri": "https://keys.example.com/jwks", "jwksJson": json.dumps({"keys": [P256]})}
        snake = {"jwksUri": "jwks_uri", "jwksJson": "jwks_json"}[field]
        [sent] = policies(component, deploy, ab={**KINDS[component][0], snake: keys[field]})
        assert sent["oidcPolicy"][field] == keys[field]

    def test_they_are_made_one_after_another(self, component: str, deploy: Deploy) -> None:
        """Databricks fails one of two policies that are made at once on the same principal."""
        policy, kind = KINDS[component]
        found = deploy(lambda: build(component, policies=dict.fromkeys(("one", "two", "three"), policy))).of(kind)
        chain = [{wait for wait in row.waits_for if "Policy" in wait} for row in found]
        assert chain == [set(), {f"{kind[1:]} app/one"}, {f"{kind[1:]} app/two"}]

    def test_20_are_taken(self, component: str, deploy: Deploy) -> None:
        assert len(policies(component, deploy, **{f"p{index}": KINDS[component][0] for index in range(20)})) == 20

    @pytest.mark.parametrize(
        ("rows", "says"),
        [
            pytest.param({}, "policies: is empty", id="none"),
            pytest.param({f"p{index}": {} for index in range(21)}, "policies: has 21 entries", id="21"),
            pytest.param({"A": {}}, "policies.A: is not a policy id", id="upper case id"),
            pytest.param({"a": {}}, "2 to 63", id="id of one character"),
            pytest.param({"a" * 64: {}}, "2 to 63", id="id of 64 characters"),
            pytest.param({"ab": {"issuer": "http://a"}}, "policies.ab.issuer: does not begin with https", id="http"),
            pytest.param({"ab": {"audiences": []}}, "policies.ab.audiences: is empty", id="no audience"),
            pytest.param({"ab": {"audiences": ["a", ""]}}, "audiences: has an empty entry", id="empty audience"),
            pytest.param({"ab": {"audiences": ["a", "a"]}}, "audiences: names one twice", id="audience twice"),
            pytest.param({"ab": {"subject_claim": " "}}, "policies.ab.subject_claim: is empty", id="empty claim"),
            pytest.param({"ab": {"jwks_uri": "http://a"}}, "policies.ab.jwks_uri: does not", id="keys over http"),
            pytest.param({"ab": {"jwks_json": "{"}}, "policies.ab.jwks_json: is not JSON", id="keys that are no JSON"),
            pytest.param({"ab": {"jwks_json": OCT}}, "jwks_json.keys\\[0\\]: it holds secret key", id="symmetric key"),
            pytest.param({"ab": {"jwks_json": OCT, "jwks_uri": "https://a"}}, "stands beside", id="both kinds of keys"),
        ],
    )
    def test_refusals(self, component: str, rows: Any, says: str, deploy: Deploy) -> None:
        whole = {policy_id: {**KINDS[component][0], **row} for policy_id, row in rows.items()}
        with pytest.raises(ArgumentError, match=says):
            policies(component, deploy, **whole)


P256 = {
    "kty": "EC",
    "crv": "P-256",
    "kid": "k",
    "alg": "ES256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
"""RFC 7517 appendix A.1's curve with RFC 7515 appendix A.3's point."""


class TestPrincipals:
    @pytest.mark.parametrize(
        ("subject", "says"), [("a*", "wildcard"), ("", "empty"), (" ab", "white space")], ids=["*", "empty", "blank"]
    )
    @pytest.mark.parametrize("late", [False, True], ids=["plain", "known later"])
    def test_a_loose_subject_is_refused(self, subject: str, says: str, late: bool, deploy: Deploy) -> None:
        def program() -> None:
            value: Any = pulumi.Output.from_input(subject) if late else subject
            build("FederationTrust", policies={"ab": {**TRUST, "subject": value}})

        with pytest.raises(ArgumentError, match=says):
            deploy(program)

    @pytest.mark.parametrize(
        ("one", "other", "fits"),
        [
            pytest.param("repo:a/b:environment:c", "repo:a@1/b@2:environment:c", True, id="both forms of GitHub"),
            pytest.param("repo:a/b:environment:c", "repo:a/b:ref:refs/heads/d", True, id="one repository"),
            pytest.param("repo:a/b:environment:c", "repo:a/x:environment:c", False, id="two repositories"),
            pytest.param("system:serviceaccount:a:b", "system:serviceaccount:a:c", False, id="two service accounts"),
        ],
    )
    def test_one_principal_is_for_one_workload(self, one: str, other: str, fits: bool, deploy: Deploy) -> None:
        """As the policy pack has it: whatever the component takes, the pack lets through."""
        rows = {"one": {**TRUST, "subject": one}, "other": {**TRUST, "subject": other}}
        if fits:
            assert len(policies("FederationTrust", deploy, **rows)) == 2
        else:
            with pytest.raises(ArgumentError, match=r"policies\.other\.subject: is another workload than"):
                policies("FederationTrust", deploy, **rows)

    def test_another_issuer_may_call_the_workload_by_another_name(self, deploy: Deploy) -> None:
        other = {**TRUST, "issuer": "https://other.example.com", "subject": "elsewhere"}
        assert len(policies("FederationTrust", deploy, one=TRUST, other=other)) == 2

    def test_a_generated_audience_is_sorted_among_the_others(self, deploy: Deploy) -> None:
        def program() -> None:
            late = pulumi.Output.from_input("a")
            build("FederationTrust", policies={"ab": {**TRUST, "audiences": ["z", late, "b"]}})

        sent = deploy(program).one(":ServicePrincipalFederationPolicy").inputs["oidcPolicy"]
        assert sent["audiences"] == ["a", "b", "z"]

    def test_another_claim_is_sent(self, deploy: Deploy) -> None:
        [sent] = policies("FederationTrust", deploy, ab={**TRUST, "subject_claim": "oidc.circleci.com/project-id"})
        assert sent["oidcPolicy"]["subjectClaim"] == "oidc.circleci.com/project-id"

    def test_all_mistakes_are_told_at_once(self, deploy: Deploy) -> None:
        bad: Any = {"A": {"issuer": "http://a", "audiences": [], "subject": "*"}}
        with pytest.raises(ArgumentError) as caught:
            deploy(lambda: build("FederationTrust", pulumi.ResourceOptions(), policies=bad))
        assert [finding.path for finding in caught.value.findings] == [
            "policies.A",
            "policies.A.issuer",
            "policies.A.audiences",
            "policies.A.subject",
            "opts.providers",
        ]

    @pytest.mark.parametrize("principal", ["1", str(2**53)])
    def test_a_principal_is_named_by_its_number(self, principal: str, deploy: Deploy) -> None:
        found = deploy(lambda: self.trust(principal)).one(":ServicePrincipalFederationPolicy")
        assert found.inputs["servicePrincipalId"] == int(principal)

    @pytest.mark.parametrize(
        ("principal", "says"),
        [("9234567890100007", "rounded"), (str(2**53 + 1), "rounded"), ("abc", "not the numeric id"), ("", "not the")],
    )
    def test_a_principal_that_would_become_another_is_refused(self, principal: str, says: str, deploy: Deploy) -> None:
        """Above 2^53 a number is rounded on its way to the plugin, and the trust would land on somebody else."""
        with pytest.raises(ArgumentError, match=says):
            deploy(lambda: self.trust(principal))

    @staticmethod
    def trust(principal: str) -> Any:
        return build(
            "FederationTrust", service_principal_id=pulumi.Output.from_input(principal), policies={"ab": TRUST}
        )


class TestAccounts:
    @pytest.mark.parametrize(
        ("row", "says"),
        [
            pytest.param({"audiences": [ACCOUNT_ID]}, "is the account's id alone, the default", id="default audience"),
            pytest.param({"description": ""}, "policies.ab.description: is empty", id="no description"),
            pytest.param({"subject_claim": ""}, "policies.ab.subject_claim: is empty", id="no claim"),
            *[
                pytest.param({"issuer": issuer}, "policies.ab.issuer: is shared", id=issuer)
                for issuer in (
                    "https://token.actions.githubusercontent.com",
                    "https://gitlab.com",
                    "https://accounts.google.com",
                    "https://kubernetes.default.svc",
                )
            ],
        ],
    )
    def test_a_trust_that_would_let_strangers_in_is_refused(self, row: Any, says: str, deploy: Deploy) -> None:
        with pytest.raises(ArgumentError, match=says):
            policies("AccountFederation", deploy, ab={**PEOPLE, **row})

    def test_the_accounts_id_beside_another_audience_is_taken(self, deploy: Deploy) -> None:
        [sent] = policies("AccountFederation", deploy, ab={**PEOPLE, "audiences": [ACCOUNT_ID, "own"]})
        assert len(sent["oidcPolicy"]["audiences"]) == 2
