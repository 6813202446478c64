"""Groups of actions that no service names: what they are made of."""

from collections.abc import Mapping
from typing import Final

PATTERNS: Final[Mapping[str, tuple[str, ...]]] = {
    "all:queries": (
        "command_execution.*",
        "genie.create_message",
        "genie.execute_message_attachment_query",
        "genie.execute_message_query",
        "genie.generate_download_full_query_result",
        "genie.genie_create_eval_run",
        "genie.start_conversation",
        "jobs.submit",
        "mcp.functions",
        "mcp.genie",
        "mcp.sql",
        "pipelines.start_update",
        "sandbox.execute_command_sync",
        "statement_execution.*",
        "thrift.*",
    ),
}
"""Group to actions and `service.*`.

`all:queries` is whatever runs a query or code that the caller wrote in the request, with what fetches its results.
"""
