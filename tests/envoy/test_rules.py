"""Rules: the reference decides as the table says, and live Envoy decides as the reference does, whatever is asked."""

import json
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.ports import free_port

from lakelatch.access.attributes import path_attributes, read_body
from lakelatch.access.decisions import Decision, Request, decide
from lakelatch.access.observed import read as read_trail

STATEMENTS = "/api/2.0/sql/statements"
MLFLOW = "/api/2.0/mlflow"
EXECUTE = "statement_execution.execute_statement"
RULES: dict[str, Any] = {
    "small": {
        "for": {"services": ["small"], "actions": [EXECUTE]},
        "limit": {"row_limit": 100, "warehouses": ["w1", "w2"]},
    },
    "patient": {
        "for": {"services": ["patient"], "actions": [EXECUTE]},
        "limit": {"wait_seconds": 20, "byte_limit": 5000},
    },
    "inline": {
        "for": {"services": ["inline"], "actions": [EXECUTE]},
        "limit": {"dispositions": ["INLINE"], "catalogs": ["main", "it's"], "body_bytes": 120},
    },
    "opaque": {"for": {"services": ["opaque"], "actions": ["statement_execution.*"]}, "limit": {"row_limit": 10}},
    "deny": {"for": {"services": ["deny"]}, "deny": "body.row_limit > 100 || body.catalog == 'secret'"},
    "words": {
        "for": {"services": ["words"]},
        "require": "body.catalog.startsWith('ma') && !(body.schema in ['x', 'y']) && identity.environment == 'staging'",
    },
    "ternary": {
        "for": {"services": ["ternary"]},
        "require": "body.warehouse_id == 'w2' ? size(body.catalog) == 5 : body.row_limit % 2 == 1",
    },
    "types": {
        "for": {"services": ["types"]},
        "require": "body.row_limit == 7 || body.warehouse_id < 'w2' || body.catalog + '' == 'main'",
    },
    "claim": {"for": {"services": ["claim"]}, "require": "claims.acr == 'phr' && 'admins' in claims.groups"},
    "header": {"for": {"services": ["header"]}, "deny": "request.headers['x-batch'] == 'on'"},
    "elsewhere": {"for": {"services": ["elsewhere"]}, "networks": ["10.0.0.0/8", "2001:db8::/32"]},
    "here": {"for": {"services": ["here"]}, "networks": ["127.0.0.0/8"], "require": "action.access == 'read'"},
    "always": {"for": {"services": ["always"], "actions": ["warehouses.get"]}, "deny": True},
    "warehouse": {
        "for": {"services": ["warehouse"], "actions": ["warehouses.*"]},
        "require": "path.id in ['w1', 'w-2.3']",
    },
    "constant": {"for": {"services": ["constant"]}, "deny": "body.row_limit > 1 && has(path.id)"},
    "varies": {"for": {"services": ["varies"]}, "deny": "has(path.model_id)"},
    "unsaid": {"for": {"services": ["unsaid"]}, "require": "!has(body.row_limit)"},
    "first": {"for": {"services": ["half"]}, "require": "request.method == 'POST'", "mode": "observe"},
    "second": {"for": {"services": ["half"], "actions": [EXECUTE]}, "deny": "body.row_limit > 100"},
    "seen": {"for": {"services": ["observed"]}, "deny": "body.row_limit > 100"},
    "told": {"for": {"services": ["both"]}, "deny": True, "mode": "observe"},
    "never": {
        "for": {"services": ["never"]},
        "during": {"days": ["mon"], "start": "00:00", "end": "00:01"},
        "deny": True,
    },
    "night": {
        "for": {"services": ["night"]},
        "during": {"start": "22:00", "end": "06:00", "timezone": "Asia/Kolkata"},
        "deny": True,
    },
}
SERVICES = [*RULES, "plain", "half", "observed", "both"]


@pytest.fixture(scope="module")
def ruled(configure: Any) -> Any:
    granted = ["statement_execution.execute_statement", "statement_execution.get_statement", "warehouses.get"]
    roles = {"all": [*granted, "mlflow.list_artifacts"]}
    services = {
        name: {
            "issuer": "entra",
            "subject": name,
            "application_id": f"app-{name}",
            "environment": "staging",
            "roles": roles,
            "mode": "observe" if name in ("observed", "both") else "enforce",
        }
        for name in SERVICES
    }
    return configure(services=services, rules=RULES)


@pytest.fixture(scope="module")
def envoy(ruled: Any, entra: Any, cluster: Any, live_envoy: Any) -> Iterator[Any]:
    with tempfile.TemporaryDirectory(prefix="ll-envoy-") as folder:
        live = live_envoy(Path(folder), free_port(), {"entra": [entra.jwk()], "cluster": [cluster.jwk()]}, {})
        live.apply(ruled)
        live.start()
        yield live
        live.stop()


