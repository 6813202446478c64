"""Proves that what the engine writes is compared by what decides access, and that no secret of it is ever shown."""

import json
from typing import Any, Final

import pytest

from lakelatch.access import verifiers
from lakelatch.access.diff.as_json import as_json
from lakelatch.access.diff.difference import Difference, difference
from lakelatch.access.diff.markdown import markdown
from lakelatch.access.diff.of_resources import UNKNOWN, is_engine_output, of_resources
from lakelatch.access.diff.text import text
from lakelatch.access.policy import Policy
from lakelatch.envoy.config import GatewayConfig

GATEWAY: Final = "https://databricks.example.com"
SECRET: Final = "dapi-not-to-be-seen"
CIPHER: Final = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": SECRET}


def resource(kind: str, name: str, /, **inputs: Any) -> dict[str, Any]:
    urn = f"urn:pulumi:production::lakelatch::{kind}::{name}"
    return {"urn": urn, "type": kind, "id": f"id-{name}", "custom": True, "inputs": inputs, "outputs": inputs}


def gateway(roles: dict[str, list[str]], **rest: Any) -> dict[str, Any]:
    config = {
        "version": 1.0,
        "host": GATEWAY,
        "listen": {"address": "0.0.0.0", "port": 8443.0},
        "workspace": {"host": "https://workspace.example.com", "id": "1", "account_id": "a"},
        "issuers": {"okta": {"issuer": "https://okta.example.com", "audience": "api"}},
        "services": {
            "exporter": {"issuer": "okta", "subject": "0oa1", "application_id": "app", "roles": roles},
        },
        "issuer": {"url": GATEWAY, "key": {"path": "/k"}, "audience": "a", "token_lifetime_seconds": 600.0},
    }
    return resource(verifiers.GATEWAY_CONFIG, "access", directory="d", config=config | rest)


def trust(subject: str) -> dict[str, Any]:
    oidc = {"issuer": "https://issuer.example.com", "audiences": ["a"], "subject": subject, "subjectClaim": "sub"}
    return resource(verifiers.PRINCIPAL_POLICY, "etl/own", policyId="own", oidcPolicy=oidc)


def grant(*privileges: str) -> dict[str, Any]:
    return resource(
        "databricks:index/grant:Grant", "g", principal="Readers", schema="main.sales", privileges=[*privileges]
    )


def secret(lifetime: str | None) -> dict[str, Any]:
    kind = "databricks:index/servicePrincipalSecret:ServicePrincipalSecret"
    return resource(kind, "legacy", lifetime=lifetime, secret=CIPHER, secretHash=SECRET)


def state(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"version": 3, "deployment": {"resources": list(resources)}}


def parsed(config: Any) -> Policy:
    return GatewayConfig.parse(config).policy


def compare(old: Any, new: Any) -> Difference:
    return difference(of_resources(old, parsed), of_resources(new, parsed, after=True))


def changes(found: Difference) -> list[tuple[str, str]]:
    return [(one.effect, one.risk) for one in found.changes]


READ, RUN = ["current_user.me"], ["current_user.me", "jobs.run_now"]
CASES: Final[dict[str, tuple[dict[str, Any], dict[str, Any], list[tuple[str, str]]]]] = {
    "nothing": (state(trust("a"), gateway({"r": READ})), state(trust("a"), gateway({"r": READ})), []),
    "an action": (state(gateway({"r": READ})), state(gateway({"r": RUN})), [("more", "medium")]),
    "a mode": (
        state(gateway({"r": READ})),
        state(gateway({"r": READ}, mode="observe")),
        [("more", "high"), ("more", "high")],
    ),
    "a trust": (state(), state(trust("a")), [("more", "high")]),
    "another subject": (state(trust("a")), state(trust("b")), [("other", "high")]),
    "a trust less": (state(trust("a")), state(), [("less", "high")]),
    "a privilege": (state(grant("SELECT")), state(grant("SELECT", "MANAGE")), [("more", "high")]),
    "a secret": (state(), state(secret("3600s")), [("more", "medium")]),
    "a secret that lives longer": (state(secret("3600s")), state(secret("7200s")), [("more", "medium")]),
    "a secret without an end": (state(secret("3600s")), state(secret(None)), [("more", "high")]),
}


@pytest.mark.parametrize(("old", "new", "wanted"), CASES.values(), ids=CASES)
def test_two_exports(old: Any, new: Any, wanted: list[tuple[str, str]]) -> None:
    assert changes(compare(old, new)) == wanted


