"""Vaults: keys that rotate and cannot leave, vaults that only their owners reach. Both providers' spellings."""

from collections.abc import Iterator
from typing import Final

from lakelatch_policies.check import Finding, Judge, Resource, Settings
from lakelatch_policies.reading import at, items, seconds, switch

AZURE_SECRET: Final = "azure:keyvault/secret:Secret"  # noqa: S105 - types, not secrets
AZURE_NATIVE_SECRET: Final = "azure-native:keyvault:Secret"  # noqa: S105


def turned(policy: str, after: object, before: object, expiry: object, most: int) -> Iterator[Finding]:
    """A rotation within the limit, and sooner than a version ends."""
    life, turn, ahead = seconds(expiry), seconds(after), seconds(before)
    if turn is None and ahead is not None and life is not None:
        turn = life - ahead
    if turn is None:
        yield policy, "says no time after which the key is rotated"
    elif turn > most:
        yield policy, f"rotates later than after {most} s"
    elif life is not None and turn >= life:
        yield policy, "rotates no sooner than a version ends"


def rotation(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """The rotation policy of an azure key."""
    policy = at(resource.props, "rotationPolicy")
    if not at(resource.props, "rotationPolicy.automatic"):
        yield "rotationPolicy", "is missing: the key is never rotated"
    else:
        after, before = at(policy, "automatic.timeAfterCreation"), at(policy, "automatic.timeBeforeExpiry")
        yield from turned("rotationPolicy", after, before, at(policy, "expireAfter"), settings["max_seconds"])


def native_rotation(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """The same of an azure-native key, whose actions are a list of which one is `rotate`."""
    policy = "properties.rotationPolicy"
    for action in items(at(resource.props, f"{policy}.lifetimeActions")):
        if str(at(action, "action.type") or "").lower() == "rotate":
            after, before = at(action, "trigger.timeAfterCreate"), at(action, "trigger.timeBeforeExpiry")
            expiry = at(resource.props, f"{policy}.attributes.expiryTime")
            yield from turned(policy, after, before, expiry, settings["max_seconds"])
            return
    yield policy, "is missing: the key is never rotated"


def asymmetric_rotation(switch_path: str) -> Judge:
    """AWS rotates no key for signatures, and an API call that asks for it fails at apply."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        if at(resource.props, "keyUsage") == "SIGN_VERIFY" and switch(at(resource.props, switch_path)):
            yield switch_path, "is for symmetric keys only: make a new key and move the alias"

    return judge


def reachable(public: str, default_action: str) -> Judge:
    """A vault that is not open to every network: public access off, or denied unless listed."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        access = at(resource.props, public)
        off = switch(access) is False or str(access).lower() == "disabled"
        if not off and str(at(resource.props, default_action) or "").lower() != "deny":
            yield public, "is open to every network"

    return judge


def role_based(resource: Resource, _: Settings) -> Iterator[Finding]:
    """Role assignments, by the provider's newer name or its older one."""
    old = at(resource.props, "enableRbacAuthorization")
    if switch(at(resource.props, "rbacAuthorizationEnabled") if old is None else old) is not True:
        yield "rbacAuthorizationEnabled", "is not on"
