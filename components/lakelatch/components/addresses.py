"""From where a workspace may be reached: IPv4 addresses and ranges, checked now or as soon as they are known."""

from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError

import pulumi

from lakelatch.components.arguments import require
from lakelatch.errors import Finding

MOST_ADDRESSES = 1000
"""Of all lists of a workspace together (docs.databricks.com, IP access lists for workspaces)."""
WIDEST = 8
"""Prefix length below which a range is nobody's: no organisation has more than a /8."""
_PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16")))
"""RFC 1918, loopback (RFC 1122) and link-local (RFC 3927): nobody arrives from these by the internet."""


def address_findings(
    lists: dict[str, Sequence[pulumi.Input[str]]], needed: Sequence[str], *, public: bool
) -> list[Finding]:
    """Everything that is wrong with lists by the argument's name; `needed` must not be empty.

    `public`: only addresses of the internet, because a network policy refuses others.
    """
    missing = [Finding(name, "is empty", _WHY[name]) for name in needed if not lists[name]]
    wrong = [
        Finding(f"{name}[{index}]", reason, "write an address or range such as 203.0.113.7 or 203.0.113.0/24")
        for name, addresses in lists.items()
        for index, address in enumerate(addresses)
        if isinstance(address, str) and (reason := unfit(address, public=public))
    ]
    total = sum(map(len, lists.values()))
    many = f"is one of {total} addresses, and a workspace takes {MOST_ADDRESSES}"
    return [*missing, *wrong, *([Finding(next(iter(lists)), many, "write ranges")] if total > MOST_ADDRESSES else [])]


_WHY = {
    "gateway_addresses": "name the addresses that the gateway calls Databricks from",
    "operator_addresses": "name where this program runs: Databricks refuses a list without its caller",
}


def unfit(address: str, *, public: bool) -> str | None:
    """Why this is no address or range that may be let in; None when it is one."""
    try:
        network = IPv4Network(address)
    except (AddressValueError, NetmaskValueError):
        return "is not an IPv4 address or range"
    except ValueError:
        return "has bits beyond its prefix"
    if "/" in address and not address.rpartition("/")[2].isdecimal():
        return "has no prefix length"
    if network.prefixlen < WIDEST:
        return f"lets in far more than anybody's addresses (wider than /{WIDEST})"
    if public and any(map(network.overlaps, _PRIVATE)):
        return "is private, which a network policy refuses"
    return None


def together(lists: dict[str, Sequence[pulumi.Input[str]]], *, public: bool) -> pulumi.Output[list[str]]:
    """All addresses once, sorted: one list, since Databricks refuses each that leaves out its caller.

    Raises (when they are known):
        ArgumentError: for an address known only later that is unfit.

    """

    def checked(found: dict[str, list[str]]) -> list[str]:
        require("SecureWorkspace", "addresses", address_findings({**found}, (), public=public))
        return sorted({address for addresses in found.values() for address in addresses})

    return pulumi.Output.all(**{name: pulumi.Output.all(*given) for name, given in lists.items()}).apply(checked)
