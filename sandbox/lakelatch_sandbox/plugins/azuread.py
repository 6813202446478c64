"""The stand-in for `pulumi-resource-azuread`: its resource types and its functions."""

from typing import Any, Final

from lakelatch_sandbox.plugins import (
    azuread_application_members,
    azuread_application_parts,
    azuread_applications,
    azuread_conditional_access,
    azuread_credentials,
    azuread_groups,
    azuread_invokes,
    azuread_principals,
    azuread_strengths,
    azuread_users,
)
from lakelatch_sandbox.plugins.spec import Spec

SPECS: Final[tuple[Spec[Any], ...]] = (
    *azuread_applications.SPECS,
    *azuread_application_parts.SPECS,
    *azuread_application_members.SPECS,
    *azuread_credentials.SPECS,
    *azuread_principals.SPECS,
    *azuread_groups.SPECS,
    *azuread_users.SPECS,
    *azuread_conditional_access.SPECS,
    *azuread_strengths.SPECS,
)
FUNCTIONS: Final = azuread_invokes.FUNCTIONS