def ask(envoy: Any, entra: Any, request: Request) -> httpx.Response:
    headers = [*request.headers, ("authorization", f"Bearer {entra.token(request.subject)}")]
    return httpx.request(
        request.method, envoy.url + request.path, headers=headers, content=request.body or None, timeout=20
    )


def reference(ruled: Any, request: Request) -> Decision:
    return decide(ruled.policy, request)


def statement(service: str, body: Any, headers: Any = (("content-type", "application/json"),)) -> dict[str, Any]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return {"method": "POST", "path": STATEMENTS, "subject": service, "body": content, "headers": tuple(headers)}


def read(service: str, path: str = "/api/2.0/sql/warehouses/w1", headers: Any = ()) -> dict[str, Any]:
    return {"method": "GET", "path": path, "subject": service, "headers": tuple(headers)}


JSON = ("content-type", "application/json")
FINE = {"row_limit": 100, "warehouse_id": "w1"}
CASES = [
    pytest.param(statement("small", FINE), None, id="within the limit"),
    pytest.param(statement("small", FINE | {"row_limit": 101}), "small", id="too many rows"),
    pytest.param(statement("small", {"warehouse_id": "w1"}), "small", id="rows not said"),
    pytest.param(statement("small", FINE | {"row_limit": "100"}), "small", id="rows as text"),
    pytest.param(statement("small", FINE | {"row_limit": None}), "small", id="rows are null"),
    pytest.param(statement("small", FINE | {"warehouse_id": "w3"}), "small", id="another warehouse"),
    pytest.param(statement("small", FINE | {"warehouse_id": ["w1"]}), "small", id="warehouse in a list"),
    pytest.param(statement("small", b'{"row_limit":1,"row_limit":1000,"warehouse_id":"w1"}'), "small", id="twice"),
    pytest.param(
        statement("small", b'{"row_limit":1,"row\\u005flimit":1000,"warehouse_id":"w1"}'), "small", id="twice, escaped"
    ),
    pytest.param(
        statement("small", b'{"warehouse_id":"\\u0077\\u0031","row_limit":1e1}'), None, id="escapes and exponents"
    ),
    pytest.param(statement("small", b"[" * 40 + b"]" * 40), "small", id="deep"),
    pytest.param(
        statement("small", b'{"x":' + b"[" * 31 + b"]" * 31 + b',"row_limit":1,"warehouse_id":"w1"}'),
        None,
        id="32 deep",
    ),
    pytest.param(
        statement("small", b'{"x":' + b"[" * 32 + b"]" * 32 + b',"row_limit":1,"warehouse_id":"w1"}'),
        "small",
        id="33 deep",
    ),
    pytest.param(statement("small", FINE, [("content-type", "text/plain")]), "small", id="not JSON by its type"),
    pytest.param(
        statement("small", FINE, [("content-type", 'Application/JSON; charset="UTF-8"')]), None, id="with a charset"
    ),
    pytest.param(statement("small", FINE, [JSON, ("content-encoding", "gzip")]), "small", id="encoded"),
    pytest.param(statement("small", FINE, [JSON, JSON]), "small", id="two types"),
    pytest.param(statement("small", b"\xef\xbb\xbf{}"), "small", id="byte order mark"),
    pytest.param(statement("small", b'{"x":"\xff","row_limit":1,"warehouse_id":"w1"}'), "small", id="no UTF-8"),
    pytest.param(
        statement("small", b'{"x":"\\ud800","row_limit":1,"warehouse_id":"w1"}'), "small", id="half a character"
    ),
    pytest.param(statement("small", b'{"x":NaN,"row_limit":1,"warehouse_id":"w1"}'), "small", id="NaN"),
    pytest.param(statement("small", b'{"row_limit":1,"warehouse_id":"w1"}x'), "small", id="more behind it"),
    pytest.param(statement("small", b""), "small", id="nothing"),
    pytest.param(read("small"), None, id="an action that the rule is not about"),
    pytest.param(statement("patient", {"byte_limit": 1, "wait_timeout": "20s"}), None, id="waits as long as it may"),
    pytest.param(statement("patient", {"byte_limit": 1, "wait_timeout": "30s"}), "patient", id="waits too long"),
    pytest.param(statement("patient", {"byte_limit": 1}), None, id="waits 10 s when it does not say"),
    pytest.param(statement("inline", {"catalog": "main"}), None, id="inline when it does not say"),
    pytest.param(statement("inline", {"catalog": "it's", "disposition": "INLINE"}), None, id="a quote in a name"),
    pytest.param(statement("inline", {"catalog": "main", "disposition": "EXTERNAL_LINKS"}), "inline", id="links"),
    pytest.param(statement("inline", {"catalog": "main", "statement": "x" * 120}), "inline", id="too long"),
    pytest.param(read("opaque", f"{STATEMENTS}/a"), "opaque", id="cannot be seen"),
    pytest.param(statement("deny", {"row_limit": 100, "catalog": "main"}), None, id="proven not denied"),
    pytest.param(statement("deny", {"row_limit": 101, "catalog": "main"}), "deny", id="denied"),
    pytest.param(statement("deny", {"row_limit": 1}), "deny", id="not proven: a field is missing"),
    pytest.param(read("deny"), "deny", id="not proven: no such body"),
    pytest.param(statement("words", {"catalog": "main", "schema": "z"}), None, id="words"),
    pytest.param(statement("words", {"catalog": "main", "schema": "x"}), "words", id="words, listed"),
    pytest.param(
        statement("ternary", {"warehouse_id": "w2", "catalog": "größe"}), None, id="letters are counted, not bytes"
    ),
    pytest.param(statement("types", {"row_limit": 7.0}), None, id="a number is a number"),
    pytest.param(read("header"), "header", id="header is missing"),
    pytest.param(read("header", headers=[("x-batch", "off")]), None, id="header"),
    pytest.param(read("header", headers=[("x-batch", "on"), ("x-batch", "")]), None, id="header twice is a list"),
    pytest.param(read("elsewhere"), "elsewhere", id="from another network"),
    pytest.param(read("here"), None, id="from this network"),
    pytest.param(statement("here", {}), "here", id="from this network, but not to write"),
    pytest.param(read("always"), "always", id="always"),
    pytest.param(read("warehouse"), None, id="of the path"),
    pytest.param(read("warehouse", "/api/2.0/sql/warehouses/w-2.3"), None, id="of the path, with a dot"),
    pytest.param(read("warehouse", "/api/2.0/sql/warehouses/w2"), "warehouse", id="of the path, another"),
    pytest.param(statement("constant", {}), None, id="nothing varies in the path, so the rest does not matter"),
    pytest.param(read("constant"), "constant", id="something varies in the path, and the rest is missing"),
    pytest.param(read("varies", f"{MLFLOW}/logged-models/m1/artifacts/directories"), "varies", id="a path that varies"),
    pytest.param(read("varies", f"{MLFLOW}/model-versions/list-artifacts"), None, id="another of the same action"),
    pytest.param(statement("unsaid", {}), None, id="a member is missing"),
    pytest.param(statement("unsaid", b'{"x":1,"x":2}'), "unsaid", id="a member is missing of what cannot be read"),
    pytest.param(read("plain"), None, id="no rule"),
]


