"""The stand-in for `pulumi-resource-azuread`: its resource types and its functions."""

from typing import Any, Final

from lakelatch_sandbox.plugins import (
    azuread_application_parts,
    azuread_applications,
    azuread_credentials,
    azuread_invokes,
    azuread_people,
    azuread_policies,
    azuread_principals,
)
from lakelatch_sandbox.plugins.spec import Spec

SPECS: Final[tuple[Spec[Any], ...]] = (
    *azuread_applications.SPECS,
    *azuread_application_parts.SPECS,
    *azuread_credentials.SPECS,
    *azuread_principals.SPECS,
    *azuread_people.SPECS,
    *azuread_policies.SPECS,
)
FUNCTIONS: Final = azuread_invokes.FUNCTIONS