def test_other_pinned_keys_are_another_trust_and_are_not_shown() -> None:
    old, new = trust("a"), trust("a")
    old["inputs"]["oidcPolicy"]["jwksJson"] = "one"
    new["inputs"]["oidcPolicy"]["jwksJson"] = SECRET
    found = compare(state(old), state(new))
    assert changes(found) == [("other", "high")]
    for shown in (json.dumps(as_json(found)), markdown(found), "\n".join(text(found, 100))):
        assert SECRET not in shown
        assert "SHA-256" in shown


def test_a_resources_name_is_shown_to_the_letter() -> None:
    kind = "databricks:index/token:Token"
    found = compare(state(), state(resource(kind, "@team <b>", lifetimeSeconds=60.0)))
    assert "`personal access token @team <b>`: nothing → `60 s`" in markdown(found)


def step(op: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    urn = (new or old or {})["urn"]
    return {"op": op, "urn": urn} | {key: row for key, row in (("oldState", old), ("newState", new)) if row}


def test_a_preview_has_both_sides() -> None:
    """Outputs of an update are those from before, so that only what it sends counts."""
    stale = {**trust("b"), "outputs": trust("a")["outputs"]}
    preview = {
        "steps": [
            step("update", trust("a"), stale),
            step("same", grant("SELECT"), grant("SELECT")),
            step("create-replacement", secret("60s"), secret("120s")),
            step("delete-replaced", secret("60s"), None),
        ]
    }
    found = compare(preview, preview)
    assert [(one.old and one.old.subject, one.new and one.new.subject) for one in found.trusts] == [("a", "b")]
    assert [(one.old, one.new) for one in found.lifetimes] == [("60 s", "2 minutes")]
    assert not found.rights


def test_what_a_preview_does_not_know_is_told_as_not_seen() -> None:
    unknown = gateway({"r": READ})
    unknown["inputs"]["config"] = {**unknown["inputs"]["config"], "services": UNKNOWN}
    unknown["inputs"]["config"]["host"] = UNKNOWN
    preview = {"steps": [step("create", None, unknown), step("create", None, trust(UNKNOWN))]}
    found = compare(preview, preview)
    assert [one.new and one.new.subject for one in found.trusts] == [None]
    assert any("before `pulumi up`" in one for one in found.unseen)


def test_groups_are_told_by_their_names() -> None:
    group = resource("databricks:index/group:Group", "readers", displayName="Readers")
    principal = resource("databricks:index/servicePrincipal:ServicePrincipal", "etl", displayName="etl")
    member = resource("databricks:index/groupMember:GroupMember", "m", groupId="id-readers", memberId="id-etl")
    flags = resource("databricks:index/entitlements:Entitlements", "e", groupId="id-readers", allowClusterCreate=True)
    (cluster, membership) = compare(state(group, principal), state(group, principal, member, flags)).rights
    assert (cluster.right.who, cluster.right.what, cluster.risk) == (
        "members of Readers",
        "entitlement allow-cluster-create",
        "high",
    )
    assert (membership.right.who, membership.right.group) == ("etl", "Readers")


def test_no_secret_is_shown() -> None:
    hidden = secret(None)
    trusted = trust("a")
    trusted["inputs"]["oidcPolicy"] = trusted["outputs"]["oidcPolicy"] = {
        "issuer": "https://i",
        "subject": CIPHER,
        "jwksJson": SECRET,
    }
    found = compare(state(), state(hidden, trusted, resource("x:y:Z", "n", password=SECRET)))
    assert found.changes
    for shown in (json.dumps(as_json(found)), markdown(found), "\n".join(text(found, 100))):
        assert SECRET not in shown


@pytest.mark.parametrize("data", [None, [], {}, {"deployment": 1}, {"services": {}}, {"steps": 1}], ids=repr)
def test_anything_else_is_refused(data: Any) -> None:
    assert not is_engine_output(data) or data == {"deployment": 1}
    with pytest.raises(ValueError, match="deployment"):
        of_resources(data, parsed)


@pytest.mark.parametrize("rows", [[None, 1, "x"], [{}], [{"type": 1, "inputs": None}]], ids=repr)
def test_a_row_of_any_shape_is_passed_over(rows: Any) -> None:
    assert not changes(compare({"deployment": {"resources": rows}}, {"steps": rows}))