@pytest.mark.parametrize(("request_", "rule"), [pytest.param(*case.values, id=case.id) for case in CASES])
def test_the_reference_and_envoy_decide_as_the_table_says(
    envoy: Any, entra: Any, ruled: Any, request_: Any, rule: Any
) -> None:
    request = Request(issuer=entra.url, **request_)
    decision = reference(ruled, request)
    assert decision.rule == ("role:all" if rule is None else f"rule:{rule}")
    response = ask(envoy, entra, request)
    assert response.status_code == (200 if rule is None else 403), response.text
    if rule is not None:
        assert response.json()["message"] == decision.message


@pytest.mark.parametrize(
    ("claims", "allowed"),
    [
        pytest.param({"acr": "phr", "groups": ["users", "admins"]}, True, id="both"),
        pytest.param({"acr": "phr", "groups": ["users"]}, False, id="another group"),
        pytest.param({"acr": "phr"}, False, id="no groups"),
        pytest.param({}, False, id="neither"),
    ],
)
def test_a_rule_may_speak_of_the_tokens_claims(
    envoy: Any, entra: Any, ruled: Any, claims: dict[str, Any], allowed: bool
) -> None:
    request = Request(issuer=entra.url, claims=claims, **read("claim"))
    assert reference(ruled, request).allowed is allowed
    response = envoy.request("GET", request.path, entra.token("claim", **claims))
    assert response.status_code == (200 if allowed else 403)


OVER = {"row_limit": 101}
OBSERVED = [
    pytest.param(statement("observed", OVER), "rule:seen", id="rule, in a service that is observed"),
    pytest.param(read("observed", "/api/2.0/nowhere/observed"), "unknown-action", id="no action, there"),
    pytest.param(read("observed", "/api/2.0/preview/scim/v2/Me"), "default-deny", id="no role, there"),
    pytest.param(statement("observed", {"row_limit": 1}), None, id="nothing to tell"),
    pytest.param(read("both"), "rule:told", id="rule that is observed, in a service that is"),
    pytest.param(read("half", "/api/2.0/sql/warehouses/half"), "rule:first", id="rule that is observed"),
]


