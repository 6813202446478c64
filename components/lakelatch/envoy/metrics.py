"""Counters of decisions, kept by Envoy itself (its access logger `stats`), so that counting takes no detour.

What is counted is what the audit lines say, by the same conditions; a name that a caller could choose is in no counter.
"""

from typing import Final

from lakelatch.envoy.runtime import Json, any_of

PREFIX: Final = "lakelatch"
DECISIONS: Final = "decisions"
TAGS: Final = ("service", "action", "decision", "rule")
"""Services, actions and rules are those of the configuration and the catalogue: `unknown` for an action that is not in
it, `-` where there is none."""


def counter(line: Json, condition: Json) -> Json:
    """An access logger that counts the requests of an audit line."""
    tags = [{"name": tag, "value_format": line[tag] or "-"} for tag in TAGS]
    config = {
        "stat_prefix": PREFIX,
        "counters": [{"stat": {"name": DECISIONS, "tags": tags}, "value_fixed": "1"}],
    }
    typed = any_of("envoy.extensions.access_loggers.stats.v3.Config", config)
    return {"name": "envoy.access_loggers.stats", "typed_config": typed, "filter": condition}
