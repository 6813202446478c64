"""Proves that what is wrong within parts and between them is told together, and that nothing is told twice."""

from typing import Any

import pytest
import yaml
from support.wide import WIDE, text

from lakelatch.access.model import AccessModel
from lakelatch.access.soundness import Remainder, remainder
from lakelatch.errors import ModelError


def paths(**changes: Any) -> list[str]:
    """Where the wide model is wrong after changes: `section__entry__key` to a value."""
    data: Any = yaml.safe_load(WIDE)
    for path, value in changes.items():
        *above, last = path.replace("_of_", "-").split("__")
        place = data
        for key in above:
            place = place[key]
        place[last] = value
    with pytest.raises(ModelError) as caught:
        AccessModel.read(text(data))
    return [finding.path for finding in caught.value.findings]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {"services__exporter__via": "round", "services__nightly_of_report__roles": ["nothing"]},
            ["services.exporter.via", "services.nightly-report.roles[0]"],
            id="a broken service beside one with an unknown role",
        ),
        pytest.param(
            {"roles__reader__entitlements": ["x"], "services__exporter__roles": ["nothing"]},
            ["roles.reader.entitlements[0]", "services.exporter.roles[0]"],
            id="a broken role is there all the same",
        ),
        pytest.param(
            {"issuers__okta__url": "http://a", "issuers__cluster__url": "http://b"},
            ["issuers.cluster.url", "issuers.okta.url"],
            id="broken issuers are there all the same",
        ),
        pytest.param(
            {"workspaces__science__id": "x", "people__analysts__issuer": "github"},
            ["workspaces.science.id", "people.analysts.issuer"],
            id="a broken workspace beside people without sign-in",
        ),
        pytest.param(
            {"account__id": "x", "services__exporter__roles": ["nothing"]},
            ["account.id"],
            id="without the account nothing certain follows",
        ),
    ],
)
def test_told_together(changes: dict[str, Any], expected: list[str]) -> None:
    assert paths(**changes) == expected


@pytest.mark.parametrize(
    ("broken", "left"),
    [
        ([("roles", "a")], Remainder({"roles": {"b": 2}, "account": {}}, frozenset("a"))),
        ([("roles", "a", "actions", 0)], Remainder({"roles": {"b": 2}, "account": {}}, frozenset("a"))),
        ([("roles", "a"), ("roles", "b")], Remainder({"roles": {}, "account": {}}, frozenset("ab"))),
        ([("roles",)], None),
        ([()], None),
        ([("account", "id")], None),
        ([("roles", "a"), ("account", "id")], None),
    ],
)
def test_what_is_left(broken: list[Any], left: Remainder | None) -> None:
    assert remainder({"roles": {"a": 1, "b": 2}, "account": {}}, broken) == left


def test_who_is_to_blame() -> None:
    left = Remainder({}, frozenset({"etl"}))
    assert left.blames("names the role 'etl', which is not there")
    assert not left.blames("names the role 'etl-deploy', which is not there")
