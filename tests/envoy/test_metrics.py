"""Live Envoy counts what it decided, by service, action and rule, and nothing that a caller could make up."""

import re
from typing import Any

ME = "/api/2.0/preview/scim/v2/Me"
STATEMENTS = "/api/2.0/sql/statements"


def test_counters_are_what_was_sent(
    make_envoy: Any, configure: Any, entra: Any, workspace: Any, eventually: Any
) -> None:
    live = make_envoy()
    live.counted = True
    live.apply(configure())
    live.start()
    nightly, stranger = entra.token("Nightly-1"), entra.token("made-up-by-a-caller")
    sent = [("GET", ME, nightly)] * 3 + [("POST", STATEMENTS, nightly)] * 2 + [("GET", "/made/up", nightly)]
    sent += [("GET", ME, stranger), ("GET", "/made/up/too", None)]
    for method, path, token in sent:
        live.request(method, path, token)

    def counters() -> dict[tuple[str, ...], int]:
        rows = re.findall(r"^envoy_lakelatch_decisions\{(.*)\} (\d+)$", live.admin("/stats/prometheus"), re.MULTILINE)
        found = {}
        for labels, value in rows:
            named = dict(re.findall(r'(\w+)="([^"]*)"', labels))
            found[tuple(named[tag] for tag in ("service", "action", "decision", "rule"))] = int(value)
        return found

    expected = {
        ("nightly", "current_user.me", "allow", "role:reader"): 3,
        ("nightly", "statement_execution.execute_statement", "deny", "default-deny"): 2,
        ("nightly", "unknown", "deny", "unknown-action"): 1,
        ("-", "current_user.me", "deny", "unknown-identity"): 1,
    }
    eventually(lambda: {key: value for key, value in counters().items() if key in expected} == expected)
    # Those without a token are one row, with those that asked whether it serves.
    assert set(counters()) - set(expected) == {("-", "-", "deny", "authentication")}
    told = live.admin("/stats/prometheus")
    assert not [word for word in (nightly, stranger, "made-up", "made/up", "databricks-token-of") if word in told]
