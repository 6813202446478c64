"""The mandatory policy five ways (passing, failing, absent, unknown, secret), on both federation policy types and no
other."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pulumi.runtime.rpc import UNKNOWN
from pulumi_policy import EnforcementLevel, ResourceValidationPolicy
from pulumi_policy.policy import _NotApplicableError

from lakelatch_policies.federation_signing import TYPES, UNKNOWN_KEYS, WEAK_KEYS
from lakelatch_policies.pack import POLICIES

Jwk = dict[str, Any]
Validate = Callable[[ResourceValidationPolicy, str, dict[str, Any]], list[str]]
SECRET_SIGNATURE = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
SYMMETRIC = {"kty": "oct", "k": "aGlkZGVu", "alg": "HS256", "kid": "shared"}

both = pytest.mark.parametrize("token", sorted(TYPES), ids=["account", "service-principal"])


def policy(*keys: Jwk) -> dict[str, Any]:
    return {"oidcPolicy": {"issuer": "https://issuer.example.com", "jwksJson": json.dumps({"keys": keys})}}


@both
def test_passing(validate: Validate, p256: Jwk, token: str) -> None:
    assert validate(WEAK_KEYS, token, policy(p256)) == []
    assert validate(UNKNOWN_KEYS, token, policy(p256)) == []


@both
def test_failing(validate: Validate, p256: Jwk, token: str) -> None:
    found = validate(WEAK_KEYS, token, policy(p256, SYMMETRIC))
    assert found == [
        "oidcPolicy.jwksJson.keys[1]: it holds secret key material; publish the public half of an RSA or P-256 key"
    ]
    assert validate(UNKNOWN_KEYS, token, policy(SYMMETRIC)) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("-----BEGIN PUBLIC KEY-----", "jwksJson: ", id="not-json"),
        pytest.param("[]", "jwksJson: ", id="not-a-key-set"),
        pytest.param('{"keys": []}', "jwksJson: ", id="no-keys"),
        pytest.param('{"keys": [1]}', "jwksJson.keys[0]: ", id="not-a-key"),
        pytest.param('{"keys": [{"kty": "RSA", "alg": "none"}]}', "jwksJson.keys[0]: ", id="none"),
        pytest.param('{"keys": [{"kty": "RSA", "n": "AQAB"}]}', "jwksJson.keys[0]: ", id="short"),
    ],
)
def test_the_finding_names_the_place(validate: Validate, text: str, place: str) -> None:
    found = validate(WEAK_KEYS, sorted(TYPES)[0], {"oidcPolicy": {"jwksJson": text}})
    assert len(found) == 1
    assert found[0].startswith(f"oidcPolicy.{place}")


def test_every_finding_at_once(validate: Validate, p256: Jwk) -> None:
    found = validate(WEAK_KEYS, sorted(TYPES)[0], policy(*[p256] * 5, SYMMETRIC))
    assert [text.partition(":")[0] for text in found] == [
        "oidcPolicy.jwksJson",  # more than five
        *(
            f"oidcPolicy.jwksJson.keys[{position}]" for position in range(1, 6)
        ),  # the same kid four times, then symmetric
    ]


@both
@pytest.mark.parametrize(
    "properties",
    [{}, {"oidcPolicy": None}, {"oidcPolicy": {}}, {"oidcPolicy": {"jwksJson": None}}],
    ids=["no-policy", "null-policy", "empty-policy", "null-keys"],
)
def test_absent(validate: Validate, token: str, properties: dict[str, Any]) -> None:
    assert validate(WEAK_KEYS, token, properties) == []
    assert validate(UNKNOWN_KEYS, token, properties) == []


@both
@pytest.mark.parametrize(
    "properties", [{"oidcPolicy": UNKNOWN}, {"oidcPolicy": {"jwksJson": UNKNOWN}}], ids=["whole-policy", "keys"]
)
def test_unknown_is_a_finding_of_its_own(validate: Validate, token: str, properties: dict[str, Any]) -> None:
    assert validate(WEAK_KEYS, token, properties) == []
    found = validate(UNKNOWN_KEYS, token, properties)
    assert len(found) == 1
    assert "cannot be judged before apply" in found[0]


@both
def test_secret_is_judged_and_not_quoted(validate: Validate, token: str) -> None:
    properties = policy(SYMMETRIC)
    properties["oidcPolicy"]["jwksJson"] = SECRET_SIGNATURE | {"value": properties["oidcPolicy"]["jwksJson"]}
    found = validate(WEAK_KEYS, token, properties)
    assert len(found) == 1
    assert "aGlkZGVu" not in found[0]


@pytest.mark.parametrize("each", [WEAK_KEYS, UNKNOWN_KEYS], ids=lambda each: each.name)
def test_other_types_are_none_of_its_business(validate: Validate, each: ResourceValidationPolicy) -> None:
    with pytest.raises(_NotApplicableError):
        validate(each, "databricks:index/servicePrincipal:ServicePrincipal", policy(SYMMETRIC))


def test_weak_keys_block_and_unknown_ones_do_not() -> None:
    assert WEAK_KEYS.enforcement_level is EnforcementLevel.MANDATORY
    assert UNKNOWN_KEYS.enforcement_level is EnforcementLevel.ADVISORY


@pytest.mark.parametrize("each", POLICIES, ids=lambda each: each.name)
def test_every_policy_explains_itself(each: ResourceValidationPolicy) -> None:
    assert each.severity
    assert each.framework
    assert each.remediation_steps
    assert each.url
    assert each.display_name
    assert each.tags
