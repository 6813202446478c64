"""The access gateway: what services call instead of Databricks."""

from typing import Any, TypedDict

import pulumi

from lakelatch.components.arguments import known_later, require
from lakelatch.errors import Finding


class AccessGatewayArgs(TypedDict):
    """Where the gateway finds its configuration, and what stands in it."""

    directory: str
    """Folder that `lakelatch gateway run --config-dir` watches; relative to the project."""
    config: pulumi.Input[dict[str, Any]]
    """The gateway's configuration, as `lakelatch.envoy.resolve.gateway_config` makes it."""


class GatewayConfig(pulumi.CustomResource):
    """A configuration delivered into a folder: checked first, then swapped in at once, and kept until a better one.

    Served by the `lakelatch-native` plugin of this repository's `provider/` folder.
    """

    version: pulumi.Output[str]
    """Hash of the configuration in force."""

    def __init__(
        self,
        resource_name: str,
        directory: pulumi.Input[str],
        config: pulumi.Input[dict[str, Any]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {"directory": directory, "config": config, "version": None}
        super().__init__("lakelatch-native:index:GatewayConfig", resource_name, properties, opts)


class AccessGateway(pulumi.ComponentResource):
    """The gateway's configuration on this machine, picked up by a running gateway without losing a request."""

    version: pulumi.Output[str]
    """Hash of the configuration in force."""

    def __init__(self, name: str, args: AccessGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("lakelatch:index:AccessGateway", name, None, opts)
        require("AccessGateway", name, known_later(args, ("config",)) or _findings(args["directory"]))
        delivered = GatewayConfig(
            name, directory=args["directory"], config=args["config"], opts=pulumi.ResourceOptions(parent=self)
        )
        self.version = delivered.version
        self.register_outputs({"version": self.version})


def _findings(directory: str) -> list[Finding]:
    if directory.strip():
        return []
    return [Finding("directory", "is empty", "name the folder that the gateway watches")]
