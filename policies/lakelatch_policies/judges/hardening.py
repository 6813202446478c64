"""Databricks settings that decide about access, and hazards of the provider that lose it."""

from collections.abc import Iterator
from typing import Final

from lakelatch_policies.check import Finding, Judge, Resource, Settings
from lakelatch_policies.reading import at, items, must_be

WIDEST: Final = 8
"""Prefix length below which a range is no range of anybody's: no organisation has more than a /8."""

LETS: Final = "lets them"
EVERYBODY: Final = frozenset({"users", "account users"})

LEGACY: Final = {
    f"databricks:index/disableLegacy{what}Setting:DisableLegacy{what}Setting": f"disableLegacy{what}.value"
    for what in ("Access", "Dbfs", "Features")
}


def conf(key: str, right: bool, reason: str) -> Judge:
    """A switch of a workspace, where this resource sets it."""
    return must_be(f"customConfig.{key}", right, reason)


def address_list(resource: Resource, _: Settings) -> Iterator[Finding]:
    """A list that lets in: in force, and no range of half the world."""
    if at(resource.props, "listType") == "ALLOW":
        yield from must_be("enabled", True, "is off, so every address may come")(resource, _)
        for index, value in enumerate(items(at(resource.props, "ipAddresses"))):
            if _too_wide(str(value)):
                yield f"ipAddresses.{index}", "is half the world, or more"


def _too_wide(text: str) -> bool:
    from ipaddress import ip_network  # loaded where it is needed

    try:
        return ip_network(text, strict=False).prefixlen < WIDEST
    except ValueError:
        return False  # the API refuses it


def ingress(resource: Resource, _: Settings) -> Iterator[Finding]:
    """Who reaches the account's workspaces: restricted, and no rule that names every address."""
    if at(resource.props, "ingress") is None:
        return
    place = "ingress.publicAccess"
    if at(resource.props, f"{place}.restrictionMode") != "RESTRICTED_ACCESS":
        yield f"{place}.restrictionMode", "lets every address in"
    for index, rule in enumerate(items(at(resource.props, f"{place}.allowRules"))):
        ranges = items(at(rule, "origin.includedIpRanges.ipRanges"))
        if at(rule, "origin.allIpRanges") or any(_too_wide(str(one)) for one in ranges):
            yield f"{place}.allowRules.{index}.origin", "lets every address in"


def token_rights(resource: Resource, _: Settings) -> Iterator[Finding]:
    """Who may have tokens: not everybody."""
    if at(resource.props, "authorization") in ("tokens", "passwords"):
        for index, rule in enumerate(items(at(resource.props, "accessControls"))):
            if at(rule, "groupName") in EVERYBODY:
                yield f"accessControls.{index}.groupName", "is everybody, so everybody may make a token"


def replaced_safely(resource: Resource, _: Settings) -> Iterator[Finding]:
    """A replacement puts the new grant, then deletes it by the old one's address: the principal ends without."""
    if resource.opts.delete_before_replace is not True:
        yield "", "is replaced by putting the new grant and deleting it again; set `delete_before_replace=True`"


def assigned(resource: Resource, _: Settings) -> Iterator[Finding]:
    """A role of the whole account."""
    if str(at(resource.props, "role") or "").rpartition("/")[2] in ("account_admin", "account admin"):
        yield "role", "is the whole account, for a machine"
