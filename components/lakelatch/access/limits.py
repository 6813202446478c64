"""How often a service may call."""

import math
from typing import Annotated

from pydantic import Field

from lakelatch.access.parts import Part


class Limits(Part):
    """How often a service may call the gateway; of several gateways, each counts for itself."""

    requests_per_second: Annotated[float, Field(gt=0, le=100_000)]
    """On average; 0.5 is one every two seconds."""
    burst: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """How many at once after a pause; unset means as many as in one second."""

    @property
    def at_once(self) -> int:
        """How many at once."""
        return self.burst or max(1, math.ceil(self.requests_per_second))

    @property
    def wait_seconds(self) -> int:
        """When the next request goes through, in whole seconds, as `Retry-After` is told (RFC 9110 §10.2.3)."""
        return max(1, math.ceil(1 / self.requests_per_second))
