"""Stand-in plugins for the engine: the published SDKs' resources over the vendors' REST paths, on this machine only."""

from lakelatch_sandbox.plugins.install import install

__all__ = ["install"]
