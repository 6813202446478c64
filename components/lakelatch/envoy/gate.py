"""The gate: what operators closed or revoked, between authentication and authorization (Envoy's `rbac`, by ECDS).

It is a file of its own, a few lines long whatever the gateway's size, so that a switch is in force at once and drains
nothing. Nothing of it depends on Envoy's cache of verified tokens: it looks at every request.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from lakelatch.access.decisions import RULE_AUDIT
from lakelatch.access.policy import Policy, Subject
from lakelatch.access.switches import Maintenance
from lakelatch.envoy.authorization import by_header, verdict
from lakelatch.envoy.identity import (
    ACTION_HEADER,
    ISSUER_HEADER,
    PEOPLE_HEADER,
    SUBJECT_HEADER,
    TOKEN_ID_HEADER,
    USER_HEADER,
)
from lakelatch.envoy.runtime import Json, Runtime, any_of

FILTER_NAME: Final = "lakelatch.gate"
FILTER_TYPE: Final = "envoy.extensions.filters.http.rbac.v3.RBAC"
RULE_MAINTENANCE: Final = "maintenance"
RULE_REVOKED: Final = "revoked"


def gate(policy: Policy, runtime: Runtime) -> Json:
    """Compile the filter; it refuses nothing when nothing is closed or revoked."""
    if runtime.unaudited:
        return unaudited()
    tree = _maintenance(policy, runtime.closed, _OPEN)
    tree = _revoked(runtime, tree)
    return any_of(FILTER_TYPE, {} if tree is _OPEN else {"matcher": tree["matcher"]})


def unaudited() -> Json:
    """Compile the filter that lets nothing through, whatever the configuration is."""
    return any_of(FILTER_TYPE, {"matcher": by_header(SUBJECT_HEADER, {}, verdict(RULE_AUDIT, allow=False))["matcher"]})


_OPEN: Final[Json] = verdict("open", allow=True)
_CLOSED: Final[Json] = verdict(RULE_MAINTENANCE, allow=False)
_REVOKED: Final[Json] = verdict(RULE_REVOKED, allow=False)


def _revoked(runtime: Runtime, otherwise: Json) -> Json:
    revoked = (
        (SUBJECT_HEADER, runtime.revoked_subjects),
        (USER_HEADER, runtime.revoked_subjects),
        (TOKEN_ID_HEADER, runtime.revoked_token_ids),
    )
    for header, values in revoked:
        if values:
            otherwise = by_header(header, dict.fromkeys(sorted(values), _REVOKED), otherwise)
    return otherwise


def _maintenance(policy: Policy, closed: Sequence[Maintenance], otherwise: Json) -> Json:
    if any(one.kind == "all" for one in closed):
        return by_header(SUBJECT_HEADER, {}, _CLOSED)
    subjects = [subject for subject in policy.subjects.values() if any(_closes(one, subject) for one in closed)]
    if subjects:
        otherwise = by_header(SUBJECT_HEADER, _by_issuer(subjects, otherwise), otherwise)
    closed_people = {
        one.issuer: _CLOSED
        for one in policy.people.values()
        if ("environment", one.environment) in {(row.kind, row.name) for row in closed}
    }
    if closed_people:
        otherwise = by_header(PEOPLE_HEADER, closed_people, otherwise)
    actions = sorted(one.name for one in closed if one.kind == "action")
    if actions:
        otherwise = by_header(ACTION_HEADER, dict.fromkeys(actions, _CLOSED), otherwise)
    return otherwise


def _closes(one: Maintenance, subject: Subject) -> bool:
    return one.name == {"service": subject.name, "environment": subject.environment}.get(one.kind)


def _by_issuer(subjects: Iterable[Subject], otherwise: Json) -> Mapping[str, Json]:
    found: dict[str, dict[str, Json]] = {}
    for subject in subjects:
        found.setdefault(subject.subject, {})[subject.issuer] = _CLOSED
    return {name: by_header(ISSUER_HEADER, issuers, otherwise) for name, issuers in sorted(found.items())}
