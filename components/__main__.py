"""What the engine starts when a program in any language uses the components: `pulumi package add` of this folder."""

import sys

# Loaded for their side effect: only then does a provider that a program hands over arrive as a provider.
import pulumi_azuread  # noqa: F401
import pulumi_databricks  # noqa: F401
from pulumi.provider import main

from lakelatch.components.package import Package

if __name__ == "__main__":
    main(Package(), sys.argv[1:])
