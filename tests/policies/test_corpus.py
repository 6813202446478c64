"""The corpus through the pack as the engine serves it: in every set exactly what is wrong there is found, each check
five ways, and no message quotes a value."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from support.analyzer import Analyzer, Found, Resource, served
from support.corpus import SECRET, Case, cases, rows

from lakelatch_policies.check import Check
from lakelatch_policies.judging import unversioned
from lakelatch_policies.pack import GROUPS, RELATIONS
from lakelatch_policies.relation import Relation

CHECKS = {check.name: check for group in (*GROUPS, RELATIONS) for check in group.checks}
CASES = list(cases({name: check.level for name, check in CHECKS.items()}))
CANARY = "-canary-4f1c"
WAYS = ("passing", "failing", "absent", "unknown", "secret")


@pytest.fixture(scope="module")
def pack() -> Iterator[Analyzer]:
    with served() as analyzer:
        yield analyzer


def found(pack: Analyzer, case: Case) -> list[tuple[str, str, str]]:
    """What is said about a set: check, place and level."""
    said = [
        (one.check, f"{resource.name} {one.place}".strip() if case.whole else one.place, kind(one))
        for resource in case.resources
        for one in pack.analyze(resource)
    ]
    if case.whole:
        names = {resource.urn: resource.name for resource in case.resources}
        said += [(one.check, names.get(one.urn, "stack"), kind(one)) for one in pack.analyze_stack(case.resources)]
    return said


def kind(one: Found) -> str:
    return "not-judged" if one.policy == "not-judged" else one.level


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_exactly_what_is_wrong_is_found(case: Case, pack: Analyzer) -> None:
    said = found(pack, case)
    assert set(said) - others(case) == case.expected
    assert len(said) == len(set(said))


def others(case: Case) -> set[tuple[str, str, str]]:
    """What other checks say of a value that they read too, and that is unknown."""
    unknown = {case.at} if case.way == "unknown" else set()
    return {(check, place, "not-judged") for check in CHECKS for place in unknown} - case.expected


@pytest.mark.parametrize("case", [case for case in CASES if case.way == "secret"], ids=lambda case: case.id)
def test_no_value_is_quoted(case: Case, pack: Analyzer) -> None:
    """Neither the secret nor anything beside it: no text of the set is in a message, nor one that no check expects."""
    marked = case.resources[0]._replace(properties=canary(case.resources[0].properties))
    said = "\n".join(one.message for resource in (*case.resources, marked) for one in pack.analyze(resource))
    assert CANARY not in said
    for text in texts(case.resources[0].properties):
        assert text not in said


def canary(value: Any) -> Any:
    """The same with a mark in every text."""
    if isinstance(value, dict):
        return {key: one if key in SECRET else canary(one) for key, one in value.items()}
    if isinstance(value, list):
        return [canary(one) for one in value]
    return f"{value}{CANARY}" if isinstance(value, str) else value


def texts(value: object) -> Iterator[str]:
    """Texts long enough to be told from words."""
    if isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, str) and len(value) > 8:
        yield value


def test_every_check_is_tried_five_ways_at_every_type() -> None:
    tried = {(row["check"], unversioned(row["type"])) for row in rows() if "check" in row}
    judged = {(check.name, token) for group in GROUPS for check in group.checks for token in of(check)}
    assert judged == tried
    assert {case.way for case in CASES} == set(WAYS)
    related = {check for case in CASES if case.whole for check, _, _ in case.expected}
    assert {check.name for check in RELATIONS.checks} <= related


def of(check: Check | Relation) -> Iterator[str]:
    if isinstance(check, Check):
        yield from check.judges


def test_the_corpus_is_large_and_half_of_it_is_bad() -> None:
    ways = Counter(case.way for case in CASES)
    assert ways["passing"] + ways["failing"] >= 120
    assert ways["failing"] >= (ways["passing"] + ways["failing"]) * 0.5


def test_a_resource_of_another_type_is_none_of_its_business(pack: Analyzer) -> None:
    assert pack.analyze(Resource("aws:s3/bucket:Bucket", {"bucket": "dapi0123456789abcdef"})) == []
