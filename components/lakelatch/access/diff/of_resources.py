"""One side of a comparison, from what the Pulumi engine writes: a stack's export, or a preview as JSON.

A preview has both sides: what is there, and what would be. Only named values are read; nothing that is secret is among
them. What a preview does not know yet is told as not seen.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from lakelatch.access import verifiers
from lakelatch.access.diff.snapshot import MEMBER, Life, Right, Setting, Snapshot
from lakelatch.access.policy import Policy
from lakelatch.access.roles import SECURABLES
from lakelatch.access.summary import ACCOUNT, DATABRICKS, GATEWAY, Trusted
from lakelatch.errors import ModelError

UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands for a text that is known only after `pulumi up` (pulumi `sdk/go/common/resource/plugin/rpc.go`,
`UnknownStringValue`)."""

LATER: Final = "what the gateway lets through: its configuration is not known whole before `pulumi up`"

_BY: Final = {"principal": DATABRICKS, "gateway": GATEWAY, "entra": "Entra", "account": ACCOUNT}
_GROUP: Final = "databricks:index/group:Group"
_PRINCIPAL: Final = "databricks:index/servicePrincipal:ServicePrincipal"
_MEMBER: Final = "databricks:index/groupMember:GroupMember"
_GRANT: Final = "databricks:index/grant:Grant"
_ENTITLEMENTS: Final = "databricks:index/entitlements:Entitlements"
_LIVES: Final = {
    "databricks:index/servicePrincipalSecret:ServicePrincipalSecret": ("secret", "lifetime"),
    "databricks:index/token:Token": ("personal access token", "lifetimeSeconds"),
    "databricks:index/oboToken:OboToken": ("on-behalf-of token", "lifetimeSeconds"),
}
"""Types of what ends by itself, each with its name and the input that says when."""


def is_engine_output(data: Any) -> bool:
    """Whether plain data is a stack's export or a preview, and no model."""
    return isinstance(data, Mapping) and ("deployment" in data or is_preview(data))


def is_preview(data: Any) -> bool:
    """Whether plain data is what `pulumi preview --json` writes."""
    return isinstance(data, Mapping) and isinstance(data.get("steps"), list)


def of_resources(data: Any, policy_of: Callable[[Any], Policy], *, after: bool = False) -> Snapshot:
    """What a stack has, or would have `after` a preview; `policy_of` reads the gateway's configuration.

    Raises:
        ValueError: it is neither an export nor a preview.

    """
    rows = list(_steps(data, after=after)) if is_preview(data) else _exported(data)
    policies, unseen = _policies(rows, policy_of)
    names = {one.get("id"): _name(one, "displayName") for one in rows if one.get("type") in (_GROUP, _PRINCIPAL)}
    found = verifiers.of_state({"deployment": {"resources": rows}}, None)
    return Snapshot(
        policy=policies,
        trusts=tuple(Trusted(one.service or one.name, _BY[one.kind], one.trust) for one in found),
        rights=tuple(right for row in rows for right in _rights(row, names)),
        lives=tuple(life for row in rows for life in _lives(row)),
        settings=tuple(_settings(rows)),
        unseen=tuple(unseen),
    )


def _exported(data: Any) -> list[Mapping[str, Any]]:
    deployment = data.get("deployment") if isinstance(data, Mapping) else None
    rows = deployment.get("resources") if isinstance(deployment, Mapping) else None
    if not isinstance(rows, list):
        raise ValueError("it has neither `deployment.resources` nor `steps`")
    return [row for row in rows if isinstance(row, Mapping) and not row.get("delete")]


def _steps(data: Mapping[str, Any], *, after: bool) -> Iterator[Mapping[str, Any]]:
    """Each resource once: a replacement comes in several steps. After a preview, what it sends is what counts."""
    found: dict[str, Mapping[str, Any]] = {}
    for step in data["steps"]:
        state = step.get("newState" if after else "oldState") if isinstance(step, Mapping) else None
        if isinstance(state, Mapping) and not (after and str(step.get("op", "")).startswith(("delete", "discard"))):
            values = {**state, "outputs": {}} if after and step.get("op") != "same" else state
            found[str(state.get("urn"))] = _known(values)
    yield from found.values()


def _known(value: Any) -> Any:
    """Without what is not known yet."""
    if isinstance(value, Mapping):
        return {key: _known(one) for key, one in value.items() if one != UNKNOWN}
    if isinstance(value, list):
        return [_known(one) for one in value if one != UNKNOWN]
    return value


def _policies(rows: list[Mapping[str, Any]], policy_of: Callable[[Any], Policy]) -> tuple[Policy, list[str]]:
    configs = [row for row in rows if row.get("type") == verifiers.GATEWAY_CONFIG]
    if len(configs) > 1:
        return Policy({}), [f"what {len(configs)} gateways let through: compare their models"]
    for row in configs:
        try:
            return policy_of(_values(row).get("config")), []
        except ModelError:
            return Policy({}), [
                "what the gateway lets through: its configuration is not known whole before `pulumi up`"
            ]
    return Policy({}), []


def _rights(row: Mapping[str, Any], names: Mapping[Any, str]) -> Iterator[Right]:
    values = _values(row)
    match row.get("type"):
        case kind if kind == _MEMBER:
            group, member = (names.get(values.get(key)) or str(values.get(key)) for key in ("groupId", "memberId"))
            yield Right(member, "service", MEMBER, group)
        case kind if kind == _GRANT:
            principal = str(values.get("principal"))
            for securable in SECURABLES:
                if isinstance(name := values.get(_camel(securable)), str):
                    for privilege in values.get("privileges") or ():
                        yield Right(f"members of {principal}", "group", f"{privilege} on {securable} {name}", principal)
        case kind if kind == _ENTITLEMENTS:
            holder = values.get("groupId") or values.get("servicePrincipalId")
            group = names.get(holder) or _name(row, "displayName")
            for key, value in values.items():
                if value is True:
                    yield Right(f"members of {group}", "group", f"entitlement {_dashed(key)}", group)


def _lives(row: Mapping[str, Any]) -> Iterator[Life]:
    values = _values(row)
    if (kind := row.get("type")) in _LIVES:
        what, key = _LIVES[kind]
        yield Life(f"{what} {_name(row, '')}", _seconds(values.get(key)))
    issuer = (values.get("config") or {}).get("issuer") if kind == verifiers.GATEWAY_CONFIG else None
    if isinstance(issuer, Mapping):
        yield Life("tokens that the gateway signs", _seconds(issuer.get("token_lifetime_seconds", 600)))


def _seconds(value: Any) -> int | None:
    """`3600s`, as Databricks writes it, or a number; None for whatever never ends."""
    try:
        return int(float(str(value).removesuffix("s")))
    except ValueError:
        return None


def _settings(rows: list[Mapping[str, Any]]) -> Iterator[Setting]:
    for row in rows:
        config = _values(row).get("config") if row.get("type") == verifiers.GATEWAY_CONFIG else None
        if isinstance(config, Mapping):
            mode = str(config.get("mode", "enforce"))
            yield Setting("mode of the gateway", mode, mode == "observe")


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    values = {**(row.get("inputs") or {}), **(row.get("outputs") or {})}
    return {key: value for key, value in values.items() if value is not None}


def _name(row: Mapping[str, Any], key: str) -> str:
    said = _values(row).get(key)
    return said if isinstance(said, str) else str(row.get("urn", "")).rpartition("::")[2]


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def _dashed(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
