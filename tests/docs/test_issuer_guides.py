"""Proves that each issuer's guide is true: its lines make a model that holds, and the trust that it shows is the one
that the model's own functions compute, to the letter.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from support.pages import DOCS, MODEL_TITLE, ROOT, blocks, headings, literals, tables, written

from lakelatch.access import issuers
from lakelatch.access.model import AccessModel
from lakelatch.access.trusts import Trust, account_trusts, platform_trust, principal_trust

FOLDER = DOCS / "guides" / "issuers"
GUIDES = sorted(page for page in FOLDER.glob("*.md") if page.name != "index.md")
NAMES = [page.stem for page in GUIDES]
GUIDE_OF = {"github": "github-actions"}
"""Kind of issuer to guide, where the two are not called the same."""
KINDS = [str(get_args(kind.model_fields["type"].annotation)[0]) for kind in get_args(get_args(issuers.Issuer)[0])]
BASE = (ROOT / "stacks" / "access.yaml").read_text(encoding="utf-8")
FIELDS = ("issuer", "audiences", "subject", "subject claim")


@dataclass(frozen=True)
class Shown:
    """Lines of a model and a table that says what comes of them."""

    line: int
    lines: dict[str, Any]
    service: str
    at_entra: bool
    trust: dict[str, list[str]]
    """Field to the values that stand there."""


def read(lines: dict[str, Any]) -> AccessModel:
    """The model of this repository with a guide's lines laid over it."""
    return AccessModel.read(BASE, MODEL_TITLE, lines)


def shown(page: Path) -> Iterator[Shown]:
    """The trusts that a guide shows, each with the lines of a model that stand above it."""
    examples = [(block.line, yaml.safe_load(block.text)) for block in blocks(page) if block.title == MODEL_TITLE]
    for line, rows in tables(page):
        if [row[0] for row in rows[1:]] not in (list(FIELDS), list(FIELDS[:3])):
            continue
        lines = [lines for above, lines in examples if above < line][-1]
        [service] = literals(rows[0][0])
        yield Shown(line, lines, service, "at Entra" in rows[0][0], {row[0]: literals(row[1]) for row in rows[1:]})


def written_down(trust: Trust, fields: list[str]) -> dict[str, list[str]]:
    """A trust as a guide's table has it."""
    known = {
        "issuer": [trust.issuer],
        "audiences": list(trust.audiences),
        "subject": [str(trust.subject)],
        "subject claim": [trust.subject_claim],
    }
    return {field: known[field] for field in fields}


TRUSTS = [pytest.param(row, id=f"{page.stem}:{row.line}") for page in GUIDES for row in shown(page)]
VARIANTS = [
    pytest.param(next(shown(page)), rows[0][1], row, id=f"{page.stem}-{row[0]}")
    for page in GUIDES
    for _, rows in tables(page)
    if rows[0][0] == "workload"
    for row in rows[1:]
]


@pytest.mark.parametrize("row", TRUSTS)
def test_the_trust_is_what_the_model_computes(row: Shown) -> None:
    model = read(row.lines)
    found = platform_trust(model, row.service) if row.at_entra else principal_trust(model, row.service)[1]
    assert found is not None
    assert row.trust == written_down(found, list(row.trust))


@pytest.mark.parametrize(("example", "claim", "row"), VARIANTS)
def test_another_workload_has_the_subject_of_the_table(example: Shown, claim: str, row: list[str]) -> None:
    lines = {**example.lines, "services": {example.service: dict(example.lines["services"][example.service])}}
    [workload], [subject] = literals(row[0]), literals(row[1])
    lines["services"][example.service]["workload"] = yaml.safe_load(workload)
    _, trust = principal_trust(read(lines), example.service)
    assert trust.subject == subject
    if literals(claim):
        assert [trust.subject_claim] == literals(claim)


@pytest.mark.parametrize("page", GUIDES, ids=NAMES)
def test_a_guide_has_the_shape_of_all(page: Path) -> None:
    found = headings(page)
    wanted = ["What you need", "In the model", "The trust that comes out", "In the ", "What goes wrong"]
    places = [next(at for at, heading in enumerate(found) if heading.startswith(start)) for start in wanted[:3]]
    places.append(next(at for at, heading in enumerate(found) if heading.startswith("In the ") and at > places[-1]))
    assert places == sorted(places)
    assert found[-1] == "What goes wrong"
    assert next(shown(page), None), "shows no trust"
    assert page.read_text(encoding="utf-8").partition("## What goes wrong")[2].count("\n### ") >= 3


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_issuer_has_a_guide(kind: str) -> None:
    page = FOLDER / f"{GUIDE_OF.get(kind, kind)}.md"
    assert any(row["type"] == kind for example in shown(page) for row in example.lines["issuers"].values())
    assert f"]({page.name})" in (FOLDER / "index.md").read_text(encoding="utf-8")


def test_every_guide_is_of_a_kind_of_issuer() -> None:
    assert {GUIDE_OF.get(kind, kind) for kind in KINDS} == set(NAMES)


def test_version_1_tokens_of_entra_have_the_issuer_of_the_table() -> None:
    [rows] = [
        rows for _, rows in tables(FOLDER / "entra.md") if rows[0][0] == "issuer" and literals(rows[0][1]) == ["iss"]
    ]
    assert len(rows) == 3
    for row in rows[1:]:
        [issuer], [iss] = literals(row[0]), literals(row[1])
        assert issuers.EntraIssuer.model_validate(yaml.safe_load(issuer)).issuer == iss


def test_the_trust_of_the_whole_account_is_what_the_model_computes() -> None:
    page = DOCS / "concepts" / "account-wide.md"
    [lines] = [yaml.safe_load(block.text) for block in blocks(page) if block.title == MODEL_TITLE]
    [rows] = [rows for _, rows in tables(page) if rows[0][0] == "`entra` for people"]
    [(name, trust)] = account_trusts(read(lines))
    assert [name] == literals(rows[0][0])
    assert {row[0]: literals(row[1]) for row in rows[1:]} == written_down(trust, [row[0] for row in rows[1:]])
    assert trust.subject is None


MODELS = [
    pytest.param(block, id=str(block)) for page in written() for block in blocks(page) if block.title == MODEL_TITLE
]


@pytest.mark.parametrize("block", MODELS)
def test_the_lines_of_every_page_make_a_model_that_holds(block: Any) -> None:
    read(yaml.safe_load(block.text))


def test_enough_is_shown() -> None:
    """A change of the pages' form must not silence the tests above."""
    assert len(TRUSTS) >= len(GUIDES) + 2
    assert len(VARIANTS) >= 9
    assert len(MODELS) >= len(GUIDES) + 6
