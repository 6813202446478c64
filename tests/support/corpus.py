"""Reading the corpus of the policies: small sets of resources, and what is to be found in each.

A file of `tests/policies/corpus/` holds rows. A row about one check has properties that are `good`, what makes them
`bad` in one way, and the place `at` where that is set; from them come the five ways: passing, failing, absent, unknown
and secret. `absent` says what then comes (`ok`, `bad`, or which other check), and so does `unknown`, which is usually
`not judged`; `place` is where a finding is, when it is another; `also` has the checks that speak up whatever the way,
each with its place. `type` may list several. A row about a stack has `resources` and what is to be found.
"""

import copy
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pulumi.runtime.rpc import UNKNOWN
from support.analyzer import Resource, urn

FOLDER = Path(__file__).parents[1] / "policies" / "corpus"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


class Reader(yaml.SafeLoader):
    """YAML with `!unknown`, `!secret value` and `!in 30` (a date in so many days)."""


def _secret(loader: Reader, node: yaml.Node) -> Any:
    assert isinstance(node, yaml.ScalarNode)
    return secret(loader.construct_scalar(node))


def _in(loader: Reader, node: yaml.Node) -> str:
    assert isinstance(node, yaml.ScalarNode)
    days = float(str(loader.construct_scalar(node)))
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


Reader.add_constructor("!unknown", lambda _loader, _node: UNKNOWN)
Reader.add_constructor("!secret", _secret)
Reader.add_constructor("!in", _in)


def secret(value: Any) -> dict[str, Any]:
    """A value as the engine marks secrets."""
    return {**SECRET, "value": value}


Expected = tuple[str, str, str]
"""Check, place and level of a finding."""


class Case(NamedTuple):
    """A set of resources, and what must be found there, none else; where something is unknown, other checks of the same
    place may say so as well."""

    id: str
    way: str
    resources: tuple[Resource, ...]
    expected: frozenset[Expected]
    at: str = ""
    """The place that is varied."""
    whole: bool = False
    """Whether the stack is judged too; findings about it have the resource's name for a place."""


def rows() -> list[dict[str, Any]]:
    """Every row of every file."""
    found: list[dict[str, Any]] = []
    for file in sorted(FOLDER.glob("*.yaml")):
        for row in yaml.load(file.read_text(encoding="utf-8"), Reader):
            types = row.get("type")
            found += [{**row, "type": one} for one in types] if isinstance(types, list) else [row]
    return found


def cases(levels: Mapping[str, str]) -> Iterator[Case]:
    """Every set of the corpus; `levels` has each check's."""
    for row in rows():
        yield from (_stack(row, levels),) if "resources" in row else _ways(row, levels)


def _ways(row: dict[str, Any], levels: Mapping[str, str]) -> Iterator[Case]:
    check, at, level = row["check"], row["at"], levels[row["check"]]
    also = {(one, place, levels[one]) for one, place in row.get("also", {}).items()}
    wrong = {(check, row.get("place", at), level)}
    outcomes = {"ok": set[Expected](), "bad": wrong, "not judged": {(check, at, "not-judged")}}
    if row.get("always"):  # the resource itself is what is wrong
        outcomes = dict.fromkeys(outcomes, wrong)

    def case(way: str, properties: Any, expected: set[Expected], number: int = 0) -> Case:
        options = {key: row[key] for key in ("delete_before_replace",) if key in row}
        made = Resource(row["type"], properties, **options)
        name = f"{check}-{row['type'].replace('/', ':')}-{row.get('about', at)}-{way}{number or ''}"
        return Case(name.replace(" ", "-"), way, (made,), frozenset(expected | also), at)

    good = row["good"]
    bads = row["bad"] if isinstance(row["bad"], list) else [row["bad"]]
    yield case("passing", good, outcomes["ok"])
    for number, bad in enumerate(bads):
        yield case("failing", put(good, at, bad), wrong, number)
        yield case("secret", put(good, at, secret(bad)), wrong, number)
    absent = row["absent"]
    missing = (
        outcomes[absent] if isinstance(absent, str) else {(one, place, levels[one]) for one, place in absent.items()}
    )
    yield case("absent", put(good, at, None), missing)
    yield case("unknown", put(good, at, UNKNOWN), outcomes[row.get("unknown", "not judged")])


def put(properties: Any, path: str, value: Any) -> Any:
    """A copy with another value at a path, or with nothing there for None."""
    changed = copy.deepcopy(properties)
    *way, last = path.split(".")
    inner = changed
    for part in way:
        inner = inner[int(part)] if isinstance(inner, list) else inner.setdefault(part, {})
    if isinstance(inner, list):
        inner[int(last) :] = [] if value is None else [value]
    elif value is None:
        inner.pop(last, None)
    else:
        inner[last] = value
    return changed


def _stack(row: dict[str, Any], levels: Mapping[str, str]) -> Case:
    types = {one["name"]: one["type"] for one in row["resources"]}
    resources = tuple(
        Resource(
            one["type"],
            one.get("properties", {}),
            one["name"],
            one.get("delete_before_replace", False),
            tuple(one.get("additional_secret_outputs", ())),
            tuple(urn(types[name], name) for name in one.get("depends", ())),
            {key: [urn(types[name], name) for name in names] for key, names in one.get("refers", {}).items()},
        )
        for one in row["resources"]
    )
    expected = frozenset((check, place, levels[check]) for check, place in (row.get("find") or {}).items())
    return Case(row["case"].replace(" ", "-"), "failing" if expected else "passing", resources, expected, whole=True)
