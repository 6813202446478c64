"""What every vendor's API has in common for a stand-in: its configuration, and answers in JSON."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lakelatch_sandbox.plugins.errors import PluginError, VendorError
from lakelatch_sandbox.plugins.http import Http


class VendorApi:
    """One vendor's API with the provider's arguments."""

    plugin: ClassVar[str]
    """Name of the package, for messages."""
    environment: ClassVar[Mapping[str, str]]
    """Which variable stands in for an argument."""

    def __init__(self, configuration: Mapping[str, str], http: Http) -> None:
        self._configuration = configuration
        self._http = http

    def _need(self, name: str) -> str:
        value = self._configuration.get(name)
        if not value:
            raise PluginError(
                f"the {self.plugin} provider has no `{name}`",
                hint=f"pass it to the Provider, or set {self.environment[name]}",
            )
        return value

    async def _json(self, method: str, url: str, *, missing: bool, **options: Any) -> Any:
        """The JSON of an answer, an empty object for none; with `missing`, None for what is not there (404)."""
        try:
            response = await self._http.request(method, url, **options)
        except VendorError as error:
            if missing and error.status == 404:
                return None
            raise
        return response.json() if response.content else {}
