"""Conditional Access: policies, named locations and authentication contexts.

Rules: learn.microsoft.com/graph/api/resources/conditionalaccesspolicy and its parts.
"""

import ipaddress
import re
from typing import Any

from lakelatch_sandbox.graph import permissions
from lakelatch_sandbox.graph.collection import Collection
from lakelatch_sandbox.graph.directory import Directory
from lakelatch_sandbox.graph.errors import GraphError, bad_request, conflict
from lakelatch_sandbox.graph.schema import Document
from lakelatch_sandbox.graph.schema_policies import AUTHENTICATION_CONTEXT, CONDITIONAL_ACCESS_POLICY, NAMED_LOCATION
from lakelatch_sandbox.graph.service import Operation
from lakelatch_sandbox.graph.strengths import known_strength

POLICIES = "graph/conditional_access_policies"
LOCATIONS = "graph/named_locations"
CONTEXTS = "graph/authentication_contexts"

_PATH = "/identity/conditionalAccess"
_STATES = frozenset({"enabled", "disabled", "enabledForReportingButNotEnforced"})
_CONTROLS = frozenset(
    {
        "block",
        "mfa",
        "compliantDevice",
        "domainJoinedDevice",
        "approvedApplication",
        "compliantApplication",
        "passwordChange",
    }
)
_CLIENT_APPLICATIONS = frozenset(
    {"all", "browser", "mobileAppsAndDesktopClients", "exchangeActiveSync", "easSupported", "other"}
)
_EVERYWHERE = frozenset({"All", "AllTrusted"})
_CONTEXT_ID = re.compile(r"c([1-9]|[1-9][0-9])")
_LOCATION_TYPES = frozenset({"#microsoft.graph.ipNamedLocation", "#microsoft.graph.countryNamedLocation"})


def _schema(problem: str) -> GraphError:
    return bad_request(
        "1007: Incoming ConditionalAccessPolicy object is null or does not match the schema of "
        f"ConditionalAccessPolicy type: {problem}.",
        "BadRequest",
    )


def _check_policy(directory: Directory, policy: Document) -> Document:
    conditions = policy["conditions"]
    if policy["state"] not in _STATES:
        raise _schema(f"state '{policy['state']}' is unknown")
    if not conditions.get("users") and not conditions.get("clientApplications"):
        raise _schema("conditions.users is missing")
    if not conditions.get("applications"):
        raise _schema("conditions.applications is missing")
    if not set(conditions.get("clientAppTypes") or ["?"]) <= _CLIENT_APPLICATIONS:
        raise _schema("conditions.clientAppTypes is empty or has an unknown value")
    if policy["grantControls"] is None and policy["sessionControls"] is None:
        raise _schema("one of grantControls and sessionControls is needed")
    _check_locations(directory, conditions.get("locations") or {})
    return policy | {"grantControls": _grant_controls(directory, policy["grantControls"])}


def _check_locations(directory: Directory, locations: dict[str, Any]) -> None:
    for id in (*(locations.get("includeLocations") or ()), *(locations.get("excludeLocations") or ())):
        if id not in _EVERYWHERE and directory.context.store.get(LOCATIONS, str(id).lower()) is None:
            raise bad_request(f"Named location '{id}' does not exist.", "BadRequest")


def _grant_controls(directory: Directory, controls: Any) -> Any:
    """The controls with the strength that they name."""
    if controls is None:
        return None
    if not isinstance(controls, dict) or controls.get("operator") not in ("AND", "OR"):
        raise _schema("grantControls.operator must be AND or OR")
    built_in = controls.get("builtInControls") or []
    if not set(built_in) <= _CONTROLS:
        raise _schema("grantControls.builtInControls has an unknown value")
    strength = controls.get("authenticationStrength")
    kept = {
        "builtInControls": built_in,
        "customAuthenticationFactors": controls.get("customAuthenticationFactors") or [],
        "operator": controls["operator"],
        "termsOfUse": controls.get("termsOfUse") or [],
        "authenticationStrength": None,
    }
    if strength is None:
        return kept
    # learn.microsoft.com, "Conditional Access authentication strength": not together with "require MFA"
    if "mfa" in built_in:
        raise _schema("the control mfa and an authentication strength cannot be combined")
    id = str(strength.get("id") if isinstance(strength, dict) else "").lower()
    if known_strength(directory, id) is None:
        raise bad_request(f"Authentication strength policy '{id}' does not exist.", "BadRequest")
    return kept | {"authenticationStrength": {"id": id}}


def _show_policy(directory: Directory, policy: Document) -> Document:
    controls = policy["grantControls"]
    if not controls or not controls["authenticationStrength"]:
        return policy
    strength = known_strength(directory, controls["authenticationStrength"]["id"])
    return policy | {"grantControls": controls | {"authenticationStrength": strength}}


