"""What can go wrong in a stand-in plugin."""

from lakelatch.errors import LakelatchError


class PluginError(LakelatchError):
    """Raised when a stand-in cannot do what the engine asks."""


class VendorError(PluginError):
    """Raised for an answer that is a refusal; the text is the vendor's own, verbatim."""

    def __init__(self, request: str, status: int, code: str, said: str) -> None:
        super().__init__(f"{request} answered {status}: {f'{code}: ' if code else ''}{said}")
        self.status = status
        self.code = code
        self.said = said
