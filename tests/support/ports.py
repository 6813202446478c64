"""Ports for servers of tests that must know their port before they are bound."""

import os
import random
import socket

BELOW_EPHEMERAL = range(12000, 20000)
"""Below the range from which systems take ports for outgoing connections (Linux 32768, IANA 49152) and from which
`bind(0)` answers: nothing takes such a port between the choice and its use. The sandbox takes its own from 20000 on."""

_WORKER = int("".join(filter(str.isdigit, os.environ.get("PYTEST_XDIST_WORKER", ""))) or 0)
_WORKERS = 8
_given: set[int] = set()


def free_port(choose: random.Random | None = None) -> int:
    """A port on 127.0.0.1 that nothing listens on; never the same twice, nor one that another pytest worker may get."""
    choose = choose or random.Random()
    mine = [port for port in BELOW_EPHEMERAL if port % _WORKERS == _WORKER % _WORKERS and port not in _given]
    choose.shuffle(mine)
    for port in mine:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise RuntimeError(f"no port between {BELOW_EPHEMERAL.start} and {BELOW_EPHEMERAL.stop - 1} is free")
