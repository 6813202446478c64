"""Resources that no published provider has: `delivery` does the work, `pulumi_door` is how the engine asks."""

from typing import Final

VERSION: Final = "0.1.0"
"""The plugin's version as the engine records it; one version for all rooms."""
