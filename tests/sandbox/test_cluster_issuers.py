"""Issuers of CI systems and identity providers: each verifies by its own discovery, each with its own keys, and a
Databricks or Entra double can be shown their tokens."""

from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelatch_sandbox.cluster.issuers import NAMES, claims_of, is_name, parse

SUBJECTS = {
    "auth0": "client@clients",
    "aws": "arn:aws:iam::123456789012:role/etl",
    "azure-devops": "p://acme/data/etl",
    "circleci": "org/1/project/2/user/3",
    "github": "repo:acme/etl:environment:production",
    "gitlab": "project_path:acme/etl:ref_type:branch:ref:main",
    "google": "112233445566778899001",
    "keycloak/realms/acme": "7a3c6d4e-5a8e-4c57-9a34-6a5c1f0f9a10",
    "okta/oauth2/acme": "0oa1client",
}


def order(sandbox: Any, **body: Any) -> Any:
    return sandbox.http.post(f"{sandbox.endpoints.control_url}/issuers/tokens", json=body)


def minted(sandbox: Any, **body: Any) -> tuple[str, str]:
    answer = order(sandbox, **body).json()
    return answer["issuer"], answer["token"]


def verified(sandbox: Any, issuer: str, token: str, audience: str = "lakelatch") -> dict[str, Any]:
    configuration = sandbox.http.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration").json()
    assert configuration["issuer"] == issuer
    keys = jwt.PyJWKSet.from_dict(sandbox.http.get(configuration["jwks_uri"]).json())
    header = jwt.get_unverified_header(token)
    claims: dict[str, Any] = jwt.decode(
        token, keys[header["kid"]].key, algorithms=[header["alg"]], audience=audience, issuer=issuer
    )
    return claims


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "ES384"])
@pytest.mark.parametrize("name", NAMES)
def test_a_token_verifies_by_its_issuers_discovery(sandbox: Any, name: str, algorithm: str) -> None:
    claims = {"sub": SUBJECTS[name], "aud": "lakelatch"}
    issuer, token = minted(sandbox, issuer=name, claims=claims, algorithm=algorithm)
    assert issuer == f"{sandbox.endpoints.issuers_url}/{name}{'/' if name == 'auth0' else ''}"
    found = verified(sandbox, issuer, token)
    assert (found["sub"], found["exp"] - found["iat"]) == (SUBJECTS[name], 300)
    assert jwt.get_unverified_header(token)["alg"] == algorithm


def test_the_issuers_are_listed(sandbox: Any) -> None:
    listed = sandbox.http.get(f"{sandbox.endpoints.control_url}/issuers").json()
    assert tuple(listed) == NAMES


def test_one_issuers_key_is_not_anothers(sandbox: Any) -> None:
    github, _ = minted(sandbox, issuer="github", claims={"aud": "lakelatch"})
    _, token = minted(sandbox, issuer="gitlab", claims={"aud": "lakelatch", "iss": github})
    with pytest.raises(KeyError):
        verified(sandbox, github, token)


def test_keys_outlive_a_restart_and_old_ones_a_rotation(sandbox: Any) -> None:
    issuer, token = minted(sandbox, issuer="github", claims={"aud": "lakelatch"})
    sandbox.restart()
    verified(sandbox, issuer, token)
    body = {"issuer": "github", "algorithm": "RS256"}
    kid = sandbox.http.post(f"{sandbox.endpoints.control_url}/issuers/keys/rotate", json=body).json()["kid"]
    _, newer = minted(sandbox, issuer="github", claims={"aud": "lakelatch"})
    assert jwt.get_unverified_header(newer)["kid"] == kid != jwt.get_unverified_header(token)["kid"]
    for one in (token, newer):
        verified(sandbox, issuer, one)


@pytest.mark.parametrize("algorithm", ["HS256", "none"])
def test_tokens_that_nobody_should_take(sandbox: Any, algorithm: str) -> None:
    _, token = minted(sandbox, issuer="github", claims={"sub": "x"}, algorithm=algorithm, key_id="k")
    assert jwt.get_unverified_header(token) == {"alg": algorithm, "kid": "k", "typ": "JWT"}


def test_claims_are_what_they_were_ordered_to_be(sandbox: Any) -> None:
    claims = {"iss": "https://elsewhere.example.com", "exp": 1, "nbf": None, "aud": ["a", "b"], "x": {"y": 1}}
    _, token = minted(sandbox, issuer="partner", claims=claims)
    found = jwt.decode(token, options={"verify_signature": False})
    assert {name: found.get(name) for name in claims} == claims
    assert "nbf" not in found


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "JSON object"),
        ({}, "`issuer` must name a path"),
        ({"issuer": "../control"}, "`issuer` must name a path"),
        ({"issuer": "github", "subject": "x"}, "`subject` is not known"),
        ({"issuer": "github", "claims": []}, "`claims` must be of type dict"),
        ({"issuer": "github", "algorithm": "RS512"}, "`algorithm` must be one of"),
        ({"issuer": "github", "lifetime_seconds": True}, "`lifetime_seconds` must be of type int"),
    ],
    ids=str,
)
def test_orders_that_are_not_understood(sandbox: Any, body: Any, words: str) -> None:
    answer = sandbox.http.post(f"{sandbox.endpoints.control_url}/issuers/tokens", json=body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_paths_that_are_no_issuer(sandbox: Any) -> None:
    for path in ("a b", "x" * 201, "a/b/c/d/e/f/g"):
        address = f"{sandbox.endpoints.issuers_url}/{path}/.well-known/openid-configuration"
        assert sandbox.http.get(address).status_code == 404


@given(st.text(max_size=12))
def test_a_name_never_leaves_its_folder(name: str) -> None:
    if is_name(name):
        assert ".." not in name
        assert not name.startswith("/")
        assert "//" not in name


@given(st.dictionaries(st.sampled_from(["iss", "exp", "sub", "x"]), st.none() | st.integers() | st.text(), max_size=4))
def test_ordered_claims_win_and_nulls_leave_out(claims: dict[str, Any]) -> None:
    found = claims_of(parse({"issuer": "a", "claims": claims}), "https://issuer", 1000)
    for name, value in claims.items():
        assert (name in found) == (value is not None)
        assert value is None or found[name] == value


@pytest.mark.parametrize("name", NAMES)
def test_databricks_takes_a_token_of_every_issuer(sandbox: Any, account: Any, name: str) -> None:
    """From the issuer's discovery to a token of the workspace, as a CI job does it with `via: direct`."""
    issuer, token = minted(sandbox, issuer=name, claims={"sub": SUBJECTS[name], "aud": "lakelatch"})
    principal = account.principal(name=f"of {name}")
    made = account.policy(
        principal, issuer=issuer, audiences=["lakelatch"], subject=SUBJECTS[name], subject_claim="sub"
    )
    assert made.status_code == 200, made.text
    answer = account.exchange(token, principal["applicationId"])
    assert answer.status_code == 200, answer.text
    me = account.workspace("GET", "/api/2.0/preview/scim/v2/Me", answer.json()["access_token"])
    assert me.json()["userName"] == principal["applicationId"]
    for algorithm in ("ES384", "HS256", "none"):
        _, refused = minted(
            sandbox, issuer=name, claims={"sub": SUBJECTS[name], "aud": "lakelatch"}, algorithm=algorithm
        )
        assert account.exchange(refused, principal["applicationId"]).status_code == 401
