"""Proves that a refused token gets the reason that a person needs: the first thing that differs, and what to change."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelatch.access import tokens
from lakelatch.access.algorithms import ALGORITHMS
from lakelatch.access.diagnosis import PARTS, Verdict, Verifier, compare, diagnose, quoted
from lakelatch.access.tokens import Token, TokenError
from lakelatch.access.trusts import Trust

NOW = 1_800_000_000
GITHUB = "https://token.actions.githubusercontent.com"
SUBJECT = "repo:acme/etl:environment:production"
TRUST = Trust(GITHUB, ("account", "https://adb-1.example.com/oidc/v1/token"), SUBJECT)
POLICY = Verifier("policy of etl", TRUST, "principal", "etl")
CLAIMS = {"iss": GITHUB, "aud": "account", "sub": SUBJECT, "exp": NOW + 300, "nbf": NOW - 5}


def verdict(trust: dict[str, Any] | None = None, alg: object = "RS256", **claims: Any) -> Verdict:
    """What the policy, changed by `trust`, makes of a token with these claims (None takes one away)."""
    present = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return compare(Token({"alg": alg}, present), replace(POLICY, trust=replace(TRUST, **(trust or {}))), NOW)


@pytest.mark.parametrize(
    ("trust", "claims"),
    [
        pytest.param({}, {}, id="as it should be"),
        pytest.param({}, {"aud": ["other", "account"]}, id="one of several audiences"),
        pytest.param({}, {"aud": "https://adb-1.example.com/oidc/v1/token"}, id="the other audience"),
        pytest.param({}, {"alg": "ES256"}, id="ES256"),
        pytest.param({}, {"nbf": None}, id="no nbf"),
        pytest.param({}, {"nbf": NOW}, id="valid from now on"),
        pytest.param({}, {"exp": NOW + 0.5}, id="half a second left"),
        pytest.param({"subject_claim": "azp", "subject": "x"}, {"azp": "x", "sub": None}, id="another claim"),
    ],
)
def test_a_token_that_is_taken(trust: dict[str, Any], claims: dict[str, Any]) -> None:
    found = verdict(trust, **claims)
    assert (found.matches, found.difference, found.later) == (True, None, None)
    assert found.agreed == len(PARTS)


@pytest.mark.parametrize(
    ("claims", "part", "found", "change"),
    [
        pytest.param({"alg": "HS256"}, "algorithm", "HS256: whoever can verify", "RS256 or ES256", id="HS256"),
        pytest.param({"alg": "none"}, "algorithm", "no signature at all", "RS256", id="none"),
        pytest.param({"alg": "ES384"}, "algorithm", "RS256 and ES256 only", "RS256", id="ES384"),
        pytest.param({"alg": "XX"}, "algorithm", '"XX", which is not a registered', "RS256", id="unknown algorithm"),
        pytest.param({"alg": None}, "algorithm", "null, which is not", "RS256", id="no algorithm"),
        pytest.param({"alg": ["RS256"]}, "algorithm", "not a registered", "RS256", id="a list of algorithms"),
        pytest.param({"iss": None}, "issuer", "the token has no iss", "another issuer", id="no issuer"),
        pytest.param({"iss": f"{GITHUB}/"}, "issuer", "a slash at its end", "to the letter", id="issuer with a slash"),
        pytest.param({"iss": GITHUB.upper()}, "issuer", "upper and lower case only", "letter", id="issuer's case"),
        pytest.param({"iss": "https://gitlab.com"}, "issuer", GITHUB, "another issuer's token", id="another issuer"),
        pytest.param({"iss": 5}, "issuer", "iss is 5", "another issuer's token", id="issuer that is no text"),
        pytest.param({"aud": None}, "audience", "the token has no aud", "ask for that audience", id="no audience"),
        pytest.param({"aud": []}, "audience", "the token has no aud", "ask for that audience", id="empty audience"),
        pytest.param({"aud": "x"}, "audience", 'aud is "x"; wanted is account or https', "ask", id="other audience"),
        pytest.param({"aud": ["x", "y"]}, "audience", '["x", "y"]', "ask for that audience", id="other audiences"),
        pytest.param({"sub": None}, "subject", "'sub', which names the subject, is not there", "put it", id="no sub"),
        pytest.param({"sub": ["x"]}, "subject", "is no text", "put it into the token", id="subject that is a list"),
        pytest.param({"sub": ""}, "subject", "is not there", "put it into the token", id="empty subject"),
        pytest.param({"sub": SUBJECT.replace("acme", "ACME")}, "subject", "case only", "to the letter", id="case"),
        pytest.param({"sub": "x"}, "subject", f"wanted is {SUBJECT}", "another workload's token", id="another subject"),
        pytest.param({"exp": None}, "time", "no expiry", "have the issuer", id="no expiry"),
        pytest.param({"exp": True}, "time", "no expiry", "have the issuer", id="expiry that is no time"),
        pytest.param({"exp": NOW}, "time", "expired 0 s ago", "fetch a new one", id="expired now"),
        pytest.param({"exp": NOW - 59}, "time", "expired 59 s ago", "fetch a new one", id="expired seconds ago"),
        pytest.param({"exp": NOW - 60}, "time", "expired 1 minute ago", "fetch", id="expired a minute ago"),
        pytest.param({"exp": NOW - 7200}, "time", "expired 2 hours ago", "fetch", id="expired hours ago"),
        pytest.param({"exp": NOW - 86_400}, "time", "expired 1 day ago", "fetch", id="expired a day ago"),
        pytest.param({"nbf": NOW + 1}, "time", "valid only in 1 s", "clocks", id="not yet valid"),
        pytest.param({"nbf": "soon"}, "time", "nbf is no time", "put a number", id="nbf that is no time"),
    ],
)
def test_the_first_thing_that_differs(claims: dict[str, Any], part: str, found: str, change: str) -> None:
    difference = verdict(**claims).difference
    assert difference is not None
    assert difference.part == part
    assert found in difference.found
    assert change in difference.change


@pytest.mark.parametrize(
    ("sent", "wanted", "change"),
    [
        ("repo:acme/etl:environment:production", "repo:acme/etl:ref:refs/heads/main", "sends that and never its ref"),
        ("repo:acme/etl:ref:refs/heads/main", "repo:acme/etl:environment:production", "has no `environment:`"),
        ("repo:acme/etl:pull_request", "repo:acme/etl:ref:refs/heads/main", "for a pull request"),
        ("repo:acme/etl:ref:refs/heads/dev", "repo:acme/etl:ref:refs/heads/main", "what the job sends"),
        ("repo:acme/other:environment:a", "repo:acme/etl:environment:a", "another repository (acme/other)"),
        ("repo:acme@1/etl@2:environment:a", "repo:acme/etl:environment:a", "add `owner_id`"),
        ("repo:acme/etl:environment:a", "repo:acme@1/etl@2:environment:a", "remove `owner_id`"),
        ("repo:acme@1/etl@2:environment:a", "repo:acme@1/etl@3:environment:a", "what the job sends"),
        ("p://acme/Data/etl", "p://acme/data/etl", "to the letter"),
        ("8f2c ", "8f2c", "to the letter"),
        ("p://acme/data/etl", "sc://acme/data/etl", "another workload's token"),
    ],
)
def test_how_to_mend_a_subject(sent: str, wanted: str, change: str) -> None:
    difference = verdict({"subject": wanted}, sub=sent).difference
    assert difference is not None
    assert change in difference.change


@pytest.mark.parametrize(
    ("sent", "wanted", "change"),
    [
        ("https://sts.windows.net/t/", "https://login.microsoftonline.com/t/v2.0", "`token_version: 1`"),
        ("https://login.microsoftonline.com/t/v2.0", "https://sts.windows.net/t/", "`token_version: 2`"),
        ("https://acme.eu.auth0.com", "https://acme.eu.auth0.com/", "to the letter"),
    ],
)
def test_how_to_mend_an_issuer(sent: str, wanted: str, change: str) -> None:
    difference = verdict({"issuer": wanted}, iss=sent).difference
    assert difference is not None
    assert change in difference.change


def test_a_missing_slash_is_told_as_missing() -> None:
    difference = verdict({"issuer": f"{GITHUB}/"}).difference
    assert difference is not None
    assert "no slash at its end" in difference.found


def test_who_trusts_the_gateway_says_where_to_send_the_token() -> None:
    difference = compare(
        Token({"alg": "RS256"}, CLAIMS),
        replace(POLICY, of_gateway=True, trust=replace(TRUST, issuer="https://gateway")),
        NOW,
    ).difference
    assert difference is not None
    assert "trusts the gateway (https://gateway) alone" in difference.found
    assert "via: direct" in difference.change


def test_leeway_is_the_verifiers_own() -> None:
    lenient = replace(POLICY, leeway_seconds=30)
    late, early = ({**CLAIMS, "exp": NOW - 29}, {**CLAIMS, "nbf": NOW + 30})
    for claims in (late, early):
        assert compare(Token({"alg": "RS256"}, claims), lenient, NOW).matches
        assert not compare(Token({"alg": "RS256"}, claims), POLICY, NOW).matches
    assert not compare(Token({"alg": "RS256"}, {**CLAIMS, "exp": NOW - 30}), lenient, NOW).matches


@pytest.mark.parametrize(
    ("trust", "kind", "later"),
    [
        ({"subject": None}, "gateway", "subject"),
        ({"audiences": ()}, "gateway", "audience"),
        ({"audiences": (), "subject": None}, "principal", "audience"),
        ({"subject": None}, "account", None),
    ],
)
def test_what_is_known_only_later_neither_matches_nor_differs(
    trust: dict[str, Any], kind: Any, later: str | None
) -> None:
    """An account-wide policy has no subject: any user's name will do."""
    found = compare(Token({"alg": "RS256"}, CLAIMS), Verifier("v", replace(TRUST, **trust), kind), NOW)
    assert found.difference is None
    assert found.later == later
    assert found.matches is (later is None)


