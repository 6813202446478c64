from lakelatch_sandbox.cluster.application import application
from lakelatch_sandbox.cluster.issuers import switches

__all__ = ["application", "switches"]
