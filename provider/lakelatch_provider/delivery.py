"""Delivery of a gateway's configuration into the folder that the running gateway watches. Knows no Pulumi.

    DIRECTORY/                      0700
    ├── current -> versions/<id>    swapped by rename(2), so that a reader sees the old or the new, never half of one
    └── versions/<id>/gateway.json  0600, where <id> is the SHA-256 of the file's text

A new version is written, forced to disk, read back and parsed before `current` moves; a bad one never replaces a good
one. The version before stays for whoever still reads it, and for going back by hand. Files of others are never touched.
"""

import contextlib
import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lakelatch.envoy.config import FILE_NAME, GatewayConfig
from lakelatch.errors import ModelError
from lakelatch_provider.errors import DeliveryError

CURRENT: Final = "current"
VERSIONS: Final = "versions"
_VERSION_NAME: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Observed:
    """What lies in the folder now, whoever put it there."""

    version: str
    """Version of the text that `current` leads to."""
    data: Any
    """That text as data; None when it is no JSON."""


def version_of(text: str) -> str:
    """The version of a configuration: the SHA-256 of its text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def deliver(directory: Path, config: GatewayConfig) -> str:
    """Make `config` the current one and return its version; doing it twice changes nothing.

    Raises:
        DeliveryError: when the folder cannot be written, or `current` is something that Lakelatch did not make.

    """
    text = config.file()
    version = version_of(text)
    try:
        current = directory / CURRENT
        if os.path.lexists(current) and not current.is_symlink():
            raise DeliveryError(
                f"`{current}` is not a symbolic link, so Lakelatch did not make it",
                hint="move it away, or choose another directory",
            )
        before = _target(current)
        folder = directory / VERSIONS / version
        for path in (directory, folder.parent, folder):
            path.mkdir(mode=0o700, parents=path is directory, exist_ok=True)
        _write(folder / FILE_NAME, text)
        _point(current, version)
        _prune(directory, keep={version, before})
    except OSError as error:
        raise DeliveryError(
            f"cannot deliver the gateway configuration to `{directory}`: {error.strerror}",
            hint="check that the folder is on a local disk, has room and belongs to the user who deploys",
        ) from error
    return version


def observe(directory: Path) -> Observed | None:
    """What the running gateway would read now; None when there is nothing."""
    try:
        text = (directory / CURRENT / FILE_NAME).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DeliveryError(f"cannot read the gateway configuration in `{directory}`: {error.strerror}") from error
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    return Observed(version_of(text), data)


def remove(directory: Path) -> None:
    """Remove what `deliver` made. Anything else stays, and with it the folders that hold it."""
    try:
        if _target(directory / CURRENT) is not None:
            (directory / CURRENT).unlink()
        _prune(directory, keep=set())
    except OSError as error:
        raise DeliveryError(f"cannot clear the gateway's folder `{directory}`: {error.strerror}") from error
    for folder in (directory / VERSIONS, directory):
        with contextlib.suppress(OSError):  # not empty, or the mount point of a volume: not ours to remove
            folder.rmdir()


def _target(current: Path) -> str | None:
    """The version that the link names; None when it is none of ours."""
    if not current.is_symlink():
        return None
    target = current.readlink()
    ours = target.parent == Path(VERSIONS) and _VERSION_NAME.fullmatch(target.name)
    return target.name if ours else None


def _write(path: Path, text: str) -> None:
    """Put `text` at `path` with mode 0600: written beside, forced to disk, read back and parsed, then renamed."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _prove(beside, text)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    _sync(path.parent)


def _prove(path: Path, text: str) -> None:
    """Read a file back as the gateway will."""
    found = path.read_text(encoding="utf-8")
    try:
        GatewayConfig.parse(json.loads(found))
    except (ValueError, ModelError) as error:
        raise DeliveryError(f"the written gateway configuration does not hold: {error}") from error
    if found != text:
        raise DeliveryError("the disk gave back another gateway configuration than was written")


def _point(current: Path, version: str) -> None:
    """Let `current` name a version, from one moment to the next."""
    beside = current.with_name(f".{current.name}.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(Path(VERSIONS) / version)
    beside.replace(current)
    _sync(current.parent)


def _prune(directory: Path, keep: set[str | None]) -> None:
    """Remove versions that nobody needs; a version folder with files of others loses only our file."""
    versions = directory / VERSIONS
    if not versions.is_dir():
        return
    for folder in versions.iterdir():
        if folder.name in keep or not _VERSION_NAME.fullmatch(folder.name) or folder.is_symlink():
            continue
        (folder / FILE_NAME).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            folder.rmdir()


def _sync(folder: Path) -> None:
    """Force a folder's entries to disk, so that a rename survives a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