def test_a_difference_is_told_even_when_an_earlier_part_is_known_later() -> None:
    found = verdict({"subject": None}, exp=NOW - 1)
    assert found.difference is not None
    assert found.difference.part == "time"


def test_the_nearest_comes_first() -> None:
    """Whoever would take it, then whoever agrees in most."""
    verifiers = [
        replace(POLICY, name="other issuer", trust=replace(TRUST, issuer="https://x")),
        replace(POLICY, name="other subject", trust=replace(TRUST, subject="x")),
        replace(POLICY, name="known later", trust=replace(TRUST, subject=None)),
        replace(POLICY, name="takes it"),
        replace(POLICY, name="other audience", trust=replace(TRUST, audiences=("x",))),
    ]
    order = [one.verifier.name for one in diagnose(Token({"alg": "RS256"}, CLAIMS), verifiers, NOW)]
    assert order == ["takes it", "known later", "other subject", "other audience", "other issuer"]


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4), st.lists)


@given(st.dictionaries(st.sampled_from(["iss", "aud", "sub", "exp", "nbf"]), JSON), JSON)
def test_any_claims_are_judged(claims: dict[str, Any], alg: object) -> None:
    """Nothing that a token may hold makes the comparison fail, and only the one token is taken."""
    found = compare(Token({"alg": alg}, {**CLAIMS, **claims}), POLICY, NOW)
    same = alg in ("RS256", "ES256") and all(
        CLAIMS[name] == value for name, value in claims.items() if name in ("iss", "sub")
    )
    assert same or not found.matches


