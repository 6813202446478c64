"""People through a running gateway: as themselves, once exchanged, never as a service, and without their token told."""

import concurrent.futures
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import PermissionDenied

PEOPLE = "databricks-people"
ME = "/api/2.0/preview/scim/v2/Me"
WAREHOUSES = "/api/2.0/sql/warehouses"
ANALYST = "alice@example.com"


@pytest.fixture
def people() -> dict[str, Any]:
    return {
        "entra": {
            "audience": PEOPLE,
            "user_claim": "upn",
            "groups": {"group-1": ["reader"], "group-2": ["starter"]},
            "roles": {"reader": ["current_user.me", "warehouses.list"], "starter": ["warehouses.start"]},
        }
    }


@pytest.fixture
def person(provider: Any) -> Any:
    def token(user: str | None = ANALYST, *, groups: Any = ("group-1",), **claims: Any) -> str:
        named = {} if user is None else {"upn": user}
        claims = {"aud": PEOPLE, **named, "groups": list(groups), **claims}
        return str(provider.token(claims.pop("sub", f"id-of-{user}"), **claims))

    return token


@pytest.fixture
def gateway(start: Any, configure: Any, people: Any, workspace: Any) -> Any:
    workspace.users |= {ANALYST}
    return start(configure(people=people))


def exchanged(workspace: Any) -> list[str]:
    """The tokens that were exchanged as a person's."""
    return [form["subject_token"] for form in workspace.exchanges if "client_id" not in form]


def test_a_person_is_themselves_at_databricks(gateway: Any, person: Any, workspace: Any, eventually: Any) -> None:
    token = person()
    answer = gateway.get(ME, token)
    assert (answer.status_code, answer.json()["userName"]) == (200, ANALYST)
    assert exchanged(workspace) == [token]
    [line] = eventually(lambda: [line for line in gateway.audit if line["path"] == ME])
    told = {name: line[name] for name in ("decision", "rule", "service", "user", "action")}
    assert told == {
        "decision": "allow",
        "rule": "role:reader",
        "service": None,
        "user": ANALYST,
        "action": "current_user.me",
    }


def test_the_vendors_client_gets_through_as_the_user(
    start: Any, configure: Any, people: Any, person: Any, workspace: Any, pki: Any, monkeypatch: Any
) -> None:
    workspace.users |= {ANALYST}
    port = configure().listen.port
    tls = {"certificate_file": str(pki.ca_file), "private_key_file": str(pki.key_file)}
    start(configure(people=people, listen={"address": "127.0.0.1", "port": port, "tls": tls}))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pki.ca_file))

    def client(token: str) -> WorkspaceClient:
        monkeypatch.setenv("DATABRICKS_OIDC_TOKEN", token)
        return WorkspaceClient(config=Config(host=f"https://127.0.0.1:{port}", auth_type="env-oidc", client_id="any"))

    assert client(person()).current_user.me().user_name == ANALYST
    with pytest.raises(PermissionDenied, match=r"'warehouses\.start'.*Their roles: ,reader,"):
        client(person()).warehouses.start("17")
    with pytest.raises(PermissionDenied, match="none of the groups that it names"):
        client(person(groups=["strangers"])).current_user.me()


REFUSED: dict[str, tuple[dict[str, Any], str, int, str]] = {
    "not granted": ({}, "/api/2.0/jobs/list", 403, "default-deny"),
    "no action": ({}, "/api/2.0/nothing/of/the/kind", 403, "unknown-action"),
    "granted to another group": ({"groups": ["group-2"]}, ME, 403, "default-deny"),
    "nearly the group": ({"groups": ["Group-1", "group-1 ", "group-1,group-2"]}, ME, 403, "no-group"),
    "in no group": ({"groups": []}, ME, 403, "no-group"),
    "groups that are no texts": ({"groups": [{"name": "group-1"}, 1]}, ME, 403, "no-group"),
    "no user": ({"user": None}, ME, 401, "no-subject"),
    "no user of the account": ({"user": "mallory@example.com"}, ME, 403, "databricks-user"),
    "a service's subject": ({"sub": "nightly-subject"}, ME, 403, "unknown-identity"),
    "nearly a service's subject": ({"sub": "Nightly-Subject"}, ME, 403, "unknown-identity"),
    "made out for services": ({"aud": "api-of-the-gateway"}, ME, 403, "unknown-identity"),
    "made out for both": ({"aud": [PEOPLE, "api-of-the-gateway"]}, ME, 403, "unknown-identity"),
    "made out for others": ({"aud": "elsewhere"}, ME, 401, "authentication"),
    "expired": ({"exp": -600}, ME, 401, "authentication"),
    "ends soon": ({"exp": 30}, ME, 401, "token-expiring"),
}
"""What is another than in a token that is taken, what is asked, and the answer with the rule that gave it."""


