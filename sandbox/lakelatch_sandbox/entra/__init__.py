from lakelatch_sandbox.entra.application import application
from lakelatch_sandbox.entra.switches import routes as switches

__all__ = ["application", "switches"]