@given(st.sampled_from(sorted(ALGORITHMS)))
def test_only_accepted_algorithms_match(alg: str) -> None:
    assert verdict(alg=alg).matches is ALGORITHMS[alg].accepted


def test_a_claim_cannot_write_on_the_terminal() -> None:
    assert quoted("\x1b[2J\u202e") == '"\\u001b[2J\\u202e"'
    assert quoted("x" * 300) == '"' + "x" * 199 + "…"


def encoded(value: object) -> str:
    """One part of a token."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_a_token_is_read_with_or_without_bearer() -> None:
    text = f"{encoded({'alg': 'RS256'})}.{encoded({'sub': 'ü'})}.c2ln"
    for given_text in (text, f"  {text}\n", f"Bearer {text}", f"bearer  {text}"):
        assert tokens.parse(given_text) == Token({"alg": "RS256"}, {"sub": "ü"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "there is nothing", id="empty"),
        pytest.param("Bearer ", "no three parts", id="Bearer alone"),
        pytest.param("dapi0123", "Databricks secret or access token", id="personal access token"),
        pytest.param("dose0123", "Databricks secret or access token", id="secret"),
        pytest.param("opaque", "no three parts", id="opaque"),
        pytest.param("a.b.c.d.e", "encrypted", id="encrypted"),
        pytest.param("!.e30.", "its header cannot be read", id="not base64"),
        pytest.param("ü.e30.", "its header cannot be read", id="not ASCII"),
        pytest.param("e30.e3.", "its claims cannot be read", id="not JSON"),
        pytest.param("e30." + encoded([]) + ".", "its claims is no JSON object", id="a list"),
        pytest.param("e30." + encoded(b'{"exp": NaN}') + ".", "its claims cannot be read", id="NaN"),
        pytest.param("e30." + encoded(b'{"a": ' + b"9" * 5000 + b"}") + ".", "cannot be read", id="a huge number"),
        pytest.param("e30." + encoded(b"[" * 20_000) + ".", "its claims cannot be read", id="deep"),
        pytest.param("a" * (tokens.MAX_BYTES + 1), "longer than 64 KiB", id="too long"),
    ],
)
def test_what_is_no_token(text: str, says: str) -> None:
    """The message says what it seems to be, and never quotes it."""
    with pytest.raises(TokenError, match=says) as caught:
        tokens.parse(text)
    assert "0123" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_clearly(text: str) -> None:
    read: object = None
    try:
        read = tokens.parse(text)
    except TokenError as error:
        read = error
    assert isinstance(read, Token | TokenError)
