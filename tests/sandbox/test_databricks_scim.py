"""SCIM rules: what is kept of what clients send, which resources a filter selects, what a patch makes of one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelatch_sandbox.databricks import scim
from lakelatch_sandbox.databricks.errors import ApiError, ScimError
from lakelatch_sandbox.databricks.principal_secrets import MAX_LIFETIME_SECONDS, lifetime_seconds
from lakelatch_sandbox.databricks.resource_types import GROUP, SERVICE_PRINCIPAL, TYPES, USER, ResourceType
from lakelatch_sandbox.databricks.scim_filter import matching
from lakelatch_sandbox.databricks.securables import normalised, parents

UUID = "11111111-2222-3333-4444-555555555555"
PEOPLE: list[dict[str, Any]] = [
    {"id": "1", "displayName": "Kim", "userName": "kim@example.com", "active": True},
    {"id": "2", "displayName": "kimberley", "userName": "k2@example.com", "active": False},
    {"id": "3", "displayName": 'a "quoted" name', "userName": "q@example.com", "active": True, "externalId": "e"},
]


@pytest.mark.parametrize(
    ("expression", "ids"),
    [
        (None, "123"),
        ("", "123"),
        ('displayName eq "kim"', "1"),
        ("displayName eq 'KIM'", "1"),
        ('displayName co "im"', "12"),
        ('displayName sw "kim" and active eq true', "1"),
        ('displayName sw "kim" or externalId eq "e"', "123"),
        ('userName ne "kim@example.com"', "23"),
        ('externalId ne "e"', "12"),
        ("active eq false", "2"),
        (r'displayName eq "a \"quoted\" name"', "3"),
        ('id eq "2"', "2"),
        ('displayName eq "research and development" or id eq "1"', "1"),
        ("  USERNAME   EQ   'q@example.com'  ", "3"),
    ],
)
def test_filters(expression: str | None, ids: str) -> None:
    assert "".join(one["id"] for one in matching(PEOPLE, expression)) == ids


@pytest.mark.parametrize(
    "expression",
    [
        "x",
        "displayName",
        'displayName gt "a"',
        'password eq "x"',
        'displayName eq "a',
        'displayName eq "a" and',
        "()",
        'id eq "1" and id eq "2" or id eq "3"',
    ],
)
def test_filters_that_are_none(expression: str) -> None:
    with pytest.raises(ScimError, match="is not supported"):
        matching(PEOPLE, expression)


@given(st.text())
def test_no_filter_breaks_the_reader(expression: str) -> None:
    try:
        assert all(one in PEOPLE for one in matching(PEOPLE, expression))
    except ScimError as error:
        assert error.scim_type == "invalidFilter"  # noqa: PT017


@given(st.text(max_size=50))
def test_a_quoted_name_finds_exactly_its_bearer(name: str) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    people = [*PEOPLE, {"id": "n", "displayName": name}]
    found = matching(people, f'displayName eq "{quoted}"')
    assert {"id": "n", "displayName": name} in found
    assert all(str(one["displayName"]).casefold() == name.casefold() for one in found)


@pytest.mark.parametrize(
    ("type", "body", "kept"),
    [
        pytest.param(
            SERVICE_PRINCIPAL,
            {"applicationId": UUID.upper(), "displayName": "x", "unknown": 1, "entitlements": [{}]},
            {"applicationId": UUID, "displayName": "x", "active": True, "entitlements": []},
            id="principal",
        ),
        pytest.param(
            USER,
            {"userName": "kim@example.com", "name": {"givenName": "Kim"}, "active": False},
            {
                "userName": "kim@example.com",
                "displayName": "kim@example.com",
                "name": {"givenName": "Kim"},
                "active": False,
                "emails": [{"value": "kim@example.com", "type": "work", "primary": True}],
            },
            id="user",
        ),
        pytest.param(
            GROUP,
            {"displayName": "g", "members": [{"value": "1", "display": "Kim"}, {"value": "1"}], "active": False},
            {"displayName": "g", "members": [{"value": "1"}]},
            id="group",
        ),
    ],
)
def test_what_is_kept_of_a_body(type: ResourceType, body: dict[str, Any], kept: dict[str, Any]) -> None:
    assert scim.from_body(type, body, id="7") == {"id": "7", "schemas": [type.schema], **kept}


@pytest.mark.parametrize(
    ("type", "body", "reason"),
    [
        pytest.param(SERVICE_PRINCIPAL, {"applicationId": "x"}, "must be a UUID", id="no uuid"),
        pytest.param(USER, {}, "userName is required", id="no name"),
        pytest.param(GROUP, {"displayName": ""}, "displayName is required", id="empty"),
        pytest.param(GROUP, {"displayName": "x" * 1025}, "at most 1024", id="long"),
        pytest.param(USER, {"userName": "u", "active": "maybe"}, "true or false", id="active"),
        pytest.param(GROUP, {"displayName": "g", "members": "m"}, "list of objects", id="members"),
        pytest.param(USER, {"userName": "u", "name": []}, "wrong shape", id="person"),
    ],
)
def test_bodies_that_are_refused(type: ResourceType, body: dict[str, Any], reason: str) -> None:
    with pytest.raises(ScimError, match=reason):
        scim.from_body(type, body, id="7")


@pytest.mark.parametrize(
    ("operation", "roles"),
    [
        pytest.param({"op": "add", "path": "roles", "value": [{"value": "b"}]}, "ab", id="add"),
        pytest.param({"op": "Add", "path": "roles", "value": [{"value": "a"}]}, "a", id="add again"),
        pytest.param({"op": "replace", "path": "roles", "value": [{"value": "b"}]}, "b", id="replace"),
        pytest.param({"op": "replace", "value": {"roles": [{"value": "c"}]}}, "c", id="without a path"),
        pytest.param({"op": "remove", "path": 'roles[value eq "a"]'}, "", id="one"),
        pytest.param({"op": "remove", "path": "roles[value eq 'z']"}, "a", id="none"),
        pytest.param({"op": "remove", "path": "roles", "value": [{"value": "a"}]}, "", id="named"),
        pytest.param({"op": "remove", "path": "roles", "value": [{}]}, "", id="one empty entry means all"),
    ],
)
def test_patches(operation: dict[str, Any], roles: str) -> None:
    resource = {"id": "7", "applicationId": UUID, "active": True, "roles": [{"value": "a"}]}
    result = scim.patched(SERVICE_PRINCIPAL, resource, {"Operations": [operation]})
    assert "".join(one["value"] for one in result.get("roles", [])) == roles
    assert resource["roles"] == [{"value": "a"}], "what was given is left alone"


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        ({"op": "move", "path": "roles"}, "invalidSyntax"),
        ({"op": "add", "path": "id", "value": "8"}, "invalidPath"),
        ({"op": "remove", "path": "externalId"}, "invalidPath"),
        ({"op": "replace", "path": "applicationId", "value": UUID.replace("1", "2")}, "mutability"),
        ({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue"),
    ],
)
def test_patches_that_are_refused(operation: dict[str, Any], scim_type: str) -> None:
    resource = {"id": "7", "applicationId": UUID, "active": True}
    with pytest.raises(ScimError) as caught:
        scim.patched(SERVICE_PRINCIPAL, resource, {"Operations": [operation]})
    assert caught.value.scim_type == scim_type


VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["value", "op", "path"]), inner),
)
NAMES = st.sampled_from(
    ["displayName", "active", "members", "roles", "entitlements", "userName", "name", "emails", "id"]
)


@given(st.sampled_from(TYPES), st.dictionaries(NAMES, VALUES), st.lists(st.dictionaries(NAMES, VALUES) | VALUES))
def test_no_body_and_no_patch_breaks_the_reader(
    type: ResourceType, body: dict[str, Any], operations: list[Any]
) -> None:
    key = {"applicationId": UUID, "userName": "u", "displayName": "d"}[type.key]
    try:
        resource = scim.from_body(type, body, id="7")
    except ScimError:
        resource = scim.from_body(type, {type.key: key}, id="7")
    try:
        resource = scim.patched(type, resource, {"Operations": operations})
    except ScimError:
        return
    assert resource["id"] == "7"
    assert all(isinstance(resource.get(name, []), list) for name in type.lists)


@pytest.mark.parametrize(
    ("attributes", "excluded", "names"),
    [
        (None, None, {"schemas", "id", "userName", "displayName", "roles"}),
        ("displayName", None, {"schemas", "id", "userName", "displayName"}),
        ("roles.value", None, {"schemas", "id", "userName", "roles"}),
        (None, "roles,id", {"schemas", "id", "userName", "displayName"}),
    ],
)
def test_what_is_shown(attributes: str | None, excluded: str | None, names: set[str]) -> None:
    resource = {
        "schemas": [],
        "id": "7",
        "userName": "u",
        "displayName": "d",
        "roles": [{"value": "r"}],
        "groups": [],
        "_secret": "s",
    }
    assert scim.shown({**resource, "schemas": [USER.schema]}, attributes, excluded).keys() == names


@given(st.lists(st.integers(), max_size=30), st.integers(1, 40), st.integers(0, 40))
def test_pages_together_are_the_whole(numbers: list[int], start: int, count: int) -> None:
    resources = [{"id": str(number)} for number in numbers]
    page = scim.listing(resources, start=start, count=count)
    assert page["totalResults"] == len(numbers)
    assert page["Resources"] == resources[start - 1 : start - 1 + count]
    assert page["itemsPerPage"] == len(page["Resources"]) <= count


@given(st.none() | st.text() | st.integers() | st.from_regex(r"[1-9][0-9]{0,9}s", fullmatch=True))
def test_lifetimes(value: Any) -> None:
    try:
        found = lifetime_seconds(value)
    except ApiError:
        return
    assert 0 < found <= MAX_LIFETIME_SECONDS
    assert value in (None, "") or value == f"{found}s"


@pytest.mark.parametrize(
    ("securable_type", "full_name", "above"),
    [
        ("table", "c.s.t", [("schema", "c.s"), ("catalog", "c")]),
        ("volume", "c.s.v", [("schema", "c.s"), ("catalog", "c")]),
        ("schema", "c.s", [("catalog", "c")]),
        ("catalog", "c", []),
        ("metastore", "m", []),
    ],
)
def test_what_a_securable_inherits_from(securable_type: str, full_name: str, above: list[tuple[str, str]]) -> None:
    assert parents(securable_type, full_name) == above


def test_privileges_may_have_spaces() -> None:
    assert normalised("use schema") == "USE_SCHEMA"
