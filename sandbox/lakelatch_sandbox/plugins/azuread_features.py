"""Feature tags: switches of the portal that Graph keeps as well-known texts among an object's tags. Pure.

From terraform-provider-azuread, `internal/helpers/applications`.
"""

from collections.abc import Mapping
from typing import Any, Final

from lakelatch_sandbox.plugins.azuread_shapes import Each, Table

_CUSTOM: Final = "WindowsAzureActiveDirectoryCustomSingleSignOnApplication"
_ENTERPRISE: Final = "WindowsAzureActiveDirectoryIntegratedApp"
_GALLERY: Final = "WindowsAzureActiveDirectoryGalleryApplicationNonPrimaryV1"
_HIDE: Final = "HideApp"

APPLICATION_FEATURES: Final = {
    "customSingleSignOn": _CUSTOM,
    "enterprise": _ENTERPRISE,
    "gallery": _GALLERY,
    "hide": _HIDE,
}
"""Of `feature_tags`."""
PRINCIPAL_FEATURES: Final = {
    "customSingleSignOnApp": _CUSTOM,
    "enterpriseApplication": _ENTERPRISE,
    "galleryApplication": _GALLERY,
    "visibleToUsers": f"!{_HIDE}",
}
"""Of the older `features`; `!` marks a switch that is on while its tag is missing."""


COMPARED_FEATURES: Final[Table] = {
    "featureTags": Each("", {}, dict.fromkeys(APPLICATION_FEATURES, False)),
    "features": Each("", {}, {name: tag.startswith("!") for name, tag in PRINCIPAL_FEATURES.items()}),
}
"""Switches are compared with those that are not named as they stand without their tag."""


def feature_tags(features: Mapping[str, Any], table: Mapping[str, str]) -> list[str]:
    """The tags that switches stand for."""
    found = []
    for name, tag in table.items():
        hides = tag.startswith("!")
        if bool(features.get(name, hides)) != hides:
            found.append(tag.lstrip("!"))
    return found


def features_of(tags: list[str], table: Mapping[str, str]) -> dict[str, bool]:
    """The switches that tags stand for."""
    return {name: (tag.lstrip("!") in tags) != tag.startswith("!") for name, tag in table.items()}
