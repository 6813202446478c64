"""Proves that the algorithm table lets through exactly what Databricks verifies, and that weak keys are named as such.

Every row of the JOSE registry that a token could carry stands in the table; a name that is not there is refused too.
"""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from lakelatch.access.algorithms import ACCEPTED, ALGORITHMS, RSA_MINIMUM_BITS, weakness
from lakelatch.access.key_sets import INLINE_KEYS_LIMIT, weaknesses


def number(bits: int) -> str:
    """A base64url modulus of exactly that many bits."""
    return base64.urlsafe_b64encode((1 << (bits - 1)).to_bytes((bits + 7) // 8, "big")).rstrip(b"=").decode()


RSA = {"kty": "RSA", "n": number(2048), "e": "AQAB"}
P256 = {"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}


def test_exactly_two_algorithms_are_accepted() -> None:
    assert ACCEPTED == ("RS256", "ES256")


def test_a_row_never_changes() -> None:
    with pytest.raises(AttributeError):
        ALGORITHMS["HS256"].accepted = True  # type: ignore[misc]


REGISTRY = {
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
    "PS256": ("RSA", None),
    "PS384": ("RSA", None),
    "PS512": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "ES256K": ("EC", "secp256k1"),
    "EdDSA": ("OKP", None),
    "HS256": ("oct", None),
    "HS384": ("oct", None),
    "HS512": ("oct", None),
    "none": (None, None),
}
"""The key that each registered algorithm needs, copied from the RFCs by hand: a second source for the table."""


def test_the_table_says_what_the_registry_says() -> None:
    assert {name: (row.key_type, row.curve) for name, row in ALGORITHMS.items()} == REGISTRY
    assert [row.name for row in ALGORITHMS.values()] == list(ALGORITHMS)


@pytest.mark.parametrize("row", ALGORITHMS.values(), ids=lambda row: row.name)
def test_each_row_names_its_source_and_a_refused_one_its_reason(row) -> None:  # type: ignore[no-untyped-def]
    assert row.source.startswith("RFC ")
    assert row.accepted is (row.reason == "")


@pytest.mark.parametrize(
    ("jwk", "says"),
    [
        pytest.param(RSA, None, id="RSA 2048 without alg"),
        pytest.param({**RSA, "alg": "RS256", "use": "sig"}, None, id="RS256"),
        pytest.param({**P256, "alg": "ES256"}, None, id="ES256"),
        pytest.param(P256, None, id="P-256 without alg"),
        pytest.param({**RSA, "n": number(2047)}, "2047 bits", id="RSA one bit short"),
        pytest.param({**RSA, "n": number(1024)}, "1024 bits", id="RSA 1024"),
        pytest.param({**RSA, "n": "%"}, "not base64url", id="modulus that is no number"),
        pytest.param({"kty": "RSA"}, "not base64url", id="RSA without modulus"),
        pytest.param({**RSA, "n": ""}, "not base64url", id="empty modulus"),
        pytest.param({**RSA, "n": 5}, "not base64url", id="modulus that is no text"),
        pytest.param({**RSA, "alg": "RS384"}, "RS384", id="RS384"),
        pytest.param({**RSA, "alg": "PS256"}, "PS256", id="PS256"),
        pytest.param({**P256, "crv": "P-384", "alg": "ES384"}, "ES384", id="ES384"),
        pytest.param({**P256, "crv": "P-384"}, "not P-256", id="P-384 without alg"),
        pytest.param({**P256, "crv": "secp256k1"}, "not P-256", id="secp256k1"),
        pytest.param({**RSA, "alg": "HS256"}, "HS256", id="HS256 on an RSA key (algorithm confusion)"),
        pytest.param({"kty": "oct", "k": "c2VjcmV0"}, "secret key material", id="symmetric"),
        pytest.param({"kty": "oct"}, "secret key material", id="symmetric without its key"),
        pytest.param({**RSA, "d": "AQAB"}, "secret key material", id="private RSA"),
        pytest.param({**P256, "d": "AQAB"}, "secret key material", id="private EC"),
        *[
            pytest.param({**RSA, member: "AQAB"}, "secret key material", id=f"private member {member}")
            for member in ("p", "q", "dp", "dq", "qi", "oth", "k")
        ],
        pytest.param({**RSA, "alg": "none"}, "no signature", id="none"),
        pytest.param({**RSA, "alg": "rs256"}, "not a registered", id="lower case is another name"),
        pytest.param({**RSA, "alg": 5}, "not a registered", id="alg is no text"),
        pytest.param({**P256, "alg": "RS256"}, "needs a key of type RSA", id="RS256 on an EC key"),
        pytest.param({**RSA, "alg": "ES256"}, "needs a key of type EC", id="ES256 on an RSA key"),
        pytest.param({**RSA, "use": "enc"}, "not sig", id="encryption key"),
        pytest.param({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA"}, "EdDSA", id="EdDSA"),
        pytest.param({"kty": "OKP", "crv": "Ed25519"}, "neither RSA nor EC", id="OKP without alg"),
        pytest.param({}, "neither RSA nor EC", id="nothing"),
    ],
)
def test_weakness(jwk: dict[str, object], says: str | None) -> None:
    reason = weakness(jwk)
    if says is None:
        assert reason is None
    else:
        assert reason is not None
        assert says in reason


@pytest.mark.parametrize("bits", [RSA_MINIMUM_BITS, 3072])
def test_real_rsa_keys_pass(bits: int) -> None:
    public = rsa.generate_private_key(public_exponent=65537, key_size=bits).public_key()
    jwk = {key: value for key, value in RSAAlgorithm.to_jwk(public, as_dict=True).items() if key != "key_ops"}
    assert weakness(jwk) is None


def test_a_real_p256_key_passes_and_its_private_half_does_not() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    assert weakness(ECAlgorithm.to_jwk(key.public_key(), as_dict=True)) is None
    assert "secret" in str(weakness(ECAlgorithm.to_jwk(key, as_dict=True)))


@given(
    st.dictionaries(
        st.sampled_from(["kty", "alg", "crv", "n", "d", "k", "use", "kid"]),
        st.one_of(st.text(), st.integers(), st.none(), st.sampled_from([*ALGORITHMS, "RSA", "EC", "oct"])),
    )
)
def test_a_reason_never_quotes_key_material(jwk: dict[str, object]) -> None:
    """Whatever stands in a key, the reason holds nothing of the members that may be secret or name somebody."""
    marked = {member: f"hidden-{value}" if member in ("n", "d", "k", "kid") else value for member, value in jwk.items()}
    assert "hidden-" not in (weakness(marked) or "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(None, [], id="no inline keys"),
        pytest.param(json.dumps({"keys": [RSA]}), [], id="one good key"),
        pytest.param("{", [("", "is not JSON")], id="not JSON"),
        pytest.param("[" * 100_000, [("", "is not JSON")], id="nested without end"),
        pytest.param('{"keys": [], "keys": []}', [("", "twice")], id="keys twice"),
        pytest.param('{"keys": [{"kty": "RSA", "kty": "EC"}]}', [("", "twice")], id="a member of a key twice"),
        pytest.param("[]", [("", "no list `keys`")], id="a list"),
        pytest.param('{"keys": {}}', [("", "no list `keys`")], id="keys is no list"),
        pytest.param('{"keys": []}', [("", "has no key")], id="empty"),
        pytest.param('{"keys": [1]}', [(".keys[0]", "is not a key")], id="a number for a key"),
        pytest.param(
            json.dumps({"keys": [RSA, {**RSA, "n": number(1024)}]}),
            [(".keys[1]", "1024 bits")],
            id="the second is weak",
        ),
        pytest.param(
            json.dumps({"keys": [{**RSA, "kid": "a"}, {**P256, "kid": "a"}]}),
            [(".keys[1]", "same kid")],
            id="a kid twice",
        ),
        pytest.param(
            json.dumps({"keys": [RSA] * (INLINE_KEYS_LIMIT + 1)}),
            [("", "at most 5")],
            id="more keys than Databricks takes",
        ),
        pytest.param(json.dumps({"keys": [RSA] * INLINE_KEYS_LIMIT}), [], id="as many keys as Databricks takes"),
        pytest.param(
            json.dumps({"keys": [1, {**RSA, "n": number(1024)}]}),
            [(".keys[0]", "is not a key"), (".keys[1]", "1024 bits")],
            id="a weak key behind what is no key",
        ),
    ],
)
def test_weaknesses_of_a_key_set(text: str | None, expected: list[tuple[str, str]]) -> None:
    found = weaknesses(text)
    assert [position for position, _ in found] == [position for position, _ in expected]
    for (_, reason), (_, says) in zip(found, expected, strict=True):
        assert says in reason
