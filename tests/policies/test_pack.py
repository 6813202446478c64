"""The pack as users configure it: levels and settings check by check, what is unknown made to block, remedies."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest
from pulumi.runtime.rpc import UNKNOWN
from pulumi_policy import Policy
from support.analyzer import PACK, Analyzer, Resource, served
from support.corpus import secret

from lakelatch.access.lifetimes import GATEWAY_TOKEN
from lakelatch.access.trusts import POLICIES_LIMIT
from lakelatch_policies.check import LEVELS
from lakelatch_policies.checks import lifetimes
from lakelatch_policies.judges import relations
from lakelatch_policies.pack import GROUPS, POLICIES, RELATIONS

CHECKS = [check for group in (*GROUPS, RELATIONS) for check in group.checks]
OBO = "databricks:index/oboToken:OboToken"
LONG = Resource(OBO, {"applicationId": "a", "lifetimeSeconds": 7200})
TOO_LONG = Resource(OBO, {"applicationId": "a", "lifetimeSeconds": 864000})
UNKNOWN_LIFE = Resource(OBO, {"applicationId": "a", "lifetimeSeconds": UNKNOWN})


@pytest.fixture(scope="module")
def server() -> Iterator[Analyzer]:
    with served() as analyzer:
        yield analyzer


@pytest.fixture
def pack(server: Analyzer) -> Iterator[Analyzer]:
    yield server
    server.configure({})


def said(pack: Analyzer, resource: Resource) -> list[tuple[str, str, str]]:
    return [(one.policy, one.check, one.level) for one in pack.analyze(resource)]


SECRETLESS = ("advice", "secretless", "advisory")
BLOCKED = ("lifetimes", "obo-token-lifetime", "mandatory")


@pytest.mark.parametrize(
    ("config", "resource", "expected"),
    [
        pytest.param({}, LONG, [SECRETLESS], id="as-it-comes"),
        pytest.param({}, TOO_LONG, [BLOCKED, SECRETLESS], id="as-it-comes-too-long"),
        pytest.param(
            {"lifetimes": {"obo-token-lifetime": {"max_seconds": 3600}}}, LONG, [BLOCKED, SECRETLESS], id="stricter"
        ),
        pytest.param(
            {"lifetimes": {"obo-token-lifetime": {"max_seconds": 1000000}}}, TOO_LONG, [SECRETLESS], id="looser"
        ),
        pytest.param(
            {"lifetimes": {"obo-token-lifetime": "advisory"}},
            TOO_LONG,
            [("advice", "obo-token-lifetime", "advisory"), SECRETLESS],
            id="check-advises",
        ),
        pytest.param({"lifetimes": {"obo-token-lifetime": "disabled"}}, TOO_LONG, [SECRETLESS], id="check-off"),
        pytest.param(
            {"lifetimes": {"obo-token-lifetime": {"level": "advisory", "max_seconds": 60}}},
            LONG,
            [("advice", "obo-token-lifetime", "advisory"), SECRETLESS],
            id="level-and-setting",
        ),
        pytest.param(
            {"secrets": {"secretless": "mandatory"}}, LONG, [("secrets", "secretless", "mandatory")], id="more"
        ),
        pytest.param({"lifetimes": "disabled"}, TOO_LONG, [SECRETLESS], id="group-off"),
        pytest.param({"advice": "disabled"}, TOO_LONG, [BLOCKED], id="no-advice"),
        pytest.param({"all": "disabled"}, TOO_LONG, [], id="all-off"),
        pytest.param(
            {"all": "advisory"},
            TOO_LONG,
            [("lifetimes", "obo-token-lifetime", "advisory"), SECRETLESS],
            id="all-advise",
        ),
        pytest.param(
            {"all": "mandatory"}, TOO_LONG, [BLOCKED, ("advice", "secretless", "mandatory")], id="all-mandatory"
        ),
        pytest.param({"all": "disabled", "lifetimes": "mandatory"}, TOO_LONG, [BLOCKED], id="all-off-but-one"),
        pytest.param({}, UNKNOWN_LIFE, [SECRETLESS, ("not-judged", "obo-token-lifetime", "advisory")], id="unknown"),
        pytest.param(
            {"not-judged": "mandatory"},
            UNKNOWN_LIFE,
            [SECRETLESS, ("not-judged", "obo-token-lifetime", "mandatory")],
            id="unknown-blocks",
        ),
        pytest.param({"not-judged": "disabled"}, UNKNOWN_LIFE, [SECRETLESS], id="unknown-off"),
        pytest.param(
            {"lifetimes": {"obo-token-lifetime": "disabled"}}, UNKNOWN_LIFE, [SECRETLESS], id="unknown-of-a-check-off"
        ),
    ],
)
def test_levels_and_settings(
    config: dict[str, Any], resource: Resource, expected: list[tuple[str, str, str]], pack: Analyzer
) -> None:
    pack.configure(config)
    resource = resource._replace(name=uuid.uuid4().hex)
    assert said(pack, resource) == expected
    assert said(pack, resource) == expected  # nothing is left over from before


def test_owned_issuers_are_the_only_right_ones(pack: Analyzer) -> None:
    pack.configure({"federation": {"account-wide-issuer": {"owned_issuers": ["https://login.example.com"]}}})
    token = "databricks:index/accountFederationPolicy:AccountFederationPolicy"
    for issuer, expected in (
        ("https://login.example.com", []),
        ("https://partner.example.com", ["account-wide-issuer"]),
    ):
        policy = {"oidcPolicy": {"issuer": issuer, "audiences": ["databricks"], "subjectClaim": "email"}}
        assert [one.check for one in pack.analyze(Resource(token, policy))] == expected


def test_few_policies_are_registered_under_names_of_their_own(pack: Analyzer) -> None:
    info = pack.info()
    assert len(info.policies) == len(POLICIES) <= 15
    names = [policy.name for policy in POLICIES] + [check.name for check in CHECKS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_every_policy_explains_itself(policy: Policy) -> None:
    for told in ("display_name", "description", "severity", "framework", "tags", "remediation_steps", "url"):
        assert getattr(policy, told)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_every_check_explains_itself_and_can_be_configured(check: Any) -> None:
    assert check.says.endswith(".")
    assert check.steps.endswith((".", "`"))
    assert check.after
    assert check.level in LEVELS
    page, _, anchor = check.url.partition("#")
    assert f"\n## {anchor}\n" in (PACK.parent / page).read_text(encoding="utf-8")
    schema = check.schema
    jsonschema.Draft202012Validator.check_schema(schema)
    defaults = {name: setting["default"] for name, setting in check.settings.items()}
    for right in ("advisory", {"level": "disabled", **defaults}, defaults):
        jsonschema.validate(right, schema)
    for wrong in ("sometimes", {"level": "never"}, {"days": 3}, 5):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_limits_that_stand_twice_agree() -> None:
    """Importing the tables would take longer than the rest of the pack."""
    assert relations.POLICIES_LIMIT == POLICIES_LIMIT
    row = next(check for check in lifetimes.CHECKS if check.name == "gateway-token-lifetime")
    assert row.settings["max_seconds"]["default"] == GATEWAY_TOKEN.most


def test_what_could_not_be_decrypted_is_not_known(pack: Analyzer) -> None:
    """`policy analyze` puts a text in place of a secret that it cannot read."""
    redacted = said(pack, Resource(OBO, {"applicationId": "a", "lifetimeSeconds": "[secret]"}))
    assert redacted == [SECRETLESS, ("not-judged", "obo-token-lifetime", "advisory")]


def test_a_block_that_is_unknown_as_a_whole_is_named_and_does_not_block(pack: Analyzer) -> None:
    token = "databricks:index/servicePrincipalFederationPolicy:ServicePrincipalFederationPolicy"
    found = pack.analyze(Resource(token, {"servicePrincipalId": 1, "oidcPolicy": UNKNOWN}))
    assert {one.place for one in found} == {"oidcPolicy"}
    assert {(one.policy, one.level) for one in found if one.check != "explicit-fields"} == {("not-judged", "advisory")}
    assert {"https-issuer", "exact-subject", "audience", "federation-signing-algorithm"} <= {one.check for one in found}


def test_the_pack_loads_nothing_but_itself() -> None:
    """Beside the SDK: what only some checks need, they load when they run. Tables of the model would take a third of a
    second."""
    script = (
        "import sys, pulumi_policy; before = set(sys.modules); import lakelatch_policies.pack;"
        " print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "lakelatch_policies.pack" in loaded
    others = {name for name in loaded if not name.startswith("lakelatch_policies")}
    assert others <= {f"lakelatch{name}" for name in ("", ".access", ".access.algorithms", ".access.belonging")}


# remedies

PASSWORD = "azuread:index/applicationPassword:ApplicationPassword"
DAY = 86400


def mended(pack: Analyzer, token: str, properties: dict[str, Any]) -> dict[str, Any] | None:
    """The properties after the remedies of `lifetimes`; None when there was none to apply."""
    pack.configure({"lifetimes": {"enforcementLevel": "remediate"}})
    changed = pack.remediate(Resource(token, properties))
    if not changed:
        return None
    (after,) = changed
    assert said(pack, Resource(token, after)) in ([], [SECRETLESS])
    return after


@pytest.mark.parametrize(
    ("token", "before", "after"),
    [
        pytest.param(OBO, {"lifetimeSeconds": 864000}, {"lifetimeSeconds": DAY}, id="too-long"),
        pytest.param(OBO, {"applicationId": "a"}, {"applicationId": "a", "lifetimeSeconds": DAY}, id="missing"),
        pytest.param(OBO, {"lifetimeSeconds": 60}, None, id="short-enough"),
        pytest.param(OBO, {"lifetimeSeconds": UNKNOWN}, None, id="unknown"),
        pytest.param(OBO, {"lifetimeSeconds": secret(864000)}, {"lifetimeSeconds": secret(DAY)}, id="secret"),
        pytest.param(
            "databricks:index/servicePrincipalSecret:ServicePrincipalSecret",
            {"lifetime": "63072000s"},
            {"lifetime": f"{90 * DAY}s"},
            id="in-their-form",
        ),
        pytest.param(
            "databricks:index/customAppIntegration:CustomAppIntegration",
            {"tokenAccessPolicy": {"accessTokenTtlInMinutes": 1440, "refreshTokenTtlInMinutes": 60}},
            {"tokenAccessPolicy": {"accessTokenTtlInMinutes": 60, "refreshTokenTtlInMinutes": 60}},
            id="nested",
        ),
    ],
)
def test_a_life_is_shortened(token: str, before: dict[str, Any], after: dict[str, Any] | None, pack: Analyzer) -> None:
    assert mended(pack, token, before) == after


@pytest.mark.parametrize(
    ("before", "days"),
    [
        pytest.param({}, 90, id="missing"),
        pytest.param({"endDate": "2099-01-01T00:00:00Z"}, 90, id="too-late"),
        pytest.param({"endDateRelative": "240h"}, 10, id="relative"),
        pytest.param({"endDateRelative": "24000h"}, 90, id="relative-and-too-long"),
    ],
)
def test_a_secret_of_entra_gets_an_end(before: dict[str, Any], days: int, pack: Analyzer) -> None:
    after = mended(pack, PASSWORD, {"displayName": "legacy", **before})
    assert after is not None
    assert not after.get("endDateRelative")
    life = datetime.fromisoformat(after["endDate"]) - datetime.now(UTC)
    assert abs(life - timedelta(days=days)) < timedelta(minutes=2)


@pytest.mark.parametrize(
    "before", [{"endDate": UNKNOWN}, {"endDateRelative": UNKNOWN}, {"endDate": "some day"}], ids=str
)
def test_what_cannot_be_read_is_left_alone(before: dict[str, Any], pack: Analyzer) -> None:
    assert mended(pack, PASSWORD, {"displayName": "legacy", **before}) is None


def test_remedies_are_off_until_they_are_asked_for(pack: Analyzer) -> None:
    assert pack.remediate(TOO_LONG) == []
    pack.configure({"lifetimes": {"enforcementLevel": "remediate", "obo-token-lifetime": "disabled"}})
    assert pack.remediate(TOO_LONG) == []


def test_a_secret_stays_one_when_another_property_is_mended(pack: Analyzer) -> None:
    after = mended(pack, OBO, {"comment": secret("hidden"), "lifetimeSeconds": 864000})
    assert after is not None
    assert after["comment"] == secret("hidden")
