from starlette.routing import Route

from lakelatch_sandbox.cluster import issuers, jobs
from lakelatch_sandbox.cluster.application import application
from lakelatch_sandbox.context import Context


def switches(context: Context) -> list[Route]:
    """What the control address offers for the issuers of workloads."""
    return [*issuers.switches(context), *jobs.switches(context)]


__all__ = ["application", "switches"]
