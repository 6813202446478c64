"""AWS: which workloads of an outside issuer a role lets in, and for whom AWS makes tokens out of a role."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lakelatch_policies.check import Finding, Judge, Resource, Settings
from lakelatch_policies.judges.subjects import breadth
from lakelatch_policies.reading import at, items

ASSUME: Final = "sts:assumerolewithwebidentity"
TOKEN: Final = "sts:getwebidentitytoken"  # noqa: S105 - an action, not a secret
AUDIENCE: Final = "sts:identitytokenaudience"
COMPARE: Final = r"(?:for(?:any|all)values:)?string(?:equals|equalsignorecase|like)"
DEMAND: Final = r"(?:foranyvalue:)?string(?:equals|equalsignorecase|like)"
"""Operators that fail where the claim is missing: neither `IfExists` nor `ForAllValues` (IAM, condition operators)."""


def role_trust(path: str) -> Judge:
    """A trust policy of a role: of an OIDC provider it lets in one subject and audience, to the letter."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        for place, statement in _allowing(resource, path, ASSUME):
            for provider in items(at(statement, "Principal.Federated")):
                name = str(provider).partition(":oidc-provider/")[2].lower()
                reasons = [*_subject(statement, name), *_audience(statement, name)] if name else []
                if reasons:
                    yield place, " and ".join(reasons)

    return judge


def _subject(statement: Any, provider: str) -> Iterator[str]:
    asked = list(_values(statement, f"{provider}:sub", DEMAND))
    exact = [values for values in asked if not any(_wild(value) for value in values)]
    if not asked:
        yield "names no subject, so any workload of the issuer gets the role"
    elif not exact:
        yield "has a wildcard in the subject"
    elif reason := next(filter(None, (breadth(value, f"https://{provider}") for value in exact[0])), None):
        yield f"has a subject that {reason}"


def _audience(statement: Any, provider: str) -> Iterator[str]:
    asked = list(_values(statement, f"{provider}:aud", DEMAND))
    if all(any(_wild(value) for value in values) for values in asked):
        yield "names no audience, so tokens for other services get the role as well"


def token_grant(path: str) -> Judge:
    """A policy that lets a role ask AWS for tokens about itself: it says for which audiences."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        for place, statement in _allowing(resource, path, TOKEN):
            found = list(_values(statement, AUDIENCE, COMPARE))
            if not any(not any(_wild(value) for value in one) for one in found):
                yield (
                    place,
                    "lets AWS make tokens for any audience; name it by `sts:IdentityTokenAudience`",
                )

    return judge


def _allowing(resource: Resource, path: str, action: str) -> Iterator[tuple[str, Any]]:
    """Where a statement stands that allows an action by name, and the statement."""
    document = at(resource.props, path)
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return  # the provider refuses it
    for index, statement in enumerate(_list(at(document, "Statement") if isinstance(document, Mapping) else None)):
        actions = items(at(statement, "Action")) if at(statement, "Effect") == "Allow" else ()
        if any(_covers(str(one), action) for one in actions):
            yield f"{path}.Statement[{index}]", statement


def _covers(pattern: str, action: str) -> bool:
    """`*` alone is an administrator's, and not about federation."""
    written = re.escape(pattern.lower()).replace(r"\*", ".*").replace(r"\?", ".")
    return pattern != "*" and re.fullmatch(written, action) is not None


def _values(statement: Mapping[str, Any], key: str, operator: str) -> Iterator[list[str]]:
    """What a key of a condition must be, of each operator that asks for it; keys and operators have no case."""
    conditions = at(statement, "Condition") or {}
    for name in conditions:
        if re.fullmatch(operator, name.lower()):
            for asked in conditions[name]:
                if asked.lower() == key:
                    yield [str(one) for one in items(conditions[name][asked])]


def _wild(value: str) -> bool:
    return "*" in value or "?" in value


def _list(value: Any) -> list[Any]:
    """IAM takes one statement in place of a list."""
    return [value] if isinstance(value, Mapping) else list(items(value))
