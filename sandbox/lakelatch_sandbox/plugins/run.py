"""What a launcher in a private engine home starts: `python -m lakelatch_sandbox.plugins.run databricks ENGINE`."""

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from pulumi.provider.experimental.provider import Provider

from lakelatch.plugin.serve import serve
from lakelatch_sandbox.plugins import (
    azuread,
    azuread_api,
    databricks,
    databricks_api,
)
from lakelatch_sandbox.plugins.http import Http
from lakelatch_sandbox.plugins.sdk import Sdk
from lakelatch_sandbox.plugins.stand_in import StandIn


def databricks_plugin(http: Http) -> Provider:
    """The stand-in for `pulumi-resource-databricks`."""
    return StandIn(
        Sdk("pulumi_databricks"),
        databricks.SPECS,
        databricks_api.ENVIRONMENT,
        lambda configuration: databricks_api.DatabricksApi(configuration, http),
        databricks.FUNCTIONS,
    )


def azuread_plugin(http: Http) -> Provider:
    """The stand-in for `pulumi-resource-azuread`."""
    return StandIn(
        Sdk("pulumi_azuread"),
        azuread.SPECS,
        azuread_api.ENVIRONMENT,
        lambda configuration: azuread_api.AzureAdApi(configuration, http),
        azuread.FUNCTIONS,
    )


PLUGINS: Final[Mapping[str, Callable[[Http], Provider]]] = {
    "azuread": azuread_plugin,
    "databricks": databricks_plugin,
}


def main(arguments: list[str]) -> Any:
    """Serve the plugin that the first argument names."""
    name, *rest = arguments
    serve(PLUGINS[name](Http()), Sdk(f"pulumi_{name}").version, rest)


if __name__ == "__main__":
    main(sys.argv[1:])
