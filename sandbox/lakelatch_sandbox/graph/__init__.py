from lakelatch_sandbox.graph.application import application

__all__ = ["application"]
