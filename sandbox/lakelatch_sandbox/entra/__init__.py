from lakelatch_sandbox.entra.application import application

__all__ = ["application"]