def test_who_is_refused_and_by_what(gateway: Any, person: Any, workspace: Any, eventually: Any) -> None:
    asked = {}
    for name, (claims, path, _, _) in REFUSED.items():
        made = claims | ({"exp": int(time.time()) + claims["exp"]} if "exp" in claims else {})
        headers = bearer(person(**made)) | {"user-agent": name}
        asked[name] = httpx.get(gateway.url + path, headers=headers)
    lines = eventually(
        lambda: len(found := {line["user_agent"]: line for line in gateway.audit}) >= len(asked) and found
    )
    told = {name: (answer.status_code, lines[name]["rule"]) for name, answer in asked.items()}
    assert told == {name: (status, rule) for name, (_, _, status, rule) in REFUSED.items()}
    assert {(line["decision"], line["service"]) for line in lines.values()} == {("deny", None)}
    assert all(answer.json()["message"] for answer in asked.values())
    assert not {path for _, path, _, _ in REFUSED.values()} & {path for _, path, _ in workspace.double.requests}


def test_a_services_token_is_never_a_persons(gateway: Any, provider: Any, workspace: Any) -> None:
    """With every claim that a person has: what it is made out to decides, and its subject."""
    token = provider.token("nightly-subject", upn=ANALYST, groups=["group-1"])
    assert gateway.get(ME, token).json()["userName"] == "app-nightly"
    assert exchanged(workspace) == []


def test_roles_of_several_groups_are_joined(gateway: Any, person: Any) -> None:
    token = person(groups=["group-2", "others", "group-1"])
    answers = [gateway.get(WAREHOUSES, token), httpx.post(f"{gateway.url}{WAREHOUSES}/17/start", headers=bearer(token))]
    assert [answer.status_code for answer in answers] == [200, 200]


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_callers_with_one_cold_token_cause_one_exchange(gateway: Any, person: Any, workspace: Any) -> None:
    token = person()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: gateway.get(ME, token).status_code, range(20)))
    assert answers == [200] * 20
    assert exchanged(workspace) == [token]


def test_while_the_exchange_is_down_known_tokens_serve_and_others_are_told(
    gateway: Any, person: Any, workspace: Any
) -> None:
    warm, cold = person(), person(jti="another")
    assert gateway.get(ME, warm).status_code == 200
    workspace.down = True
    assert [gateway.get(ME, warm).status_code for _ in range(3)] == [200] * 3
    answers = [gateway.get(ME, cold) for _ in range(5)]
    assert {(answer.status_code, answer.headers["retry-after"]) for answer in answers} == {(503, "5")}
    assert ANALYST in answers[0].json()["message"]
    # What failed is remembered for a while, so that an outage is not made worse.
    assert exchanged(workspace).count(cold) == 1


def test_a_person_who_left_the_model_is_refused_at_once(
    gateway: Any, configure: Any, people: Any, person: Any, home: Path, deliver: Any, eventually: Any
) -> None:
    token = person()
    assert gateway.get(ME, token).status_code == 200
    del people["entra"]["groups"]["group-1"]
    deliver(home / "config", configure(people=people).file())
    assert eventually(lambda: gateway.get(ME, token).status_code == 403)
    people["entra"]["groups"]["group-1"] = ["starter", "reader"]
    deliver(home / "config", configure(people=people).file())
    assert eventually(lambda: gateway.get(ME, token).status_code == 200)


def test_persons_own_token_reaches_nobody_and_no_token_is_told(
    gateway: Any, person: Any, workspace: Any, home: Path
) -> None:
    tokens = [person(), person(groups=[]), person("mallory@example.com"), person(sub="nightly-subject")]
    statuses = [gateway.get(ME, token).status_code for token in tokens]
    assert statuses == [200, 403, 403, 403]
    sent = [headers for _, path, headers in workspace.double.requests if path != "/oidc/v1/token"]
    assert not [token for token in tokens if token in str(sent)]
    dumps = [gateway.admin("GET", path) for path in ("/config_dump?include_eds", "/stats", "/clusters?format=json")]
    gateway.stop()
    files = [path.read_text(errors="replace") for path in home.rglob("*") if path.is_file()]
    secrets = [*tokens, *workspace.tokens]
    assert len(secrets) > 5
    assert not [secret for secret in secrets for text in (*dumps, *files) if secret in text]