def _changed(directory: Directory, document: Document) -> Document:
    return document | {"modifiedDateTime": directory.timestamp()}


POLICY_COLLECTION = Collection(
    path=f"{_PATH}/policies",
    kind=POLICIES,
    resource=CONDITIONAL_ACCESS_POLICY,
    read_by=permissions.READ_POLICIES,
    write_by=permissions.WRITE_POLICIES,
    create_by=permissions.WRITE_POLICIES,
    complete=lambda directory, new: _check_policy(directory, new) | {"modifiedDateTime": None},
    change=lambda directory, new, _: _changed(directory, _check_policy(directory, new)),
    show=_show_policy,
)


def _check_location(location: Document) -> Document:
    kind = location["@odata.type"]
    if kind not in _LOCATION_TYPES:
        raise bad_request(f"Invalid type '{kind}' of a named location.", "BadRequest")
    if kind == "#microsoft.graph.ipNamedLocation":
        ranges = location["ipRanges"]
        if not ranges or not all(isinstance(one, dict) and _is_network(one.get("cidrAddress")) for one in ranges):
            raise bad_request("ipRanges must hold networks in CIDR form.", "BadRequest")
    elif not location["countriesAndRegions"]:
        raise bad_request("countriesAndRegions must name at least one country.", "BadRequest")
    return location


def _is_network(text: object) -> bool:
    try:
        ipaddress.ip_network(str(text), strict=False)
    except ValueError:
        return False
    return "/" in str(text)


def _change_location(directory: Directory, new: Document, old: Document) -> Document:
    if new["@odata.type"] != old["@odata.type"]:
        raise bad_request("The type of a named location cannot be changed.", "BadRequest")
    return _changed(directory, _check_location(new))


def _show_location(_: Directory, location: Document) -> Document:
    """Only what belongs to its type."""
    country = location["@odata.type"] == "#microsoft.graph.countryNamedLocation"
    others = (
        ("ipRanges", "isTrusted")
        if country
        else ("countriesAndRegions", "countryLookupMethod", "includeUnknownCountriesAndRegions")
    )
    return {name: value for name, value in location.items() if name not in (*others, "deletedDateTime")}


def _before_location(directory: Directory, location: Document) -> None:
    """A trusted location must lose its trust first, and one that a policy names stays."""
    if location["isTrusted"]:
        raise bad_request("A trusted named location cannot be deleted: set isTrusted to false first.", "BadRequest")
    for policy in directory.all(POLICIES):
        locations = policy["conditions"].get("locations") or {}
        if location["id"] in (*(locations.get("includeLocations") or ()), *(locations.get("excludeLocations") or ())):
            raise bad_request(
                f"Named location '{location['displayName']}' is referenced by policy '{policy['displayName']}'.",
                "BadRequest",
            )


LOCATION_COLLECTION = Collection(
    path=f"{_PATH}/namedLocations",
    kind=LOCATIONS,
    resource=NAMED_LOCATION,
    read_by=permissions.READ_POLICIES,
    write_by=permissions.WRITE_POLICIES,
    create_by=permissions.WRITE_POLICIES,
    complete=lambda _, new: _check_location(
        new | {"modifiedDateTime": None, "isTrusted": bool(new["isTrusted"]) if new["ipRanges"] else None}
    ),
    change=_change_location,
    show=_show_location,
    before_delete=_before_location,
)


def _complete_context(directory: Directory, document: Document) -> Document:
    """A context has the id that its maker chooses, `c1` to `c99`, and nothing of a directory object."""
    id = document["id"]
    if not _CONTEXT_ID.fullmatch(id):
        raise bad_request(f"Invalid id '{id}' of an authentication context: c1 to c99.", "BadRequest")
    if directory.context.store.get(CONTEXTS, id) is not None:
        raise conflict(f"The authentication context '{id}' exists already.")
    return {name: document[name] for name in AUTHENTICATION_CONTEXT.properties}


CONTEXT_COLLECTION = Collection(
    path=f"{_PATH}/authenticationContextClassReferences",
    kind=CONTEXTS,
    resource=AUTHENTICATION_CONTEXT,
    read_by=permissions.READ_CONTEXTS,
    write_by=permissions.WRITE_CONTEXTS,
    create_by=permissions.WRITE_CONTEXTS,
    complete=_complete_context,
    own_ids=True,
)

OPERATIONS: tuple[Operation, ...] = (
    *POLICY_COLLECTION.operations(),
    *LOCATION_COLLECTION.operations(),
    *CONTEXT_COLLECTION.operations(),
)
