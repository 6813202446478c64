"""Proves that the production checklist tells the listener's limits as they are."""

import pytest
from support.pages import DOCS

from lakelatch.access.attributes import BODY_BYTES
from lakelatch.envoy.compiler import MAX_CONNECTIONS
from lakelatch.envoy.listener import HEADERS_KIB, HEADERS_SECONDS, IDLE_CONNECTION_SECONDS
from lakelatch.envoy.routes import IDLE_SECONDS

PAGE = (DOCS / "guides" / "production.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "row",
    [
        f"| connections | {MAX_CONNECTIONS:,}; more are refused |",
        f"| request headers | {HEADERS_KIB} KiB together, within {HEADERS_SECONDS} s; 100 of them |",
        f"| body that a rule has to read | {BODY_BYTES // 2**20} MiB; no other body is held back |",
        f"| request without a byte either way | ended after {IDLE_SECONDS} s; there is no limit on the whole |",
    ],
)
def test_limits_are_those_of_the_listener(row: str) -> None:
    assert row in PAGE
    assert IDLE_CONNECTION_SECONDS == 3600
