"""Combination configurations: which keys or certificates of a method count for an authentication strength.

One per combination, and only among the combinations that the strength allows
(learn.microsoft.com, "Conditional Access authentication strength advanced options").
"""

import uuid
from collections.abc import Mapping
from typing import Any

from lakelatch_sandbox.graph import permissions
from lakelatch_sandbox.graph.errors import bad_request, denied, not_found
from lakelatch_sandbox.graph.rules import is_guid
from lakelatch_sandbox.graph.schema import Document
from lakelatch_sandbox.graph.schema_policies import COMBINATION_CONFIGURATION
from lakelatch_sandbox.graph.service import NO_CONTENT, Answer, Call, Operation
from lakelatch_sandbox.graph.strengths import COLLECTION, CONFIGURATIONS, configurations, known_strength

_TYPES: Mapping[str, frozenset[str]] = {
    "#microsoft.graph.fido2CombinationConfiguration": frozenset({"fido2"}),
    "#microsoft.graph.x509CertificateCombinationConfiguration": frozenset(
        {"x509CertificateMultiFactor", "x509CertificateSingleFactor"}
    ),
}


def _check_configuration(strength: Document, new: Document, others: list[Document]) -> None:
    modes = _TYPES.get(str(new["@odata.type"]))
    applies = new["appliesToCombinations"]
    if modes is None or not set(applies) <= modes:
        raise bad_request("A combination configuration does not fit the combinations it applies to.", "BadRequest")
    if not set(applies) <= set(strength["allowedCombinations"]):
        raise bad_request("appliesToCombinations must be among the policy's allowedCombinations.", "BadRequest")
    if any(set(applies) & set(one["appliesToCombinations"]) for one in others):
        raise bad_request("The policy has a configuration for this combination already.", "BadRequest")
    values: list[Any] = [
        new[name] for name in ("allowedAAGUIDs", "allowedIssuerSkis", "allowedPolicyOIDs") if new[name]
    ]
    if not values:
        raise bad_request("A combination configuration must allow something.", "BadRequest")
    if not all(is_guid(one) for one in new["allowedAAGUIDs"] or ()):
        raise bad_request("allowedAAGUIDs must hold GUIDs.", "BadRequest")


_SET = "combinationConfigurations"
_PATH = f"{COLLECTION.path}/{{id}}/{_SET}"


def _strength(call: Call) -> Document:
    found = known_strength(call.directory, call.path["id"].lower())
    if found is None:
        raise not_found(call.path["id"])
    return found


def _shown(one: Document) -> Document:
    hidden = {name for name in ("allowedAAGUIDs", "allowedIssuerSkis", "allowedPolicyOIDs") if one[name] is None}
    return {name: value for name, value in one.items() if not name.startswith("_") and name not in hidden}


def list_configurations(call: Call) -> Answer:
    """The configurations of a strength."""
    found = [_shown(one) for one in configurations(call.directory, _strength(call)["id"])]
    return Answer(200, call.listing(_SET, found))


def create_configuration(call: Call) -> Answer:
    """Say which keys or certificates of a method count."""
    strength = _strength(call)
    if strength["policyType"] == "builtIn":
        raise denied()
    new = COMBINATION_CONFIGURATION.create(call.body) | {"id": str(uuid.uuid4()), "_strength": strength["id"]}
    _check_configuration(strength, new, configurations(call.directory, strength["id"]))
    return Answer(201, call.entity(_SET, _shown(call.directory.put(CONFIGURATIONS, new))))


def _configuration(call: Call) -> Document:
    strength = _strength(call)
    found = call.directory.addressed(CONFIGURATIONS, call.path["configuration"])
    if found["_strength"] != strength["id"]:
        raise not_found(call.path["configuration"])
    return found


def read_configuration(call: Call) -> Answer:
    """One configuration."""
    return Answer(200, call.entity(_SET, _shown(_configuration(call))))


def update_configuration(call: Call) -> Answer:
    """Change what a configuration allows."""
    old, strength = _configuration(call), _strength(call)
    new = COMBINATION_CONFIGURATION.update(old, call.body)
    others = [one for one in configurations(call.directory, strength["id"]) if one["id"] != old["id"]]
    _check_configuration(strength, new, others)
    call.directory.put(CONFIGURATIONS, new)
    return NO_CONTENT


def delete_configuration(call: Call) -> Answer:
    """Allow every key of the method again."""
    call.directory.delete(CONFIGURATIONS, _configuration(call))
    return NO_CONTENT


OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", _PATH, permissions.READ_POLICIES, list_configurations),
    Operation("POST", _PATH, permissions.WRITE_STRENGTHS, create_configuration),
    Operation("GET", f"{_PATH}/{{configuration}}", permissions.READ_POLICIES, read_configuration),
    Operation("PATCH", f"{_PATH}/{{configuration}}", permissions.WRITE_STRENGTHS, update_configuration),
    Operation("DELETE", f"{_PATH}/{{configuration}}", permissions.WRITE_STRENGTHS, delete_configuration),
)
