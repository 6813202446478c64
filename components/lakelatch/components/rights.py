"""What a group or a service principal may do in one workspace: entitlements and Unity Catalog grants."""

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict, get_args

import pulumi

from lakelatch.access.roles import SECURABLES, Entitlement
from lakelatch.errors import Finding

ENTITLEMENTS = {name: name.replace("-", "_") for name in sorted(get_args(Entitlement))}
"""Entitlement, as the SCIM API and the console name it, to the argument of `databricks.Entitlements`."""
_CONSUME = "workspace-consume"
_BESIDE_CONSUME = ("workspace-access", "databricks-sql-access")
"""`databricks.Entitlements` refuses `workspace_consume` beside these, even where they are false."""


class UnityCatalogGrant(TypedDict):
    """Privileges on one securable of Unity Catalog; exactly one securable is named."""

    privileges: list[str]
    """Privileges as Unity Catalog names them, with underscores: `USE_CATALOG`, `SELECT`."""
    catalog: NotRequired[str]
    """Name of a catalog."""
    schema: NotRequired[str]
    """Full name of a schema: `catalog.schema`."""
    table: NotRequired[str]
    """Full name of a table or view: `catalog.schema.table`."""
    volume: NotRequired[str]
    """Full name of a volume: `catalog.schema.volume`."""
    function: NotRequired[str]
    """Full name of a function: `catalog.schema.function`."""
    model: NotRequired[str]
    """Full name of a registered model: `catalog.schema.model`."""
    external_location: NotRequired[str]
    """Name of an external location."""
    storage_credential: NotRequired[str]
    """Name of a storage credential."""
    foreign_connection: NotRequired[str]
    """Name of a connection of Lakehouse Federation."""


def right_findings(entitlements: Sequence[str], grants: Sequence[UnityCatalogGrant]) -> list[Finding]:
    """Everything that is wrong with the rights of one principal."""
    findings = []
    for index, entitlement in enumerate(entitlements):
        at = f"entitlements[{index}]"
        if entitlement not in ENTITLEMENTS:
            findings.append(Finding(at, "is not an entitlement", f"use one of {', '.join(ENTITLEMENTS)}"))
        elif entitlement in entitlements[:index]:
            findings.append(Finding(at, "is named twice", "keep one"))
        elif entitlement in _BESIDE_CONSUME and _CONSUME in entitlements:
            findings.append(Finding(at, f"stands beside {_CONSUME}", "keep the wider one: it includes the other"))
    seen: set[tuple[str, str]] = set()
    for index, grant in enumerate(grants):
        at = f"grants[{index}]"
        named = [kind for kind in SECURABLES if grant.get(kind)]
        if len(named) != 1:
            found = f"names {len(named)} securables" if named else "names no securable"
            findings.append(Finding(at, found, f"name one of {', '.join(SECURABLES)}"))
        elif (key := securable(grant)) in seen:
            findings.append(Finding(at, f"names the {key[0]} {key[1]!r} a second time", "put all privileges into one"))
        else:
            seen.add(key)
        if not grant["privileges"] or not all(grant["privileges"]):
            findings.append(Finding(f"{at}.privileges", "is empty", "name at least one privilege, such as SELECT"))
    return findings


def securable(grant: UnityCatalogGrant) -> tuple[str, str]:
    """Kind and name of what a grant is about."""
    return next((kind, str(grant[kind])) for kind in SECURABLES if grant.get(kind))  # type: ignore[literal-required]


def make_entitlements(
    name: str, wanted: Sequence[str], principal: dict[str, pulumi.Input[str]], opts: pulumi.ResourceOptions
) -> None:
    """Exactly these entitlements, no others; `principal` is `group_id` or `service_principal_id`."""
    import pulumi_databricks as databricks

    skipped = _BESIDE_CONSUME if _CONSUME in wanted else (_CONSUME,)
    flags = {argument: name in wanted for name, argument in ENTITLEMENTS.items() if name not in skipped}
    databricks.Entitlements(name, **principal, **flags, opts=opts)


def make_grants(
    name: str, principal: pulumi.Input[str], grants: Sequence[UnityCatalogGrant], opts: pulumi.ResourceOptions
) -> None:
    """The principal's own privileges on each securable.

    `Grant`, never `Grants`, which takes away what everybody else holds there.
    """
    import pulumi_databricks as databricks

    for grant in grants:
        kind, securable_name = securable(grant)
        on: dict[str, Any] = {kind: securable_name}
        databricks.Grant(
            f"{name}/{kind}/{securable_name}",
            principal=principal,
            privileges=sorted(set(grant["privileges"])),
            **on,
            opts=opts,
        )
