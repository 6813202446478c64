"""The vendor's own client, pointed at the gateway's host and holding no secret, gets through and is told when not."""

from typing import Any

import httpx
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import PermissionDenied


@pytest.fixture
def scene(shared_scene: Any) -> Any:
    return shared_scene


@pytest.fixture(scope="module")
def gateway(shared_scene: Any, pki: Any) -> Any:
    tls = {"certificate_file": str(pki.ca_file), "private_key_file": str(pki.key_file)}
    listen = {"address": "127.0.0.1", "port": shared_scene.port, "tls": tls}
    return shared_scene.start(shared_scene.configure(listen=listen))


@pytest.fixture
def secure(gateway: Any, pki: Any, monkeypatch: Any) -> Any:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pki.ca_file))
    return f"https://127.0.0.1:{gateway.port}"


def client(host: str, token: str, monkeypatch: pytest.MonkeyPatch) -> WorkspaceClient:
    monkeypatch.setenv("DATABRICKS_OIDC_TOKEN", token)
    return WorkspaceClient(config=Config(host=host, auth_type="env-oidc", client_id="anything"))


def test_client_reads_its_own_identity_through_the_gateway(
    secure: Any, provider: Any, workspace: Any, monkeypatch: Any
) -> None:
    token = provider.token("nightly-subject")
    me = client(secure, token, monkeypatch).current_user.me()
    assert me.user_name == "app-nightly"
    # The client's token traffic stayed on the gateway: only the gateway exchanged at the workspace.
    assert [form["client_id"] for form in workspace.exchanges] == ["app-nightly"]
    assert token not in str(workspace.double.requests)


def test_client_is_told_which_action_it_lacks(secure: Any, provider: Any, monkeypatch: Any) -> None:
    with pytest.raises(PermissionDenied, match=r"'warehouses\.list'"):
        list(client(secure, provider.token("nightly-subject"), monkeypatch).warehouses.list())


def test_client_is_told_what_is_wrong_with_its_token(secure: Any, provider: Any, monkeypatch: Any) -> None:
    with pytest.raises(Exception, match="wrong audience"):
        client(secure, provider.token("nightly-subject", aud="other"), monkeypatch).current_user.me()


def test_certificate_is_shown_and_plain_http_is_not_answered(secure: Any, pki: Any) -> None:
    import ssl

    context = ssl.create_default_context(cafile=str(pki.ca_file))
    assert httpx.get(f"{secure}/.well-known/jwks.json", verify=context).status_code == 200
    with pytest.raises(httpx.TransportError):
        httpx.get(secure.replace("https:", "http:"))
