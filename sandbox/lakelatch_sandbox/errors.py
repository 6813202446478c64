"""Errors of the sandbox that a user can mend."""

from lakelatch.errors import LakelatchError


class SandboxError(LakelatchError):
    """Raised when the sandbox cannot start or serve."""


class PortTakenError(SandboxError):
    """Raised when another process listens on a port that a double must have."""


class StateInUseError(SandboxError):
    """Raised when another process runs on the same state directory."""
