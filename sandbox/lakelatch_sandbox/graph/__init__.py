from lakelatch_sandbox.graph.application import application
from lakelatch_sandbox.graph.switches import routes as switches

__all__ = ["application", "switches"]
