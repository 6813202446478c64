"""The policies of the pack. Making a `PolicyPack` of them starts a server, so that is left to `__main__.py`."""

from typing import Final

from pulumi_policy import Policy

from lakelatch_policies.checks import algorithms, federation, hardening, lifetimes, people, relations, secrets, vault
from lakelatch_policies.groups import Group, resource_group, stack_group
from lakelatch_policies.left_over import advisory_policies

NAME: Final = "lakelatch"
GROUPS: Final = (
    algorithms.GROUP,
    lifetimes.GROUP,
    federation.GROUP,
    secrets.GROUP,
    vault.GROUP,
    hardening.GROUP,
    people.GROUP,
)
RELATIONS: Final[Group] = relations.GROUP
POLICIES: Final[tuple[Policy, ...]] = (
    *(resource_group(group) for group in GROUPS),
    stack_group(RELATIONS),
    *advisory_policies(),
)
"""Groups before what they leave over: Pulumi asks in this order."""
