"""Limits: how often a service may call (Envoy's `local_ratelimit`), asked after authorization.

The filter is switched off, and switched on where actions are named while any service has a limit: so that nobody pays
for what nobody uses, and the listener is the same with and without. A bucket lives in Envoy's process, for all its
workers; it is full again when the routes change.
"""

from typing import Final

from lakelatch.access.limits import Limits
from lakelatch.envoy.runtime import Json, any_of

FILTER_NAME: Final = "lakelatch.limits"
DETAIL: Final = "local_rate_limited"
"""What Envoy says of a request that it refuses for this."""
_TYPE: Final = "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
_PREFIX: Final = {"stat_prefix": "limits"}
_ALWAYS: Final = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
"""Envoy by itself enables and enforces a limit for 0 % of requests."""


def base_filter() -> Json:
    """The filter in the chain, switched off; without a bucket it limits nobody."""
    return {"name": FILTER_NAME, "disabled": True, "typed_config": any_of(_TYPE, dict(_PREFIX))}


def switched_on() -> Json:
    """What their virtual host says so that the filter takes part, with whatever the service's route says then."""
    # A route has to name a bucket, also one that is never asked because nothing enables it.
    unused = {"max_tokens": 1, "fill_interval": "1s"}
    config = any_of(_TYPE, {**_PREFIX, "token_bucket": unused})
    return {FILTER_NAME: any_of("envoy.config.route.v3.FilterConfig", {"config": config})}


def of_service(limits: Limits) -> Json:
    """What the route of a service with a limit says."""
    tokens = max(1, round(limits.requests_per_second))
    header = {"key": "retry-after", "value": str(limits.wait_seconds)}
    bucket = {
        "max_tokens": limits.at_once,
        "tokens_per_fill": tokens,
        "fill_interval": f"{tokens / limits.requests_per_second:.9f}s",
    }
    config = {
        **_PREFIX,
        "token_bucket": bucket,
        "filter_enabled": _ALWAYS,
        "filter_enforced": _ALWAYS,
        "response_headers_to_add": [{"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
    }
    return {FILTER_NAME: any_of(_TYPE, config)}
