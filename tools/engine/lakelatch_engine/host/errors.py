"""Errors that the engine shows to the user when the host cannot do what it was asked."""

from lakelatch_engine.errors import EngineError


class HostError(EngineError):
    """Raised when a program, plugin or policy pack cannot be started as its project says."""

    def __str__(self) -> str:
        """Message and hint in one text: the engine prints what it gets over gRPC and nothing else."""
        return f"{self.message}; {self.hint}" if self.hint else self.message
