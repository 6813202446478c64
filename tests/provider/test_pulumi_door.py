"""The resource behaves as the engine expects: in-place update, replacement by directory, drift shown by read, unknowns
carried through a preview that touches nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import (
    CheckRequest,
    CreateRequest,
    DeleteRequest,
    DiffRequest,
    DiffResponse,
    GetSchemaRequest,
    PropertyDiffKind,
    ReadRequest,
    ReadResponse,
    UpdateRequest,
)
from pulumi.runtime.rpc import UNKNOWN

from lakelatch.errors import LakelatchError
from lakelatch.plugin.serve import text_of
from lakelatch.plugin.values import Unknown, plain, property_value
from lakelatch_provider.pulumi_door import GATEWAY_CONFIG, LakelatchProvider

Make = Callable[..., dict[str, Any]]
Values = dict[str, PropertyValue]
URN = f"urn:pulumi:local::lakelatch::{GATEWAY_CONFIG}::gateway"


def inputs(config: Any, directory: Any = "gateway") -> Values:
    return {"directory": property_value(directory), "config": property_value(config)}


async def created(root: Path, values: Values, *, preview: bool = False) -> Values:
    response = await LakelatchProvider(root).create(CreateRequest(URN, values, 0, preview))
    assert response.resource_id == "gateway"
    return response.properties


async def compared(old: Values, new: Values, ignore: tuple[str, ...] = ()) -> DiffResponse:
    return await LakelatchProvider(Path()).diff(DiffRequest(URN, "gateway", old, new, list(ignore)))


async def read(root: Path, state: Values) -> ReadResponse:
    given = {key: state[key] for key in ("directory", "config")}
    return await LakelatchProvider(root).read(ReadRequest(URN, "gateway", state, given))


async def test_create_update_delete(tmp_path: Path, config_data: Make) -> None:
    state = await created(tmp_path, inputs(config_data()))
    file = tmp_path / "gateway" / "current" / "gateway.json"
    assert json.loads(file.read_text())["listen"]["port"] == 8443
    assert (tmp_path / "gateway" / "current").readlink().name == state["version"].value

    news = inputs(config_data(host="https://other.example.com"))
    response = await LakelatchProvider(tmp_path).update(UpdateRequest(URN, "gateway", state, news, 0, [], False))
    assert json.loads(file.read_text())["host"] == "https://other.example.com"
    assert response.properties["version"] != state["version"]

    await LakelatchProvider(tmp_path).delete(DeleteRequest(URN, "gateway", response.properties, 0))
    assert list(tmp_path.iterdir()) == []


async def test_preview_touches_nothing_and_knows_what_can_be_known(tmp_path: Path, config_data: Make) -> None:
    known = await created(tmp_path, inputs(config_data()), preview=True)
    unknown = await created(tmp_path, inputs(config_data(host=Unknown())), preview=True)
    assert list(tmp_path.iterdir()) == []
    assert unknown["version"].value == UNKNOWN
    assert known["version"].value == (await created(tmp_path, inputs(config_data())))["version"].value


async def test_check_reports_places() -> None:
    response = await LakelatchProvider(Path()).check(CheckRequest(URN, {}, inputs({"host": "x"}), b""))
    assert response.failures is not None
    assert {"config.host", "config.listen", "config.issuers"} <= {failure.property for failure in response.failures}


async def test_no_difference(tmp_path: Path, config_data: Make) -> None:
    state = await created(tmp_path, inputs(config_data()))
    assert (await compared(state, inputs(config_data()))).changes is False
    # a default that is written out means the same
    assert (await compared(state, inputs(config_data(version=1)))).changes is False


async def test_config_changes_in_place(tmp_path: Path, config_data: Make) -> None:
    state = await created(tmp_path, inputs(config_data()))
    news = config_data()
    news["services"]["nightly-report"]["roles"]["reporter"].append("warehouses.get")
    response = await compared(state, inputs(news))
    assert response.changes
    assert response.replaces == []
    assert [(path, diff.kind) for path, diff in response.detailed_diff.items()] == [
        ('config.services["nightly-report"].roles.reporter[2]', PropertyDiffKind.ADD)
    ]


SMALL = {"for": {"actions": ["jobs.run_now"]}, "limit": {"jobs": [7]}, "description": "few"}
HOURS = {"for": {"services": ["nightly-report"]}, "require": "identity.environment == 'staging'"}
RULE_CHANGES: list[Any] = [
    pytest.param({"small": SMALL | {"limit": {"jobs": [8]}}}, {"small.limit.jobs[0]": "update"}, id="bound"),
    pytest.param({"small": SMALL | {"mode": "observe"}}, {"small.mode": "add"}, id="mode"),
    pytest.param(
        {"small": HOURS | {"description": "few"}},
        {"small.for.actions": "delete", "small.for.services": "add", "small.limit": "delete", "small.require": "add"},
        id="keys",
    ),
    pytest.param(
        {"small": SMALL | {"for": {"actions": ["all:queries", "jobs.run_now"]}}},
        {"small.for.actions[0]": "add"},
        id="entry at the front",
    ),
    pytest.param({"small": SMALL, "office-hours": HOURS}, {'["office-hours"]': "add"}, id="new"),
    pytest.param({}, {"small": "delete"}, id="gone"),
]


@pytest.mark.parametrize(("rules", "wanted"), RULE_CHANGES)
async def test_a_changed_rule_is_told_by_its_name_and_what_changed(
    tmp_path: Path, config_data: Make, rules: Any, wanted: dict[str, str]
) -> None:
    state = await created(tmp_path, inputs(config_data(rules={"small": SMALL})))
    response = await compared(state, inputs(config_data(rules=rules)))
    assert response.replaces == []
    assert {path: diff.kind.name.lower() for path, diff in response.detailed_diff.items()} == {
        f"config.rules{'' if path.startswith('[') else '.'}{path}": kind for path, kind in wanted.items()
    }


async def test_the_order_in_which_rules_are_written_is_no_change(tmp_path: Path, config_data: Make) -> None:
    state = await created(tmp_path, inputs(config_data(rules={"small": SMALL, "hours": HOURS})))
    assert (await compared(state, inputs(config_data(rules={"hours": HOURS, "small": SMALL})))).changes is False


async def test_directory_replaces(tmp_path: Path, config_data: Make) -> None:
    state = await created(tmp_path, inputs(config_data()))
    response = await compared(state, inputs(config_data(), "elsewhere"))
    assert response.replaces == ["directory"]


async def test_an_unknown_part_is_a_change(tmp_path: Path, config_data: Make) -> None:
    state = await created(tmp_path, inputs(config_data()))
    response = await compared(state, inputs(config_data(host=Unknown())))
    assert list(response.detailed_diff) == ["config.host"]


async def test_ignore_changes(tmp_path: Path, config_data: Make) -> None:
    state = await created(tmp_path, inputs(config_data()))
    news = inputs(config_data(host="https://other.example.com"), "elsewhere")
    assert (await compared(state, news, ("config", "directory"))).changes is False


async def test_read_without_drift_is_what_was_recorded(tmp_path: Path, config_data: Make) -> None:
    state = await created(tmp_path, inputs(config_data()))
    response = await read(tmp_path, state)
    assert response.properties == state
    assert response.inputs == {key: state[key] for key in ("directory", "config")}


def _edit(file: Path) -> None:
    file.write_text(file.read_text().replace("nightly-report", "nightly-robbery"))


def _reformat(file: Path) -> None:
    file.write_text(json.dumps(json.loads(file.read_text())))


@pytest.mark.parametrize("meddle", [_edit, _reformat, lambda file: file.write_text("]")], ids=["edit", "space", "rot"])
async def test_a_hand_edit_is_drift_that_the_next_up_repairs(
    tmp_path: Path, config_data: Make, meddle: Callable[[Path], None]
) -> None:
    state = await created(tmp_path, inputs(config_data()))
    meddle(tmp_path / "gateway" / "current" / "gateway.json")
    response = await read(tmp_path, state)
    assert response.properties["version"] != state["version"]
    assert (await compared(response.properties, inputs(config_data()))).changes

    await LakelatchProvider(tmp_path).update(
        UpdateRequest(URN, "gateway", response.properties, inputs(config_data()), 0, [], False)
    )
    assert (await read(tmp_path, state)).properties == state


async def test_a_missing_file_is_a_missing_resource(tmp_path: Path, config_data: Make) -> None:
    state = await created(tmp_path, inputs(config_data()))
    (tmp_path / "gateway" / "current" / "gateway.json").unlink()
    assert (await read(tmp_path, state)).resource_id == ""


async def test_secrecy_survives_drift(tmp_path: Path, config_data: Make) -> None:
    values = inputs(config_data())
    values["config"] = values["config"].with_secret(True)
    state = await created(tmp_path, values)
    assert state["config"].is_secret
    _edit(tmp_path / "gateway" / "current" / "gateway.json")
    assert (await read(tmp_path, state)).properties["config"].is_secret


async def test_schema_names_every_property(tmp_path: Path, config_data: Make) -> None:
    state = await created(tmp_path, inputs(config_data()))
    schema = json.loads((await LakelatchProvider(tmp_path).get_schema(GetSchemaRequest(0))).schema or "")
    assert set(schema["resources"][GATEWAY_CONFIG]["properties"]) == set(state)


async def test_another_type_is_refused() -> None:
    with pytest.raises(LakelatchError, match="is not a resource of") as caught:
        await LakelatchProvider(Path()).check(CheckRequest(URN.replace("GatewayConfig", "Other"), {}, {}, b""))
    assert text_of(caught.value).endswith(f"hint: there is `{GATEWAY_CONFIG}`")


async def test_drifted_config_is_plain_data(tmp_path: Path, config_data: Make) -> None:
    state = await created(tmp_path, inputs(config_data()))
    _edit(tmp_path / "gateway" / "current" / "gateway.json")
    drifted = plain((await read(tmp_path, state)).properties["config"])
    assert "nightly-robbery" in drifted["services"]
