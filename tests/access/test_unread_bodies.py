"""Proves that a rule about the body refuses a body that could mean two things, also where its condition would hold."""

from typing import Any

import pytest

from lakelatch.access.asked import Asked
from lakelatch.access.attributes import BODY_BYTES, read_body
from lakelatch.access.decisions import Request, decide
from lakelatch.access.explanation import explain
from lakelatch.access.policy import Policy, Subject
from lakelatch.access.rules import Rule

ISSUER, EXECUTE = "https://i.example", "statement_execution.execute_statement"
JSON = (("content-type", "application/json"),)
MET: dict[str, dict[str, Any]] = {
    "a member that is not there": {"require": "!has(body.catalog)"},
    "the same, refused otherwise": {"deny": "has(body.catalog)"},
    "another attribute decides": {"require": "action.access == 'write' || body.row_limit < 10 || true"},
    "the word in a text": {"require": "action.name != 'body'"},
}
"""Rules whose conditions hold of a body without members."""
CLEAR: dict[str, Any] = {"no members": (b"{}", JSON), "no content type": (b"{}", ())}
UNREAD: dict[str, Any] = {
    "nothing": (b"", JSON),
    "no JSON": (b"{", JSON),
    "a list": (b"[]", JSON),
    "a member twice": (b'{"catalog": "a", "catalog": "b"}', JSON),
    "another member twice": (b'{"x": 1, "x": 1}', JSON),
    "encoded": (b"{}", (*JSON, ("content-encoding", "gzip"))),
    "another type": (b"{}", (("content-type", "text/plain"),)),
    "no UTF-8": (b'{"x": "\xff"}', JSON),
    "too long": (b"{}" + b" " * BODY_BYTES, JSON),
}


def policy(rule: dict[str, Any]) -> Policy:
    """One service that may execute statements, and one rule."""
    subject = Subject("report", ISSUER, "sub", "production", {"all": (EXECUTE,)})
    return Policy({"report": subject}, {"asks": Rule.model_validate(rule)})


@pytest.mark.parametrize("rule", MET)
@pytest.mark.parametrize("sent", [*CLEAR, *UNREAD])
def test_a_condition_that_holds_needs_a_clear_body(rule: str, sent: str) -> None:
    body, headers = (CLEAR | UNREAD)[sent]
    assert read_body(EXECUTE, headers, body).attributes.get("readable", False) == (sent in CLEAR)
    request = Request("POST", "/api/2.0/sql/statements", ISSUER, "sub", headers=headers, body=body)
    decision = decide(policy(MET[rule]), request)
    assert (decision.allowed, decision.rule) == ((True, "role:all") if sent in CLEAR else (False, "rule:asks"))


@pytest.mark.parametrize("rule", MET)
@pytest.mark.parametrize("readable", [True, False])
def test_an_explanation_says_the_same(rule: str, readable: bool) -> None:
    asked = Asked({"body.readable": readable}, complete=True)
    found = explain(policy(MET[rule]), "report", EXECUTE, asked)
    assert found.verdict == ("allowed" if readable else "denied")


@pytest.mark.parametrize("sent", UNREAD)
def test_a_rule_that_does_not_speak_of_the_body_does_not_ask_for_a_clear_one(sent: str) -> None:
    body, headers = UNREAD[sent]
    request = Request("POST", "/api/2.0/sql/statements", ISSUER, "sub", headers=headers, body=body)
    assert decide(policy({"require": "identity.environment == 'production'"}), request).allowed
