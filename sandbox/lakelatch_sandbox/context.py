"""What every double is given when it is made."""

from dataclasses import dataclass, field
from pathlib import Path

import httpx

from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.faults import Faults
from lakelatch_sandbox.store import Store


@dataclass(frozen=True)
class Context:
    """The shared parts of one running sandbox.

    A double is a module with `application(context: Context) -> Starlette`. `http` trusts the local CA and the system's
    roots, follows no redirect and gives up after a few seconds; it is closed by the server. `state` is the directory
    of this sandbox, for what does not fit into the store: files and other servers' databases.
    """

    store: Store
    clock: Clock
    endpoints: Endpoints
    http: httpx.AsyncClient
    state: Path
    faults: Faults = field(default_factory=Faults)
