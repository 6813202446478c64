"""The signing key is private from its first byte and judged before use; the exchange tells outages from refusals."""

import os
import threading
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lakelatch.envoy.config import GatewayIssuer
from lakelatch_gateway.errors import ExchangeFailed, GatewayError
from lakelatch_gateway.exchange import GRANT, exchange
from lakelatch_gateway.issuer import open_issuer, public_jwk


def settings(path: Any) -> Any:
    return GatewayIssuer.model_validate({"url": "https://g.example.test", "key": {"path": str(path)}, "audience": "a"})


def pem(key: Any) -> Any:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_key_is_made_once_and_kept(tmp_path: Any) -> None:
    path = tmp_path / "keys" / "signing.pem"
    before = os.umask(0)
    try:
        first = open_issuer(settings(path))
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert open_issuer(settings(path)).jwk == first.jwk
    assert os.listdir(path.parent) == ["signing.pem"]


def test_gateways_that_start_together_share_one_key(tmp_path: Any) -> None:
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(open_issuer(settings(tmp_path / "k.pem")).jwk["kid"]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


BAD_KEYS = [
    pytest.param(b"text", 0o600, "no PEM", id="no PEM"),
    pytest.param(pem(ec.generate_private_key(ec.SECP384R1())), 0o600, "no P-256", id="P-384"),
    pytest.param(pem(rsa.generate_private_key(65537, 2048)), 0o600, "no P-256", id="RSA"),
    pytest.param(pem(ec.generate_private_key(ec.SECP256R1())), 0o640, "others may read", id="readable by the group"),
]


@pytest.mark.parametrize(("content", "mode", "reason"), BAD_KEYS)
def test_key_that_is_not_used(tmp_path: Any, content: Any, mode: Any, reason: Any) -> None:
    path = tmp_path / "k.pem"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(GatewayError, match=reason):
        open_issuer(settings(path))


def test_key_id_is_the_thumbprint() -> None:
    # RFC 7638 §3.1 has no EC example; this is the P-256 key of RFC 7517 §A.1 with its thumbprint by another library.
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(jwt.utils.base64url_decode("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"), "big"),
        int.from_bytes(jwt.utils.base64url_decode("4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"), "big"),
        ec.SECP256R1(),
    )
    assert public_jwk(numbers.public_key())["kid"] == "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"


async def attempt(answer: Any) -> Any:
    seen = []

    def handle(request: Any) -> Any:
        seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as client:
        lease = await exchange(client, "https://w.example.test", minted="m.i.nted", application_id="app", now=1000)
    return lease, seen[0]


async def test_exchange_asks_as_the_principal_and_without_any_secret() -> None:
    answer = httpx.Response(200, json={"access_token": "dbx", "token_type": "Bearer", "expires_in": 600})
    lease, request = await attempt(answer)
    assert (lease.token, lease.obtained_at, lease.expires_at) == ("dbx", 1000, 1600)
    assert str(request.url) == "https://w.example.test/oidc/v1/token"
    sent = dict(httpx.QueryParams(request.content.decode()))
    assert sent["grant_type"] == GRANT
    assert (sent["client_id"], sent["subject_token"], sent["scope"]) == ("app", "m.i.nted", "all-apis")
    assert "authorization" not in request.headers


def answered(status: Any, **document: Any) -> Any:
    return httpx.Response(status, json=document)


FAILURES = [
    pytest.param(httpx.ConnectError("no"), True, "ConnectError", id="unreachable"),
    pytest.param(httpx.ReadTimeout("no"), True, "ReadTimeout", id="timeout"),
    pytest.param(answered(500), True, "500", id="500"),
    pytest.param(answered(429), True, "429", id="429"),
    pytest.param(httpx.Response(302, headers={"location": "https://w/login"}), True, "302", id="redirect"),
    pytest.param(answered(401, error="invalid_client"), False, "401 invalid_client", id="401"),
    pytest.param(answered(400, error="m.i.nted"), False, "(400)", id="error that is no code"),
    pytest.param(httpx.Response(403, text="<html>"), False, "(403)", id="page"),
    pytest.param(answered(200, expires_in=600), True, "access_token", id="no token"),
    pytest.param(answered(200, access_token="a\r\nb", expires_in=600), True, "access_token", id="line break"),
    pytest.param(answered(200, access_token="a"), True, "expires_in", id="no life"),
    pytest.param(answered(200, access_token="a", expires_in=0), True, "expires_in", id="dead token"),
]


@pytest.mark.parametrize(("answer", "transient", "reason"), FAILURES)
async def test_failure_is_transient_or_definite_and_quotes_no_token(answer: Any, transient: Any, reason: Any) -> None:
    with pytest.raises(ExchangeFailed) as caught:
        await attempt(answer)
    assert caught.value.transient == transient
    assert reason in str(caught.value)
    assert "m.i.nted" not in str(caught.value)
