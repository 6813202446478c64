"""A small HTTP server for tests."""

import sys
from http.server import ThreadingHTTPServer
from typing import Any


class QuietServer(ThreadingHTTPServer):
    """Says nothing about clients that hang up or do not trust it: that is what some tests are about."""

    daemon_threads = True

    def serve_forever(self, poll_interval: float = 0.02) -> None:
        """Serve, and look often whether to end: each test that has a server waits for that."""
        super().serve_forever(poll_interval)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Everything else is told as usual."""
        if not isinstance(sys.exc_info()[1], OSError):  # ssl.SSLError is one
            super().handle_error(request, client_address)
