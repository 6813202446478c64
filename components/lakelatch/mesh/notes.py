"""What no other proxy of the export can hold of a model."""

from typing import Final

COMMON: Final = (
    "rules about attributes: actions that an enforced rule is about are left out",
    "observe mode: what the model only observes is refused here unless a role grants it",
    "a second token in the query: the gateway behind refuses it",
    "token swap: the client's token goes on as it came; the gateway behind swaps it",
    "revocations and maintenance: they are switched in the gateway behind",
    "pinned keys and algorithms: keys are taken as the issuer publishes them",
    "answers in Databricks' shape and the audit trail: a refusal here is the proxy's own",
)
"""In the order in which a request meets them."""
