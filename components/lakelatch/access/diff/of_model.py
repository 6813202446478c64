"""One side of a comparison, from an access model."""

from collections.abc import Iterator
from math import inf
from typing import Final, get_args

from lakelatch.access import summary
from lakelatch.access.diff.snapshot import MEMBER, Life, Right, Setting, Snapshot
from lakelatch.access.limits import Limits
from lakelatch.access.model import AccessModel
from lakelatch.access.model_policy import policy_of
from lakelatch.access.people import Assurance
from lakelatch.access.trusts import platform_trust

ENTRA = "Entra"
"""Trusts a workload's platform token instead of a secret."""


def of_model(model: AccessModel) -> Snapshot:
    """What a model says, with everything that decides access."""
    platform = ((name, platform_trust(model, name)) for name in model.services)
    entra = tuple(summary.Trusted(name, ENTRA, trust) for name, trust in platform if trust is not None)
    names = {
        (model.issuers[row.issuer].issuer, row.identity_provider_group): name for name, row in model.people.items()
    }
    return Snapshot(
        policy=policy_of(model),
        people=names,
        trusts=(*summary.trusted(model), *entra),
        rights=tuple(_rights(model)),
        lives=(Life("tokens that the gateway signs", model.lifetimes.gateway_token_seconds),),
        settings=tuple(_settings(model)),
        round_it=frozenset((row.kind, row.who) for row in summary.rights(model) if not row.checked),
    )


def _settings(model: AccessModel) -> Iterator[Setting]:
    default = model.gateway.limits if model.gateway else None
    for name, row in model.services.items():
        if row.via == "gateway":
            often = row.limits or default
            yield Setting(f"calls of {name}", _often(often), often.requests_per_second if often else inf)
        yield Setting(f"workspace of {name}", f"{row.workspace} ({model.workspaces[row.workspace].host})")
    for name, people in model.people.items():
        yield Setting(f"assurance of {name}", people.assurance or "none", -_ASSURANCE.index(people.assurance))
    for name, rule in model.rules.items():
        yield Setting(f"rule {name}", "only observed" if rule.mode == "observe" else "enforced", rule.mode == "observe")
    if model.gateway is not None:
        workspace = model.workspaces[model.gateway.workspace].host
        yield Setting("gateway", f"{model.gateway.host} before {workspace}")
        yield Setting("mode of the gateway", model.gateway.mode, model.gateway.mode == "observe")


def _rights(model: AccessModel) -> Iterator[Right]:
    for row in summary.rights(model):
        if row.group is not None:
            where = row.workspace or ""
            yield Right(row.who, row.kind, MEMBER, row.group, where)
            for entitlement in row.entitlements:
                yield Right(row.who, row.kind, f"entitlement {entitlement}", row.group, where)
            for grant in model.roles[row.role].grants:
                kind, name = grant.securable
                for privilege in grant.privileges:
                    yield Right(row.who, row.kind, f"{privilege} on {kind} {name}", row.group, where)


def _often(limits: Limits | None) -> str:
    if limits is None:
        return "as often as it likes"
    return f"{limits.requests_per_second:g} requests a second, {limits.at_once} at once"


_ASSURANCE: Final = (None, *get_args(Assurance))
"""From none to the surest."""
