"""Proves that a model in several files is the model in one, and that nothing is said twice without being told."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.wide import WIDE

from lakelatch.access.fragments import NAMED
from lakelatch.access.model import AccessModel
from lakelatch.errors import ModelError

ENTRIES = [(section, name) for section, entries in yaml.safe_load(WIDE).items() if section in NAMED for name in entries]
SINGLE = [section for section in yaml.safe_load(WIDE) if section not in NAMED]


@given(st.lists(st.integers(0, 3), min_size=len(ENTRIES) + len(SINGLE), max_size=len(ENTRIES) + len(SINGLE)))
def test_however_it_is_split_it_is_the_same_model(places: list[int]) -> None:
    whole = yaml.safe_load(WIDE)
    files: list[dict[str, Any]] = [{}, {}, {}, {}]
    for (section, name), place in zip(ENTRIES, places, strict=False):
        files[place].setdefault(section, {})[name] = whole[section][name]
    for section, place in zip(SINGLE, places[len(ENTRIES) :], strict=True):
        files[place][section] = whole[section]
    main, *rest = (yaml.safe_dump(file) for file in files)
    parts = {f"access.d/{index}.yaml": text for index, text in enumerate(rest) if text != "{}\n"}
    assert AccessModel.read(main, parts=parts) == AccessModel.read(WIDE)


@pytest.mark.parametrize(
    ("fragment", "path"),
    [
        pytest.param("services:\n  exporter: {}\n", "services.exporter", id="the same service"),
        pytest.param("roles:\n  reader: {}\n", "roles.reader", id="the same role"),
        pytest.param("gateway: {}\n", "gateway", id="the same part"),
        pytest.param("account: {}\n", "account", id="the account again"),
    ],
)
def test_what_stands_in_two_files_is_told_with_both(fragment: str, path: str) -> None:
    with pytest.raises(ModelError) as caught:
        AccessModel.read(WIDE, "access.yaml", parts={"access.d/team.yaml": fragment})
    [finding] = caught.value.findings
    line = next(n for n, text in enumerate(WIDE.splitlines(), 1) if text.strip().startswith(path.split(".")[-1] + ":"))
    assert finding.path == path
    assert str(finding) == (
        f"{path} (access.d/team.yaml line {1 if '.' not in path else 2}): "
        f"stands in 'access.yaml' line {line} as well; keep one of them"
    )


def test_a_finding_names_the_file_it_stands_in() -> None:
    fragment = (
        "\nservices:\n  other:\n    issuer: nobody\n    workspace: analytics\n    roles: [reader]\n    workload: {}\n"
    )
    with pytest.raises(ModelError) as caught:
        AccessModel.read(WIDE, "access.yaml", parts={"access.d/team.yaml": fragment})
    assert [str(finding).split(":")[0] for finding in caught.value.findings] == [
        "services.other.issuer (access.d/team.yaml line 4)"
    ]


def test_every_unreadable_file_is_told_at_once() -> None:
    parts = {"access.d/a.yaml": "services: [\n", "access.d/b.yaml": "- a list\n", "access.d/c.yaml": "x: *anchor\n"}
    with pytest.raises(ModelError) as caught:
        AccessModel.read(WIDE, "access.yaml", parts=parts)
    assert [finding.source for finding in caught.value.findings] == list(parts)


@pytest.mark.parametrize("value", ["[1]", "5", "text"], ids=["list", "number", "text"])
def test_a_section_that_is_no_mapping_is_told_and_not_lost(value: str) -> None:
    with pytest.raises(ModelError) as caught:
        AccessModel.read(WIDE, "access.yaml", parts={"access.d/team.yaml": f"services: {value}\n"})
    assert [finding.path for finding in caught.value.findings] == ["services"]
