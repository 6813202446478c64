"""Listening sockets on loopback, bound before anything else starts, so that a taken port stops the sandbox at once."""

import errno
import random
import socket
from collections.abc import Mapping, Sequence

from lakelatch_sandbox.endpoints import HOST
from lakelatch_sandbox.errors import PortTakenError

FREE_PORTS = range(20000, 32000)
"""Where free ports are looked for: below the range from which systems take ports for outgoing connections (Linux
32768, IANA 49152), so that no connection sits on a remembered port when the sandbox restarts."""

ATTEMPTS = 200


def bind(ports: Mapping[str, int]) -> dict[str, socket.socket]:
    """One bound socket per double; raises `PortTakenError` and leaves nothing open when one cannot be had."""
    bound: dict[str, socket.socket] = {}
    for name, port in ports.items():
        # asyncio turns Nagle's algorithm off only where the protocol is named; with it each answer waits 40 ms
        one = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        # after a restart, connections of the last run still linger in TIME_WAIT
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((HOST, port))
            one.listen(128)
        except OSError as error:
            one.close()
            close(bound)
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            reason = "is taken by another process" if error.errno == errno.EADDRINUSE else "may not be used"
            raise PortTakenError(
                f"port {port} on {HOST}, needed for `{name}`, {reason}",
                hint="stop that process; or start on a fresh state directory, with another `--port`",
            ) from error
        bound[name] = one
    return bound


def bind_free(names: Sequence[str], choose: random.Random) -> dict[str, socket.socket]:
    """Sockets on consecutive free ports, found from a random beginning."""
    for _ in range(ATTEMPTS):
        first = choose.randrange(FREE_PORTS.start, FREE_PORTS.stop - len(names))
        try:
            return bind(consecutive(names, first))
        except PortTakenError:
            continue
    raise PortTakenError(
        f"no {len(names)} consecutive free ports between {FREE_PORTS.start} and {FREE_PORTS.stop - 1}",
        hint="name the first port with `--port`",
    )


def consecutive(names: Sequence[str], first: int) -> dict[str, int]:
    """The ports that follow a first one, a double each."""
    return {name: first + offset for offset, name in enumerate(names)}


def close(sockets: Mapping[str, socket.socket]) -> None:
    """Close them all."""
    for one in sockets.values():
        one.close()
