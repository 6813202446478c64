"""The switches of a gateway: a file in its state folder that commands change and the running gateway follows."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from lakelatch.access.switches import Switches
from lakelatch_gateway import files
from lakelatch_gateway.errors import GatewayError

FILE_NAME: Final = "switches.json"

Fingerprint = tuple[tuple[int, int, int] | None, tuple[str, ...]]
"""Inode, time and size of the file, and what is closed now: another one means that something was switched, or ended."""


def difference(before: Switches, then: datetime, after: Switches, now: datetime) -> dict[str, list[str]]:
    """What, between two moments, was closed, opened, revoked and restored, with reasons; empty when nothing was."""
    closed = [{one.scope: one.reason for one in closed} for closed in (before.closed(then), after.closed(now))]
    revoked = [{f"{one.kind}={one.value}": one.reason for one in switches.revocations} for switches in (before, after)]
    told = {
        "closed": _added(*closed),
        "opened": sorted(closed[0].keys() - closed[1].keys()),
        "revoked": _added(*revoked),
        "restored": sorted(revoked[0].keys() - revoked[1].keys()),
    }
    return {name: values for name, values in told.items() if values}


def _added(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    added = {name: reason for name, reason in after.items() if before.get(name) != reason}
    return [f"{name} ({reason})" if reason else name for name, reason in sorted(added.items())]


@dataclass(frozen=True)
class Switchboard:
    """The switches of the gateway with this state folder."""

    state: Path

    @property
    def file(self) -> Path:
        """Where they are."""
        return self.state / FILE_NAME

    def read(self) -> Switches:
        """What is switched; nothing when there is no file.

        Raises:
            GatewayError: the file cannot be read.
            ModelError: it does not hold.

        """
        try:
            return Switches.read(self.file.read_text(), str(self.file))
        except FileNotFoundError:
            return Switches()
        except (OSError, UnicodeDecodeError) as error:
            raise GatewayError(f"`{self.file}` cannot be read: {error}") from None

    def change(self, to: Callable[[Switches], Switches]) -> Switches:
        """Switch something; commands that come at the same time wait for each other.

        Raises:
            GatewayError: there is no such state folder, or it cannot be written.
            ModelError: the file there does not hold.

        """
        with self._held():
            switches = to(self.read())
            try:
                files.replace(self.file, switches.text())
            except OSError as error:
                raise GatewayError(f"`{self.file}` cannot be written: {error.strerror}") from None
        return switches

    def fingerprint(self, known: Switches, now: datetime) -> Fingerprint:
        """Whether something was switched since; `known` is what was read last."""
        try:
            status = self.file.stat()
            seen = (status.st_ino, status.st_mtime_ns, status.st_size)
        except OSError:
            seen = None
        return seen, tuple(one.scope for one in known.closed(now))

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        try:
            descriptor = os.open(self.state / f"{FILE_NAME}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise GatewayError(
                f"`{self.state}` is no state folder of a gateway: {error.strerror}",
                hint="name the one that `lakelatch gateway run --state-dir` was given",
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
