from lakelatch_sandbox.cluster.application import application

__all__ = ["application"]
