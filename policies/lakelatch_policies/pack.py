"""The policies of the pack. Making a `PolicyPack` of them starts a server, so that is left to `__main__.py`."""

from typing import Final

from pulumi_policy import Policy

from lakelatch_policies.federation_signing import UNKNOWN_KEYS, WEAK_KEYS
from lakelatch_policies.secret_end_date import RELATIVE_END

NAME: Final = "lakelatch"
POLICIES: Final[tuple[Policy, ...]] = (WEAK_KEYS, UNKNOWN_KEYS, RELATIVE_END)
