"""Proves that terms are one form: rules that decide alike give the same, and of two it is known which is looser."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelatch.access.expressions import expression, one_form
from lakelatch.access.policy import Policy, Subject
from lakelatch.access.reach import Reaches
from lakelatch.access.rules import Rule
from lakelatch.access.terms import Terms, looser

ACTION: Final = "statement_execution.execute_statement"
Rows = list[dict[str, Any]]


def terms(*rules: dict[str, Any], environment: str = "production", action: str = ACTION) -> Terms | None:
    """The terms of one service for one action; None when it is refused always."""
    found = {
        f"rule-{number}": Rule.model_validate(rule | {"for": {"actions": [action]}})
        for number, rule in enumerate(rules)
    }
    subject = Subject("one", "https://issuer", "id", environment, {"role": (action,)})
    return Reaches(Policy({"one": subject}, found)).of(subject).terms.get(action)


def rows(limit: int) -> dict[str, Any]:
    return {"limit": {"row_limit": limit}}


def at(**window: Any) -> dict[str, Any]:
    return {"during": window}


WEEKEND: Final = {"days": ["sat", "sun"]}
ALIKE: Final[dict[str, tuple[Rows, Rows]]] = {
    "the smaller of two bounds": ([rows(50), rows(1000)], [rows(50)]),
    "whichever comes first": ([rows(1000), rows(50)], [rows(50)]),
    "what two lists have in common": (
        [{"limit": {"warehouses": ["a", "b"]}}, {"limit": {"warehouses": ["b", "c"]}}],
        [{"limit": {"warehouses": ["b"]}}],
    ),
    "the order of a list": ([{"limit": {"catalogs": ["a", "b"]}}], [{"limit": {"catalogs": ["b", "a"]}}]),
    "every network": ([{"networks": ["0.0.0.0/0", "::/0"]}], []),
    "two halves of a network": ([{"networks": ["10.0.0.0/9", "10.128.0.0/9"]}], [{"networks": ["10.0.0.0/8"]}]),
    "what two networks have in common": (
        [{"networks": ["10.0.0.0/8"]}, {"networks": ["10.1.0.0/16", "192.0.2.0/24"]}],
        [{"networks": ["10.1.0.0/16"]}],
    ),
    "networks that have nothing in common": (
        [{"networks": ["10.0.0.0/8"]}, {"networks": ["192.0.2.0/24"]}],
        [{"deny": True}],
    ),
    "a bound that holds always, at the weekend too": ([rows(50), rows(100) | at(**WEEKEND)], [rows(50)]),
    "networks that hold always, at the weekend too": (
        [{"networks": ["10.0.0.0/8"]}, {"networks": ["10.1.0.0/16", "192.0.2.0/24"]} | at(**WEEKEND)],
        [{"networks": ["10.0.0.0/8"]}, {"networks": ["10.1.0.0/16"]} | at(**WEEKEND)],
    ),
    "a week that is whole": ([rows(50) | at(timezone="Europe/Berlin")], [rows(50)]),
    "until midnight": ([rows(5) | at(**WEEKEND, end="00:00")], [rows(5) | at(**WEEKEND, end="24:00")]),
    "a day from noon to noon": ([rows(5) | at(**WEEKEND, start="12:00", end="12:00")], [rows(5) | at(**WEEKEND)]),
    "the order of days": ([rows(5) | at(days=["sun", "sat"])], [rows(5) | at(days=["sat", "sun"])]),
    "what is only observed": ([{"deny": True, "mode": "observe"}], []),
    "what is settled by the identity": ([{"require": "identity.environment == 'production'"}], []),
    "refused by the identity": ([{"deny": "identity.environment == 'production'"}], [{"deny": True}]),
    "denied, or required not to be": ([{"deny": "body.row_limit > 5"}], [{"require": "!(body.row_limit > 5)"}]),
    "a condition over two lines": (
        [{"require": "claims.a == 'b  c' &&\n  ! (body.row_limit>5)"}],
        [{"require": "claims . a=='b  c' && !(body.row_limit > 5)"}],
    ),
    "a rule twice": ([rows(5), rows(5)], [rows(5)]),
    "a bound on what is never said": ([{"limit": {"jobs": [1]}}], [{"deny": True}]),
}
LOOSER: Final[dict[str, tuple[Rows, Rows]]] = {
    "nothing asked": ([], [rows(50)]),
    "a larger bound": ([rows(1000)], [rows(50)]),
    "more warehouses": ([{"limit": {"warehouses": ["a", "b"]}}], [{"limit": {"warehouses": ["b"]}}]),
    "a wider network": ([{"networks": ["10.0.0.0/8"]}], [{"networks": ["10.1.0.0/16", "10.2.0.0/16"]}]),
    "only at the weekend": ([rows(50) | at(**WEEKEND)], [rows(50)]),
    "one condition less": ([rows(50)], [rows(50), {"require": "request.method == claims.method"}]),
    "refused at the weekend, where it was bound as well": (
        [rows(50) | at(**WEEKEND)],
        [{"deny": True} | at(**WEEKEND)],
    ),
}
APART: Final[dict[str, tuple[Rows, Rows]]] = {
    "a larger bound, and another condition": ([rows(1000), {"require": "claims.a == 'b'"}], [rows(50)]),
    "other warehouses": ([{"limit": {"warehouses": ["a"]}}], [{"limit": {"warehouses": ["b"]}}]),
    "other networks": ([{"networks": ["10.0.0.0/8"]}], [{"networks": ["192.0.2.0/24"]}]),
    "other hours": ([rows(5) | at(**WEEKEND)], [rows(5) | at(days=["mon"])]),
    "another zone": ([rows(5) | at(**WEEKEND)], [rows(5) | at(**WEEKEND, timezone="Asia/Tokyo")]),
    "other blanks within quotes": ([{"require": "claims.a == 'b  c'"}], [{"require": "claims.a == 'b c'"}]),
    "other words": ([{"require": "claims.a == 'b'"}], [{"require": "claims.a == 'c'"}]),
}


@pytest.mark.parametrize(("one", "other"), ALIKE.values(), ids=ALIKE)
def test_what_decides_alike_has_the_same_terms(one: Rows, other: Rows) -> None:
    assert terms(*one) == terms(*other)


@pytest.mark.parametrize(("one", "other"), LOOSER.values(), ids=LOOSER)
def test_which_of_two_is_looser(one: Rows, other: Rows) -> None:
    wide, narrow = terms(*one), terms(*other)
    assert wide is not None
    assert narrow is not None
    assert looser(wide, narrow)
    assert not looser(narrow, wide)


@pytest.mark.parametrize(("one", "other"), APART.values(), ids=APART)
def test_neither_of_two_is_looser(one: Rows, other: Rows) -> None:
    first, second = terms(*one), terms(*other)
    assert first is not None
    assert second is not None
    assert not looser(first, second)
    assert not looser(second, first)


def test_a_condition_that_stays_is_told_with_what_it_knows_of_the_identity() -> None:
    rule = {"require": "identity.environment == 'staging' || claims.ticket == 'yes'"}
    assert terms(rule, environment="staging") == frozenset()
    found = terms(rule)
    assert found is not None
    assert [one.given for one in found] == [(("identity.environment", "production"),)]


def test_an_action_that_has_nothing_of_the_kind_is_refused() -> None:
    assert terms({"require": "body.row_limit < 5"}, action="warehouses.list") is None


CONDITIONS: Final = (
    ("claims", ".", "a", "==", "'b  // &&c'", "&&", "!", "(", "body", ".", "row_limit", ">", "5", ")"),
    ("action", ".", "name", " in ", "[", "'jobs.run_now'", ",", '"a"', "]", "||", "path", "[", "'id'", "]", "!=", "''"),
    ("identity", ".", "service", "==", "'one'", "?", "body", ".", "x", "<", "2", "*", "3", ":", "true"),
)
FACTS: Final = {
    "claims": {"a": "b  // &&c"},
    "body": {"row_limit": 7, "x": -6},
    "action.name": "jobs.run_now",
    "path": {"id": ""},
    "identity.service": "one",
}


@given(st.sampled_from(CONDITIONS), st.data())
def test_white_space_between_tokens_is_none_of_a_condition(tokens: tuple[str, ...], data: st.DataObject) -> None:
    """Two texts that differ in nothing else have one form, which means what they mean."""
    blanks = st.sampled_from(("", " ", "  ", "\n", "\t "))
    one, other = ("".join(data.draw(blanks) + token for token in tokens) for _ in range(2))
    assert one_form(one) == one_form(other)
    assert expression(one_form(one)).proven(FACTS) == expression(one).proven(FACTS) == expression(other).proven(FACTS)


@pytest.mark.parametrize("text", [r"claims.a == 'b\'  c'", "claims.a == '''b  c'''", "true  // it's  so"])
def test_what_cannot_be_told_by_sight_stays(text: str) -> None:
    assert one_form(text) == text
