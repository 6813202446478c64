"""Live Envoy finds a service by whichever claim its issuer names workloads by, and takes no other claim for it."""

from typing import Any

import pytest

from lakelatch.errors import ModelError

ME = "/api/2.0/preview/scim/v2/Me"
READER = {"reader": ["current_user.me"]}
CLAIMS = ["sub", "azp", "job_workflow_ref", "https://claims/id"]
SUBJECT = "acme/etl/.github/workflows/deploy.yml@refs/heads/main"


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_service_is_known_by_its_issuers_claim(
    claim: str, make_envoy: Any, configure: Any, entra: Any, cluster: Any, workspace: Any
) -> None:
    issuers = {"entra": {"issuer": entra.url, "audience": entra.audience, "subject_claim": claim}}
    services = {"job": {"issuer": "entra", "subject": SUBJECT, "application_id": "app-1", "roles": READER}}
    before = len(workspace.requests)
    envoy = make_envoy()
    envoy.apply(configure(issuers=issuers, services=services))
    envoy.start()
    named = {"sub": "someone", claim: SUBJECT}
    answer = envoy.request("GET", ME, entra.token(**{"subject": named.pop("sub"), **named}))
    assert answer.status_code == 200, answer.text
    assert workspace.requests[-1]["headers"]["authorization"] == "Bearer databricks-token-of-job"
    if claim != "sub":
        missing, another = (entra.token(SUBJECT, **claims) for claims in ({}, {claim: "another"}))
        path = "/api/2.0/sql/warehouses"
        refused = envoy.request("GET", path, missing)
        line = envoy.audit_line(refused, path)
        assert (line["decision"], line["rule"]) == ("deny", "no-subject")
        assert (refused.status_code, refused.json()["error_code"]) == (401, "UNAUTHENTICATED")
        assert "lacks the claim" in refused.json()["message"]
        assert envoy.request("GET", ME, another).status_code == 403
    assert len(workspace.requests) == before + 1


@pytest.mark.parametrize("claim", ["oidc.circleci.com/project-id", "a b", ""])
def test_a_claim_that_envoy_would_look_for_elsewhere_is_refused(claim: str, configure: Any, entra: Any) -> None:
    issuers = {"entra": {"issuer": entra.url, "audience": entra.audience, "subject_claim": claim}}
    with pytest.raises(ModelError, match=r"issuers\.entra\.subject_claim"):
        configure(issuers=issuers, services={})