@pytest.mark.parametrize(("request_", "observed"), OBSERVED)
def test_what_is_only_observed_goes_through_and_is_told(
    envoy: Any, entra: Any, ruled: Any, eventually: Any, request_: Any, observed: Any
) -> None:
    request = Request(issuer=entra.url, **request_)
    assert reference(ruled, request).observed == observed
    count = len(envoy.audit_lines())
    assert ask(envoy, entra, request).status_code == 200

    def lines() -> list[dict[str, Any]]:
        return [line for line in envoy.audit_lines()[count:] if line["service"] == request.subject]

    [line] = eventually(lines)
    assert (line["decision"], line["observed"]) == ("allow", observed or "role:all")


def test_the_audit_trail_of_what_is_observed_tells_what_to_grant(envoy: Any, entra: Any, eventually: Any) -> None:
    for path in ("/api/2.0/nowhere/observed", "/api/2.0/preview/scim/v2/Me"):
        assert ask(envoy, entra, Request(issuer=entra.url, **read("observed", path))).status_code == 200
    assert ask(envoy, entra, Request(issuer=entra.url, **statement("observed", OVER))).status_code == 200
    wanted = {
        ("observed", EXECUTE, "rule:seen"),
        ("observed", "GET /api/2.0/nowhere/observed", "unknown-action"),
        ("observed", "current_user.me", "default-deny"),
    }

    def told() -> bool:
        trail = read_trail(envoy.audit_file.read_text().splitlines())
        return wanted <= trail.uses.keys() and not trail.passed_over

    assert eventually(told)


def test_a_rule_that_is_enforced_refuses_beside_one_that_is_observed(envoy: Any, entra: Any) -> None:
    refused = ask(envoy, entra, Request(issuer=entra.url, **statement("half", OVER)))
    assert "'second'" in refused.json()["message"]


numbers = st.one_of(st.integers(-5, 130), st.floats(-5, 130), st.just(10**30))
texts = st.sampled_from(
    ["w1", "w2", "w3", "main", "secret", "x", "", "größe", "INLINE", "20s", "21s", "5m", "\u0000", "😀"]
)
values = st.one_of(numbers, texts, st.none(), st.booleans(), st.lists(st.integers(), max_size=2))
members = st.sampled_from(
    ["row_limit", "byte_limit", "wait_timeout", "disposition", "warehouse_id", "catalog", "schema", "statement"]
)
documents = st.dictionaries(members, values, max_size=6).map(lambda one: json.dumps(one, ensure_ascii=False).encode())
pieces = st.lists(
    st.sampled_from(
        [
            b"{",
            b"}",
            b"[",
            b"]",
            b'"',
            b":",
            b",",
            b"1",
            b"-",
            b".5",
            b"e9",
            b'"row_limit":1',
            b" ",
            b"\\",
            b"\\u00e9",
            b"null",
            b"true",
            b"\xc3\xa9",
            b"\x00",
            b"\x7f",
            b"01",
        ]
    ),
    max_size=9,
).map(lambda parts: b"".join(parts))
bodies = st.one_of(documents, pieces, pieces.map(lambda middle: b'{"a":' + middle + b',"row_limit":1}'))
kinds = st.sampled_from(
    [(JSON,), (), (("content-type", "application/json; charset=utf-8"),), (("content-type", "text/json"),)]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(service=st.sampled_from(SERVICES), body=bodies, kind=kinds)
@example(service="small", body=b'{"warehouse_id":"w1","row_limit":1E400}', kind=(JSON,))
@example(service="small", body=b'{"warehouse_id":"w1","row_limit":-1E400}', kind=(JSON,))
def test_envoy_decides_about_bodies_as_the_reference_does(
    envoy: Any, entra: Any, ruled: Any, service: Any, body: Any, kind: Any
) -> None:
    request = Request("POST", STATEMENTS, entra.url, service, time=datetime.now(UTC), headers=kind, body=body)
    decision = reference(ruled, request)
    response = ask(envoy, entra, request)
    assert (response.status_code == 200) == decision.allowed, (body, decision)
    if not decision.allowed:
        assert response.json()["message"] == decision.message


def test_attributes_of_paths_are_those_of_the_template() -> None:
    assert path_attributes("warehouses.get", "/api/2.0/sql/warehouses/w1") == {"id": "w1"}
    assert path_attributes("warehouses.get", "/api/2.0/sql/warehouses/w1/start") == {}
    assert path_attributes("warehouses.list", "/api/2.0/sql/warehouses") == {}


def test_a_body_that_means_two_things_says_why() -> None:
    assert "twice" in read_body(EXECUTE, [], b'{"a":1,"a":2}').problem
    assert read_body(EXECUTE, [], b'{"row_limit": 3}').attributes == {"bytes": 16.0, "readable": True, "row_limit": 3.0}
