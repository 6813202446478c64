"""Errors of this room: an engine could not be found, built or laid out."""

from lakelatch.errors import LakelatchError


class EngineError(LakelatchError):
    """Raised when there is no usable Pulumi engine and none could be made; its hint says what to install or change."""
